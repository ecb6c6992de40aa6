"""Labels that look wrong."""

import pytest

from sightline.models.doubts import doubts
from sightline.models.metrics import Found, Truth
from tests.found import A, B, detections, labels

CLASSES = ["scratch", "dent"]


def said(
    truth: Truth, found: Found, recalls: tuple[float | None, ...] = (0.9, 0.9)
) -> list[tuple[str, list[float], str | None, str | None]]:
    doubted = doubts(truth, found, CLASSES, 0.4, recalls)
    return [(one.kind, one.box, one.labelled, one.seen) for one in doubted]


def test_a_model_that_agrees_with_the_labels_doubts_nothing() -> None:
    assert said(labels((A, 0)), detections((A, 0.9, 0))) == []
    assert said(labels(), detections()) == []
    assert said(labels((A, 0)), detections((A, 0.3, 0))) == []  # not sure, and not blind either


def test_a_sure_detection_where_no_label_is_says_that_one_is_missing() -> None:
    assert said(labels((A, 0)), detections((A, 0.9, 0), (B, 0.8, 1))) == [("missing", B, None, "dent")]
    assert said(labels((A, 0)), detections((A, 0.9, 0), (B, 0.5, 1))) == []


def test_another_type_at_the_same_place_doubts_the_labels_type() -> None:
    assert said(labels((A, 0)), detections((A, 0.9, 1))) == [("class", A, "scratch", "dent")]
    assert said(labels((A, 0)), detections((A, 0.95, 0), (A, 0.9, 1))) == []


def test_a_label_where_nothing_is_seen_looks_empty_and_the_surest_doubt_comes_first() -> None:
    assert said(labels((A, 0)), detections((B, 0.7, 1))) == [
        ("empty", A, "scratch", None),
        ("missing", B, None, "dent"),
    ]


@pytest.mark.parametrize("recall", [0.0, 0.79, None])
def test_a_model_that_misses_many_of_a_type_doubts_no_label_because_it_sees_nothing_there(recall: float | None) -> None:
    truth = labels((A, 0), (B, 1))
    assert said(truth, detections(), (recall, 0.8)) == [("empty", B, "dent", None)]
    assert said(truth, detections((B, 0.9, 0)), (recall, 0.8)) == [("class", B, "dent", "scratch")]
