"""The gate: whether a trained model may be registered, each rule with its number, its limit and whether it held."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from sightline.errors import SightlineError

MAP50 = "mAP@.50"  # the rule that asks whether a model finds defects at all
LOSS = 0.05  # of mAP@.50; the loss that the gate is there to stop
TWO_SIDED_95, ONE_SIDED_95 = 1.96, 1.645  # quantiles of the normal distribution


class InvalidMetricError(SightlineError):
    """A number in evaluation.json that no measurement gives."""


@dataclass(frozen=True)
class Limits:
    """What a model must reach: mAP@.50 and recall in 0..1, latency in milliseconds (95th percentile), size in bytes."""

    min_map50: float
    min_recall: float
    max_latency_ms: float
    max_size_bytes: int


@dataclass(frozen=True)
class Rule:
    """One rule of the gate. `value` is None where there was nothing to measure."""

    rule: str
    held: bool
    value: float | None
    limit: float | None
    detail: str


@dataclass(frozen=True)
class Decision:
    accepted: bool
    reasons: list[str]
    rules: list[Rule]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(evaluation: dict[str, Any], limits: Limits) -> Decision:
    """Accept a candidate that reaches every limit and is not worse than the champion.

    `evaluation` is evaluation.json: both models measured on the same frozen test images. Without a champion, or with
    one that can't be measured any more, its rule holds and says so. A class that the test set lacks breaks no rule; a
    test set without any defect does. Raises InvalidMetricError for a share outside 0..1.
    """
    if not evaluation["test_images"]:
        rule = Rule("test images", False, 0, 1, "the test set is empty: nothing is known about this model")
        return Decision(False, [rule.detail], [rule])
    candidate = evaluation["candidate"]
    rules = [
        _map_reached(candidate["map50"], limits.min_map50),
        *(
            _at_least(f"recall of {name}", scores["recall"], limits.min_recall)
            for name, scores in sorted(candidate["per_class"].items())
        ),
        _at_most("latency, 95th percentile, ms", candidate["latency_ms"]["p95"], limits.max_latency_ms),
        _at_most("size, bytes", candidate["size_bytes"], limits.max_size_bytes),
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
        return Rule(MAP50, False, None, limit, detail)
    return _at_least(MAP50, value, limit)


def _at_least(name: str, value: float | None, limit: float) -> Rule:
    if value is None:
        return Rule(name, True, None, limit, f"{name}: the test set has no such defect, so nothing was measured")
    held = _share(name, value) >= limit
    word = "reaches" if held else "is below"
    return Rule(name, held, value, limit, f"{name} {value:.3f} {word} the floor {limit:.3f}")


def _at_most(name: str, value: float, limit: float) -> Rule:
    if not math.isfinite(value) or value < 0:
        raise InvalidMetricError(f"{name} must be a number from 0 up, got {value!r}; read it from evaluation.json")
    held = value <= limit
    word = "is within" if held else "is above"
    return Rule(name, held, value, limit, f"{name} {_plain(value)} {word} the budget {_plain(limit)}")


def _plain(value: float) -> str:
    """A number as people write it: 3,982,196 and 15.99, never with an exponent."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _not_worse(evaluation: dict[str, Any]) -> Rule:
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
        return Rule(name, True, None, -LOSS / 2, detail)
    difference = (evaluation["bootstrap"] or {}).get("difference_map50")
    if difference is None or not all(-1 <= difference[key] <= 1 for key in ("mean", "low", "high")):
        raise InvalidMetricError(
            f"the difference to the model in service must lie between -1 and 1, got {difference!r}; read it from "
            "evaluation.json"
        )
    low, mean, high = (difference[key] for key in ("low", "mean", "high"))
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
    return Rule(name, held, mean, -LOSS / 2, f"{interval}: {answer}")


def _too_few(groups: int | None, half: float) -> str:
    """How many test groups it takes for either error to be below 5 %; the interval narrows with the root of their
    number.
    """
    if not groups:
        return ""
    enough = LOSS / 2 * TWO_SIDED_95 / ONE_SIDED_95
    needed = math.ceil(groups * (half / enough) ** 2)
    return f"; {groups} test groups are too few to be sure, about {needed} would do" if needed > groups else ""
