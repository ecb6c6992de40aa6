"""Detection metrics as COCO defines them, in numpy, equal to pycocotools
(tests/unit/sightline/models/test_metrics.py).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.images.overlap import box_iou

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = 100

Floats = NDArray[np.float32 | np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """The labels of one image: `boxes` float [n, 4] (x1, y1, x2, y2), `classes` int [n]."""

    boxes: Floats
    classes: Ints


@dataclass(frozen=True)
class Found:
    """The detections of one image: `boxes` float [m, 4], `scores` float [m], `classes` int [m]."""

    boxes: Floats
    scores: Floats
    classes: Ints


def match(truth: Floats, boxes: Floats, thresholds: Floats = IOU_THRESHOLDS) -> Bools:
    """For each threshold, which detections (sorted by score) hit a label that no surer one took: bool [thresholds,
    m].
    """
    hits = np.zeros((len(thresholds), len(boxes)), dtype=bool)
    if not len(truth) or not len(boxes):
        return hits
    ious = box_iou(boxes, truth)
    for number, threshold in enumerate(thresholds):
        taken = np.zeros(len(truth), dtype=bool)
        for detection in range(len(boxes)):
            free = np.where(taken, -1.0, ious[detection])
            # pycocotools takes the last of equal overlaps
            best = len(free) - 1 - int(np.argmax(free[::-1]))
            if free[best] >= min(threshold, 1 - 1e-10):
                taken[best] = hits[number, detection] = True
    return hits


def class_ap(truths: list[Truth], found: list[Found], class_id: int) -> Floats | None:
    """Average precision of one class at each IoU threshold, float [10]; None when no image has a label of it."""
    hits, scores, labels = _gather(truths, found, class_id)
    if not labels:
        return None
    order = np.argsort(-scores, kind="mergesort")
    hits = hits[:, order]
    right, wrong = np.cumsum(hits, axis=1), np.cumsum(~hits, axis=1)
    recall = right / labels
    precision = right / np.maximum(right + wrong, 1e-12)
    result = np.zeros(len(IOU_THRESHOLDS))
    for number in range(len(IOU_THRESHOLDS)):
        envelope = np.maximum.accumulate(precision[number][::-1])[::-1]
        places = np.searchsorted(recall[number], RECALL_POINTS, side="left")
        inside = places < len(envelope)
        result[number] = envelope[places[inside]].sum() / len(RECALL_POINTS)
    return result


def _gather(truths: list[Truth], found: list[Found], class_id: int) -> tuple[Bools, Floats, int]:
    """Hits [10, m] and scores [m] of all detections of a class, image after image, and the number of its labels."""
    hits, scores, labels = [np.zeros((len(IOU_THRESHOLDS), 0), dtype=bool)], [np.zeros(0)], 0
    for truth, detected in zip(truths, found, strict=True):
        wanted = truth.boxes[truth.classes == class_id]
        mine = detected.classes == class_id
        order = np.argsort(-detected.scores[mine], kind="mergesort")[:MAX_DETECTIONS]
        hits.append(match(wanted, detected.boxes[mine][order]))
        scores.append(detected.scores[mine][order])
        labels += len(wanted)
    return np.concatenate(hits, axis=1), np.concatenate(scores), labels


def mean_ap(truths: list[Truth], found: list[Found], classes: int) -> tuple[float | None, float | None]:
    """mAP@.50 and mAP@.50:.95 over the classes that have labels; None when no class has any."""
    values = [ap for class_id in range(classes) if (ap := class_ap(truths, found, class_id)) is not None]
    if not values:
        return None, None
    table = np.stack(values)
    return float(table[:, 0].mean()), float(table.mean())


def recall_at(truths: list[Truth], found: list[Found], class_id: int, threshold: float) -> float | None:
    """Share of a class's labels that a detection with at least `threshold` hits at IoU .50; None without labels."""
    sure = [keep(detected, threshold) for detected in found]
    hits, _, labels = _gather(truths, sure, class_id)
    return float(hits[0].sum() / labels) if labels else None


def keep(detected: Found, threshold: float) -> Found:
    mine = detected.scores >= threshold
    return Found(detected.boxes[mine], detected.scores[mine], detected.classes[mine])


def precision_recall(truths: list[Truth], found: list[Found], class_id: int) -> list[tuple[float, float, float]]:
    """The curve at IoU .50: (recall, precision, score) after each detection, the surest first."""
    hits, scores, labels = _gather(truths, found, class_id)
    order = np.argsort(-scores, kind="mergesort")
    right = np.cumsum(hits[0][order])
    count = np.arange(1, len(order) + 1)
    return [
        (float(hit / max(labels, 1)), float(hit / number), float(score))
        for hit, number, score in zip(right, count, scores[order], strict=True)
    ]


def image_quality(truth: Truth, detected: Found) -> float:
    """How right the detections of one image are: hits / (hits + misses + false ones) at IoU .50 and by class; 1 where
    both are none.
    """
    hits = 0
    for class_id in set(truth.classes.tolist()):
        matched, _, _ = _gather([truth], [detected], class_id)
        hits += int(matched[0].sum())
    total = len(truth.boxes) + len(detected.boxes) - hits
    return hits / total if total else 1.0
