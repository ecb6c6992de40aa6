"""The gate: every rule at its edge, and what happens where nothing was measured."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.models.evaluation import InvalidMetricError
from sightline.models.gate import Limits, judge

LIMITS = Limits(min_map50=0.5, min_recall=0.3, max_latency_ms=500, max_size_bytes=1000)
SCORES: dict[str, Any] = {
    "map50": 0.5,
    "map50_95": 0.3,
    "per_class": {"scratch": {"ap50": 0.5, "ap50_95": 0.3, "recall": 0.3}},
    "latency_ms": {"median": 9.0, "p95": 500.0},
    "size_bytes": 1000,
}
NO_CHAMPION = "there is no model in service yet"


def evaluation(*, champion: bool = False, **changes: Any) -> dict[str, Any]:
    """At every limit exactly; `changes` are made to the candidate's scores."""
    bootstrap = {"difference_map50": {"mean": -0.025, "low": -0.05, "high": 0.0}, "replicates": 200}
    return {
        "test_images": 4,
        "candidate": {**SCORES, **changes},
        "champion": SCORES if champion else None,
        "champion_error": None,
        "bootstrap": bootstrap if champion else None,
    }


def test_a_model_at_every_limit_is_accepted_and_every_rule_is_told() -> None:
    assert judge(evaluation(), LIMITS).as_dict() == {
        "accepted": True,
        "reasons": ["all 5 rules held"],
        "rules": [
            {
                "kind": "map50",
                "rule": "mAP@.50",
                "held": True,
                "value": 0.5,
                "limit": 0.5,
                "detail": "mAP@.50 0.500 reaches the floor 0.500",
            },
            {
                "kind": "recall",
                "rule": "recall of scratch",
                "held": True,
                "value": 0.3,
                "limit": 0.3,
                "detail": "recall of scratch 0.300 reaches the floor 0.300",
            },
            {
                "kind": "latency",
                "rule": "latency, 95th percentile, ms",
                "held": True,
                "value": 500.0,
                "limit": 500,
                "detail": "latency, 95th percentile, ms 500 is within the budget 500",
            },
            {
                "kind": "size",
                "rule": "size, bytes",
                "held": True,
                "value": 1000,
                "limit": 1000,
                "detail": "size, bytes 1,000 is within the budget 1,000",
            },
            {
                "kind": "not_worse",
                "rule": "not worse than the model in service",
                "held": True,
                "value": None,
                "limit": -0.025,
                "detail": NO_CHAMPION,
            },
        ],
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"map50": 0.499}, "mAP@.50 0.499 is below the floor 0.500"),
        ({"map50": 5.3e-05}, "mAP@.50 0.000 is below the floor 0.500"),
        ({"per_class": {"scratch": {"recall": 0.29}}}, "recall of scratch 0.290 is below the floor 0.300"),
        ({"latency_ms": {"p95": 500.1}}, "latency, 95th percentile, ms 500.1 is above the budget 500"),
        ({"size_bytes": 1001}, "size, bytes 1,001 is above the budget 1,000"),
    ],
)
def test_a_model_past_one_limit_is_rejected_with_that_reason(changes: dict[str, Any], reason: str) -> None:
    decision = judge(evaluation(**changes), LIMITS)
    assert (decision.accepted, decision.reasons) == (False, [reason])


def test_every_broken_rule_is_a_reason() -> None:
    recalls = {"scratch": {"recall": 0.1}, "dent": {"recall": 0.2}}
    assert judge(evaluation(map50=0.1, per_class=recalls, size_bytes=2000), LIMITS).reasons == [
        "mAP@.50 0.100 is below the floor 0.500",
        "recall of dent 0.200 is below the floor 0.300",
        "recall of scratch 0.100 is below the floor 0.300",
        "size, bytes 2,000 is above the budget 1,000",
    ]


def test_a_weak_class_is_not_hidden_by_a_good_mean() -> None:
    recalls = {"scratch": {"recall": 0.99}, "dent": {"recall": 0.0}}
    assert not judge(evaluation(map50=0.9, per_class=recalls), LIMITS).accepted


def test_an_empty_test_set_rejects_whatever_else_is_said() -> None:
    decision = judge({"test_images": 0, "candidate": None}, LIMITS)
    assert (decision.accepted, decision.reasons) == (
        False,
        ["the test set is empty: nothing is known about this model"],
    )


def test_a_test_set_without_any_defect_rejects() -> None:
    decision = judge(evaluation(map50=None, per_class={"scratch": {"recall": None}}), LIMITS)
    reason = "mAP@.50 is not defined: the test set has no defect, so nothing is known about this model"
    assert (decision.accepted, decision.reasons) == (False, [reason])


def test_a_class_that_the_test_set_lacks_breaks_no_rule_and_is_told() -> None:
    decision = judge(evaluation(per_class={**SCORES["per_class"], "dent": {"recall": None}}), LIMITS)
    assert decision.accepted
    detail = "recall of dent: the test set has no such defect, so nothing was measured"
    assert [rule.detail for rule in decision.rules if rule.rule == "recall of dent"] == [detail]


@pytest.mark.parametrize(
    ("low", "mean", "high", "answer"),
    [
        (-0.04, 0.0, 0.04, "a loss of 0.050 is ruled out"),
        (-0.05, -0.025, 0.0, "a loss of 0.050 is ruled out"),
        (-0.009, -0.005, -0.001, "a significant loss"),
        (-0.2, -0.1, -0.001, "a significant loss"),
        (-0.045, -0.026, 0.001, "nearer to a loss of 0.050 than to none"),
        (
            -0.12,
            -0.026,
            0.06,
            "nearer to a loss of 0.050 than to none; 20 test groups are too few to be sure, about 183 would do",
        ),
        (
            -0.06,
            0.0,
            0.06,
            (
                "no loss is seen, but one of 0.050 can't be ruled out; 20 test groups are too few to be sure, about 82 "
                "would do"
            ),
        ),
    ],
)
def test_a_loss_is_stopped_when_it_is_significant_or_nearer_to_five_points_than_to_none(
    low: float, mean: float, high: float, answer: str
) -> None:
    given = {**evaluation(champion=True), "test_groups": 20}
    given["bootstrap"]["difference_map50"] = {"mean": mean, "low": low, "high": high}
    rule = judge(given, LIMITS).rules[-1]
    assert rule.detail.split("): ", 1)[1] == answer
    assert rule.held is not answer.startswith(("a significant", "nearer"))


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_a_candidate_that_measures_better_is_never_stopped_more(low: float, mean: float, high: float) -> None:
    """The rule only ever opens as the difference grows."""
    held = []
    for more in (0.0, 0.01, 0.1):
        given = evaluation(champion=True)
        numbers = {"mean": min(1, mean + more), "low": min(1, low + more), "high": min(1, high + more)}
        given["bootstrap"]["difference_map50"] = numbers
        held.append(judge(given, LIMITS).accepted)
    assert held == sorted(held)


def test_a_significant_loss_is_told_with_its_interval() -> None:
    given = evaluation(champion=True)
    given["bootstrap"]["difference_map50"] = {"mean": -0.2, "low": -0.3, "high": -0.1}
    reason = "mAP@.50 differs by -0.200 (95 % interval -0.300 to -0.100): a significant loss"
    assert judge(given, LIMITS).reasons == [reason]


def test_a_champion_that_no_longer_loads_is_told_and_does_not_reject() -> None:
    decision = judge({**evaluation(), "champion_error": "model.onnx is cut off"}, LIMITS)
    detail = "the model in service can't be compared: model.onnx is cut off"
    assert (decision.accepted, decision.rules[-1].detail) == (True, detail)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.1])
def test_a_share_outside_zero_and_one_is_refused(value: float) -> None:
    with pytest.raises(InvalidMetricError, match=r"mAP@\.50 must lie between 0 and 1, got .*; read it from evaluation"):
        judge(evaluation(map50=value), LIMITS)
    with pytest.raises(InvalidMetricError, match="recall of scratch must lie between 0 and 1"):
        judge(evaluation(per_class={"scratch": {"recall": value}}), LIMITS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1])
def test_a_latency_or_size_that_nothing_has_is_refused(value: float) -> None:
    with pytest.raises(InvalidMetricError, match="latency, 95th percentile, ms must be a number from 0 up"):
        judge(evaluation(latency_ms={"p95": value}), LIMITS)
    with pytest.raises(InvalidMetricError, match="size, bytes must be a number from 0 up"):
        judge(evaluation(size_bytes=value), LIMITS)


@pytest.mark.parametrize("bootstrap", [None, {}, {"difference_map50": {"mean": 0, "low": 0, "high": math.nan}}])
def test_a_champion_without_a_usable_comparison_is_refused(bootstrap: Any) -> None:
    with pytest.raises(InvalidMetricError, match="the difference to the model in service must lie between -1 and 1"):
        judge({**evaluation(champion=True), "bootstrap": bootstrap}, LIMITS)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1000), st.integers(0, 2000))
def test_accepted_is_the_same_as_all_rules_held_and_as_no_limit_passed(
    map50: float, recall: float, latency: float, size: int
) -> None:
    changes = {"map50": map50, "per_class": {"scratch": {"recall": recall}}}
    decision = judge(evaluation(latency_ms={"p95": latency}, size_bytes=size, **changes), LIMITS)
    assert decision.accepted is all(rule.held for rule in decision.rules)
    assert decision.accepted is (map50 >= 0.5 and recall >= 0.3 and latency <= 500 and size <= 1000)
    assert json.loads(json.dumps(decision.as_dict())) == decision.as_dict()
