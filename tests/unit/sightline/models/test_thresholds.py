"""The decision threshold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.models import thresholds
from sightline.models.metrics import Found, Truth
from tests.found import NOTHING, A, B, detections, labels, make


@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_the_confusion_counts_every_image_once(seed: int, threshold: float) -> None:
    truths, found = make(seed, images=7, classes=2)
    assert sum(thresholds.confusion(truths, found, threshold).values()) == 7


def test_the_threshold_lies_between_what_is_and_what_is_not_a_defect() -> None:
    bad = Truth(np.array([[0.0, 0, 10, 10]]), np.array([0]))
    good = Truth(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))

    def saying(score: float) -> Found:
        return Found(np.array([[0.0, 0, 10, 10]]), np.array([score]), np.array([0]))

    threshold = thresholds.cheapest_threshold(
        [bad, bad, good, good], [saying(0.9), saying(0.7), saying(0.3), NOTHING], escape_cost=10, alarm_cost=1
    )
    assert threshold == pytest.approx(0.5)


def test_a_dear_escape_lowers_the_threshold_and_a_dear_alarm_raises_it() -> None:
    truths, found = make(3, images=40, classes=1)
    low, high = (
        thresholds.cheapest_threshold(truths, found, escape_cost=escape, alarm_cost=alarm)
        for escape, alarm in ((100.0, 1.0), (1.0, 100.0))
    )
    assert low <= high


def test_without_images_to_learn_it_from_the_threshold_is_the_middle() -> None:
    assert thresholds.cheapest_threshold([], [], escape_cost=3.0, alarm_cost=1.0) == 0.5


def test_the_cost_of_a_threshold_weighs_escapes_against_alarms() -> None:
    curve = thresholds.threshold_costs(
        [labels((A, 0)), labels()], [detections((A, 0.7, 0)), detections((B, 0.3, 0))], escape_cost=3, alarm_cost=1
    )
    cost = {point["threshold"]: (point["cost"], point["escapes"], point["alarms"]) for point in curve}
    assert (cost[0.1], cost[0.5], cost[0.9]) == ((1.0, 0.0, 1.0), (0.0, 0.0, 0.0), (3.0, 1.0, 0.0))
