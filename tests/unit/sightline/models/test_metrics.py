"""The metrics: equal to pycocotools, and honest at the edges."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sightline.models import metrics
from sightline.models.metrics import Found, Truth

NOTHING = Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))


def make(seed: int, images: int, classes: int) -> tuple[list[Truth], list[Found]]:
    """Random labels, and detections that are those labels shaken, some lost, some invented."""
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(images):
        count = int(rng.integers(0, 5))
        low = rng.uniform(0, 300, (count, 2))
        boxes = np.concatenate([low, low + rng.uniform(20, 90, (count, 2))], axis=1)
        labels = rng.integers(0, classes, count)
        truths.append(Truth(boxes, labels))
        kept = rng.random(count) < 0.8
        extra = rng.uniform(0, 300, (int(rng.integers(0, 3)), 2))
        shaken = boxes[kept] + rng.normal(0, 6, (int(kept.sum()), 4))
        every = np.concatenate([shaken, np.concatenate([extra, extra + 40], axis=1)])
        named = np.concatenate([labels[kept], rng.integers(0, classes, len(extra))])
        found.append(Found(every, rng.random(len(every)), named))
    return truths, found


def by_pycocotools(truths: list[Truth], found: list[Found], classes: int) -> tuple[float, float]:
    def wide(boxes: Any) -> list[list[float]]:
        return [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes.tolist()]

    labels, detections = [], []
    for number, (truth, detected) in enumerate(zip(truths, found, strict=True), start=1):
        for box, name in zip(wide(truth.boxes), truth.classes, strict=True):
            area = box[2] * box[3]
            entry = {"id": len(labels) + 1, "image_id": number, "category_id": int(name), "bbox": box}
            labels.append({**entry, "area": area, "iscrowd": 0})
        for box, score, name in zip(wide(detected.boxes), detected.scores, detected.classes, strict=True):
            detections.append({"image_id": number, "category_id": int(name), "bbox": box, "score": float(score)})
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number + 1} for number in range(len(truths))],
        "categories": [{"id": number, "name": str(number)} for number in range(classes)],
        "annotations": labels,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(detections), "bbox")
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, -1]
    return float(precision[0][precision[0] > -1].mean()), float(precision[precision > -1].mean())


@pytest.mark.parametrize("seed", range(8))
def test_mean_ap_is_that_of_pycocotools(seed: int) -> None:
    truths, found = make(seed, images=12, classes=3)
    ours = metrics.mean_ap(truths, found, 3)
    assert ours == pytest.approx(by_pycocotools(truths, found, 3), abs=1e-9)


def test_perfect_detections_score_one_and_none_score_zero() -> None:
    truth = Truth(np.array([[0.0, 0, 10, 10]]), np.array([0]))
    right = Found(truth.boxes, np.array([0.9]), truth.classes)
    assert metrics.mean_ap([truth], [right], 1) == (pytest.approx(1.0), pytest.approx(1.0))
    assert metrics.mean_ap([truth], [NOTHING], 1) == (0.0, 0.0)


def test_without_any_label_there_is_no_score() -> None:
    empty = Truth(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))
    assert metrics.mean_ap([empty], [NOTHING], 1) == (None, None)
    assert metrics.recall_at([empty], [NOTHING], 0, 0.5) is None


@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_the_confusion_counts_every_image_once(seed: int, threshold: float) -> None:
    truths, found = make(seed, images=7, classes=2)
    assert sum(metrics.confusion(truths, found, threshold).values()) == 7


def test_the_threshold_lies_between_what_is_and_what_is_not_a_defect() -> None:
    bad = Truth(np.array([[0.0, 0, 10, 10]]), np.array([0]))
    good = Truth(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))

    def saying(score: float) -> Found:
        return Found(np.array([[0.0, 0, 10, 10]]), np.array([score]), np.array([0]))

    threshold = metrics.cheapest_threshold(
        [bad, bad, good, good], [saying(0.9), saying(0.7), saying(0.3), NOTHING], escape_cost=10, alarm_cost=1
    )
    assert threshold == pytest.approx(0.5)


def test_a_dear_escape_lowers_the_threshold_and_a_dear_alarm_raises_it() -> None:
    truths, found = make(3, images=40, classes=1)
    low, high = (
        metrics.cheapest_threshold(truths, found, escape_cost=escape, alarm_cost=alarm)
        for escape, alarm in ((100.0, 1.0), (1.0, 100.0))
    )
    assert low <= high


def test_a_model_compared_with_itself_differs_by_nothing() -> None:
    truths, found = make(5, images=12, classes=1)
    groups = [str(number // 3) for number in range(12)]
    same = metrics.bootstrap_difference(truths, groups, found, found, 1, replicates=50, seed=0)
    assert same == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_a_model_that_finds_nothing_is_significantly_worse() -> None:
    truths, found = make(5, images=24, classes=1)
    groups = [str(number // 3) for number in range(24)]
    worse = metrics.bootstrap_difference(truths, groups, [NOTHING] * 24, found, 1, replicates=50, seed=0)
    assert worse["high"] < 0


@pytest.mark.parametrize("seed", range(6))
def test_a_replicate_scores_as_its_images_do_when_they_are_evaluated_anew(seed: int) -> None:
    """Groups drawn never, once and several times, classes without a label in a replicate, images without detections."""
    truths, found = make(seed, images=12, classes=3)
    found[3] = NOTHING
    rows = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 4, 5])
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(6, np.full(6, 1 / 6), size=40)
    rankings = [metrics.rank(truths, found, rows, 6, class_id) for class_id in range(3)]
    anew = []
    for times in drawn:
        images = [number for number, row in enumerate(rows) for _ in range(times[row])]
        anew.append(metrics.mean_ap([truths[n] for n in images], [found[n] for n in images], 3)[0])
    assert metrics.resampled_map(rankings, drawn) == pytest.approx(anew, abs=1e-12)


def test_a_replicate_without_a_label_has_no_score() -> None:
    truths, found = make(1, images=2, classes=1)
    empty = Truth(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))
    ranking = metrics.rank([empty, truths[0]], [found[0], found[0]], np.array([0, 1]), 2, 0)
    assert np.isnan(metrics.resampled_map([ranking], np.array([[2, 0]]))).all()


def test_the_interval_is_that_of_whole_groups_not_of_images() -> None:
    """Copies of one image in a group tell nothing new: the interval is as wide as with one image of each group."""
    truths, found = make(7, images=10, classes=1)
    _, other = make(8, images=10, classes=1)
    once = metrics.bootstrap_difference(truths, list("abcdefghij"), found, other, 1, replicates=400, seed=0)
    groups = list("abcdefghij") * 4
    four = metrics.bootstrap_difference(truths * 4, groups, found * 4, other * 4, 1, replicates=400, seed=0)
    assert four == pytest.approx(once)


def test_without_images_to_learn_it_from_the_threshold_is_the_middle() -> None:
    assert metrics.cheapest_threshold([], [], escape_cost=3.0, alarm_cost=1.0) == 0.5
