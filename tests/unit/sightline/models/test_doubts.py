"""Labels that look wrong."""

import numpy as np
import pytest

from sightline.models.doubts import doubts
from sightline.models.metrics import (
    Found,
    Truth,
    image_quality,
    threshold_costs,
)

CLASSES = ["scratch", "dent"]
A, B = [10.0, 10, 50, 50], [100.0, 100, 140, 150]


def truth(*labels: tuple[list[float], int]) -> Truth:
    return Truth(
        np.array([box for box, _ in labels]).reshape(-1, 4), np.array([name for _, name in labels], dtype=np.int64)
    )


def found(*detections: tuple[list[float], float, int]) -> Found:
    boxes, scores, classes = zip(*detections, strict=True) if detections else ((), (), ())
    return Found(np.array(boxes).reshape(-1, 4), np.array(scores), np.array(classes, dtype=np.int64))


def said(
    labels: Truth, detections: Found, recalls: tuple[float | None, ...] = (0.9, 0.9)
) -> list[tuple[str, list[float], str | None, str | None]]:
    found = doubts(labels, detections, CLASSES, 0.4, recalls)
    return [(one.kind, one.box, one.labelled, one.seen) for one in found]


def test_a_model_that_agrees_with_the_labels_doubts_nothing() -> None:
    assert said(truth((A, 0)), found((A, 0.9, 0))) == []
    assert said(truth(), found()) == []
    assert said(truth((A, 0)), found((A, 0.3, 0))) == []  # not sure, and not blind either


def test_a_sure_detection_where_no_label_is_says_that_one_is_missing() -> None:
    assert said(truth((A, 0)), found((A, 0.9, 0), (B, 0.8, 1))) == [("missing", B, None, "dent")]
    assert said(truth((A, 0)), found((A, 0.9, 0), (B, 0.5, 1))) == []


def test_another_type_at_the_same_place_doubts_the_labels_type() -> None:
    assert said(truth((A, 0)), found((A, 0.9, 1))) == [("class", A, "scratch", "dent")]
    assert said(truth((A, 0)), found((A, 0.95, 0), (A, 0.9, 1))) == []


def test_a_label_where_nothing_is_seen_looks_empty_and_the_surest_doubt_comes_first() -> None:
    assert said(truth((A, 0)), found((B, 0.7, 1))) == [("empty", A, "scratch", None), ("missing", B, None, "dent")]


@pytest.mark.parametrize("recall", [0.0, 0.79, None])
def test_a_model_that_misses_many_of_a_type_doubts_no_label_because_it_sees_nothing_there(recall: float | None) -> None:
    labels = truth((A, 0), (B, 1))
    assert said(labels, found(), (recall, 0.8)) == [("empty", B, "dent", None)]
    assert said(labels, found((B, 0.9, 0)), (recall, 0.8)) == [("class", B, "dent", "scratch")]


def test_the_quality_of_an_image_counts_what_is_missed_and_what_is_wrong() -> None:
    assert image_quality(truth(), found()) == 1
    assert image_quality(truth((A, 0)), found((A, 0.9, 0))) == 1
    assert image_quality(truth((A, 0)), found((A, 0.9, 1))) == 0
    assert image_quality(truth((A, 0), (B, 1)), found((A, 0.9, 0))) == 0.5
    assert image_quality(truth(), found((A, 0.9, 0))) == 0


def test_the_cost_of_a_threshold_weighs_escapes_against_alarms() -> None:
    curve = threshold_costs(
        [truth((A, 0)), truth()], [found((A, 0.7, 0)), found((B, 0.3, 0))], escape_cost=3, alarm_cost=1
    )
    cost = {point["threshold"]: (point["cost"], point["escapes"], point["alarms"]) for point in curve}
    assert (cost[0.1], cost[0.5], cost[0.9]) == ((1.0, 0.0, 1.0), (0.0, 0.0, 0.0), (3.0, 1.0, 0.0))
