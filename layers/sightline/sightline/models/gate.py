"""The gate: whether a trained model may be registered, each rule with its number, its limit and whether it held."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypedDict

from sightline.models.evaluation import InvalidMetricError, Judged

MAP50, LATENCY = "mAP@.50", "latency, 95th percentile, ms"
EDGES: tuple[Literal["mean", "low", "high"], ...] = ("mean", "low", "high")
LOSS = 0.05  # of mAP@.50; the loss that the gate is there to stop
TWO_SIDED_95, ONE_SIDED_95 = 1.96, 1.645  # quantiles of the normal distribution


class RuleKind(StrEnum):
    """What a rule asks. There is one rule of `recall` for each defect type."""

    TEST_IMAGES = "test_images"
    MAP50 = "map50"  # whether a model finds defects at all
    RECALL = "recall"
    LATENCY = "latency"
    SIZE = "size"
    NOT_WORSE = "not_worse"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model must reach: mAP@.50 and recall in 0..1, latency in milliseconds (95th percentile), size in bytes."""

    min_map50: float
    min_recall: float
    max_latency_ms: float
    max_size_bytes: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the gate, with what it came to."""

    kind: RuleKind
    rule: str  # its name for people
    held: bool
    value: float | None  # None where there was nothing to measure
    limit: float | None
    detail: str  # one sentence


class RuleWritten(TypedDict):
    """A rule in decision.json."""

    kind: RuleKind
    rule: str
    held: bool
    value: float | None
    limit: float | None
    detail: str


class DecisionWritten(TypedDict):
    """A decision in decision.json."""

    accepted: bool
    reasons: list[str]
    rules: list[RuleWritten]


class DecisionDocument(DecisionWritten):
    """The whole of decision.json."""

    training_job: str
    dataset_version: str
    int8: DecisionWritten | None  # on the int8 variant; None where there is none


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a model may be registered. `reasons` are the details of the rules that it broke, or that all held."""

    accepted: bool
    reasons: list[str]
    rules: list[Rule]

    def held(self, kind: RuleKind) -> bool:
        """Return whether there is a rule of this kind and every one of them held."""
        found = [rule.held for rule in self.rules if rule.kind is kind]
        return bool(found) and all(found)

    def as_dict(self) -> DecisionWritten:
        rules: list[RuleWritten] = [
            {
                "kind": rule.kind,
                "rule": rule.rule,
                "held": rule.held,
                "value": rule.value,
                "limit": rule.limit,
                "detail": rule.detail,
            }
            for rule in self.rules
        ]
        return {"accepted": self.accepted, "reasons": self.reasons, "rules": rules}


def judge(evaluation: Judged, limits: Limits) -> Decision:
    """Accept a candidate that reaches every limit and is not worse than the champion.

    `evaluation` is evaluation.json: both models measured on the same frozen test images. Without a champion, or with
    one that can't be measured any more, its rule holds and says so. A class that the test set lacks breaks no rule; a
    test set without any defect does. Raises InvalidMetricError for a share outside 0..1.
    """
    candidate = evaluation["candidate"]
    if not evaluation["test_images"] or candidate is None:
        detail = "the test set is empty: nothing is known about this model"
        rule = Rule(RuleKind.TEST_IMAGES, "test images", False, 0, 1, detail)
        return Decision(False, [rule.detail], [rule])
    rules = [
        _map_reached(candidate["map50"], limits.min_map50),
        *(
            _at_least(RuleKind.RECALL, f"recall of {name}", scores["recall"], limits.min_recall)
            for name, scores in sorted(candidate["per_class"].items())
        ),
        _at_most(
            RuleKind.LATENCY, "latency, 95th percentile, ms", candidate["latency_ms"]["p95"], limits.max_latency_ms
        ),
        _at_most(RuleKind.SIZE, "size, bytes", candidate["size_bytes"], limits.max_size_bytes),
        _not_worse(evaluation),
    ]
    broken = [rule for rule in rules if not rule.held]
    reasons = [rule.detail for rule in broken] or [f"all {len(rules)} rules held"]
    return Decision(not broken, reasons, rules)


def _share(name: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:  # also catches NaN, which compares false with everything
        raise InvalidMetricError(f"{name} must lie between 0 and 1, got {value!r}; read it from evaluation.json")
    return value


def _map_reached(value: float | None, limit: float) -> Rule:
    if value is None:
        detail = "mAP@.50 is not defined: the test set has no defect, so nothing is known about this model"
        return Rule(RuleKind.MAP50, MAP50, False, None, limit, detail)
    return _at_least(RuleKind.MAP50, MAP50, value, limit)


def _at_least(kind: RuleKind, name: str, value: float | None, limit: float) -> Rule:
    if value is None:
        return Rule(kind, name, True, None, limit, f"{name}: the test set has no such defect, so nothing was measured")
    held = _share(name, value) >= limit
    word = "reaches" if held else "is below"
    return Rule(kind, name, held, value, limit, f"{name} {value:.3f} {word} the floor {limit:.3f}")


def _at_most(kind: RuleKind, name: str, value: float, limit: float) -> Rule:
    if not math.isfinite(value) or value < 0:
        raise InvalidMetricError(f"{name} must be a number from 0 up, got {value!r}; read it from evaluation.json")
    held = value <= limit
    word = "is within" if held else "is above"
    return Rule(kind, name, held, value, limit, f"{name} {_plain(value)} {word} the budget {_plain(limit)}")


def _plain(value: float) -> str:
    """A number as people write it: 3,982,196 and 15.99, never with an exponent."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _not_worse(evaluation: Judged) -> Rule:
    """No loss against the model in service: neither a significant one nor an estimate that is nearer to LOSS than to
    none.

    The second part is for small test sets, whose intervals hold 0 whatever the model is worth. It stops a loss of LOSS
    as often as it lets an equal model pass; how often that is depends on the number of test groups (benchmarks/gate.py
    measures it).
    """
    name = "not worse than the model in service"
    if evaluation["champion"] is None:
        error = evaluation.get("champion_error")
        detail = f"the model in service can't be compared: {error}" if error else "there is no model in service yet"
        return Rule(RuleKind.NOT_WORSE, name, True, None, -LOSS / 2, detail)
    difference = evaluation["bootstrap"]["difference_map50"] if evaluation["bootstrap"] else None
    if difference is None or not all(
        -1 <= edge <= 1 for edge in (difference["mean"], difference["low"], difference["high"])
    ):
        raise InvalidMetricError(
            f"the difference to the model in service must lie between -1 and 1, got {difference!r}; read it from "
            "evaluation.json"
        )
    low, mean, high = difference["low"], difference["mean"], difference["high"]
    held = high >= 0 and mean >= -LOSS / 2
    if high < 0:
        answer = "a significant loss"
    elif not held:
        answer = f"nearer to a loss of {LOSS:.3f} than to none"
    elif low >= -LOSS:
        answer = f"a loss of {LOSS:.3f} is ruled out"
    else:
        answer = f"no loss is seen, but one of {LOSS:.3f} can't be ruled out"
    if low < -LOSS and high >= 0:
        answer += _too_few(evaluation.get("test_groups"), (high - low) / 2)
    interval = f"mAP@.50 differs by {mean:+.3f} (95 % interval {low:+.3f} to {high:+.3f})"
    return Rule(RuleKind.NOT_WORSE, name, held, mean, -LOSS / 2, f"{interval}: {answer}")


def _too_few(groups: int | None, half: float) -> str:
    """How many test groups it takes for either error to be below 5 %; the interval narrows with the root of their
    number.
    """
    if not groups:
        return ""
    enough = LOSS / 2 * TWO_SIDED_95 / ONE_SIDED_95
    needed = math.ceil(groups * (half / enough) ** 2)
    return f"; {groups} test groups are too few to be sure, about {needed} would do" if needed > groups else ""
