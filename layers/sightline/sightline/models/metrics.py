"""Detection metrics as COCO defines them, in numpy, equal to pycocotools
(tests/unit/sightline/models/test_metrics.py).
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.images.overlap import box_iou
from sightline.models.evaluation import Confusion, Interval, ThresholdCost

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = 100
CHUNK = 2_000_000  # numbers at once in a bootstrap, so that memory stays small

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


def _match(truth: Floats, boxes: Floats, thresholds: Floats = IOU_THRESHOLDS) -> Bools:
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
        hits.append(_match(wanted, detected.boxes[mine][order]))
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


def confusion(truths: list[Truth], found: list[Found], threshold: float) -> Confusion:
    """Images by truth and verdict at `threshold`: an image with a label should fail, one without should pass."""
    counts: Confusion = {"true_fail": 0, "false_pass": 0, "false_fail": 0, "true_pass": 0}
    for truth, detected in zip(truths, found, strict=True):
        fails = bool(len(detected.scores) and detected.scores.max() >= threshold)
        if len(truth.boxes):
            counts["true_fail" if fails else "false_pass"] += 1
        else:
            counts["false_fail" if fails else "true_pass"] += 1
    return counts


def cheapest_threshold(truths: list[Truth], found: list[Found], *, escape_cost: float, alarm_cost: float) -> float:
    """The decision threshold with the least cost: escaped defects (false pass) against false alarms (false fail).

    Each counts by its rate, among the images with and without a defect: how many of either kind were photographed for
    training says nothing about the line. Of thresholds with equal cost the middle of the widest range is taken, so that
    small changes of a score do not turn a verdict. In 0.05..0.95; 0.5 when there is nothing to learn it from.
    """
    best = [float(detected.scores.max()) if len(detected.scores) else 0.0 for detected in found]
    if not best:
        return 0.5
    edges = sorted({0.05, 0.95, *(score for score in best if 0.05 < score < 0.95)})
    costs = []
    for low, high in itertools.pairwise(edges):
        middle = (low + high) / 2
        table = confusion(truths, found, middle)
        escapes = table["false_pass"] / max(1, table["false_pass"] + table["true_fail"])
        alarms = table["false_fail"] / max(1, table["false_fail"] + table["true_pass"])
        costs.append((escapes * escape_cost + alarms * alarm_cost, low - high, middle))
    return min(costs)[2]


@dataclass(frozen=True)
class Ranking:
    """One class's detections in all images, the surest first, matched with the labels once for all replicates.

    `hits` bool [m]: whether it hits a label at IoU .50; `groups` int [m]: the row of its image's group; `labels` int
    [G]: how many labels each group has.
    """

    hits: Bools
    groups: Ints
    labels: Ints


def rank(truths: list[Truth], found: list[Found], rows: Ints, groups: int, class_id: int) -> Ranking:
    """The ranking of a class; `rows` int [images] gives the row of each image's group, 0 to `groups` - 1."""
    hits, scores, owners = [np.zeros(0, dtype=bool)], [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
    labels = np.zeros(groups, dtype=np.int64)
    for truth, detected, row in zip(truths, found, rows, strict=True):
        wanted = truth.boxes[truth.classes == class_id]
        mine = detected.classes == class_id
        order = np.argsort(-detected.scores[mine], kind="mergesort")[:MAX_DETECTIONS]
        hits.append(_match(wanted, detected.boxes[mine][order], IOU_THRESHOLDS[:1])[0])
        scores.append(detected.scores[mine][order])
        owners.append(np.full(len(order), row))
        labels[row] += len(wanted)
    order = np.argsort(-np.concatenate(scores), kind="mergesort")
    return Ranking(np.concatenate(hits)[order], np.concatenate(owners)[order], labels)


def resampled_ap(ranking: Ranking, drawn: Ints) -> Floats:
    """AP@.50 of a class in each replicate, float [R]; `drawn` int [R, G] says how often each group is in it.

    Equal to `class_ap` of the drawn images: an image drawn twice counts twice. NaN where no label was drawn.
    """
    # What comes after the last hit changes nothing, and only at hits does the curve rise.
    at = np.flatnonzero(ranking.hits)
    hits, groups = (values[: at[-1] + 1] if len(at) else values[:0] for values in (ranking.hits, ranking.groups))
    labels = drawn @ ranking.labels
    result = np.zeros(len(drawn))
    chunk = max(1, CHUNK // max(1, len(hits)))
    for start in range(0, len(drawn), chunk):
        times = drawn[start : start + chunk, groups]
        right = np.cumsum(times * hits, axis=1)[:, at]
        every = np.cumsum(times, axis=1)[:, at]
        precision = right / np.maximum(every, 1)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for number in range(len(times)):
            recall = right[number] / max(1, labels[start + number])
            places = np.searchsorted(recall, RECALL_POINTS, side="left")
            result[start + number] = envelope[number][places[places < len(at)]].sum() / len(RECALL_POINTS)
    return np.where(labels > 0, result, np.nan)


def resampled_map(rankings: list[Ranking], drawn: Ints) -> Floats:
    """mAP@.50 in each replicate, float [R], over the classes that have labels in it; NaN where none has."""
    values = np.stack([resampled_ap(ranking, drawn) for ranking in rankings])
    counted = np.count_nonzero(~np.isnan(values), axis=0)
    return np.where(counted > 0, np.nansum(values, axis=0) / np.maximum(counted, 1), np.nan)


def bootstrap_difference(
    truths: list[Truth],
    groups: list[str],
    ours: list[Found],
    theirs: list[Found],
    classes: int,
    *,
    replicates: int,
    seed: int,
) -> Interval:
    """mAP@.50 of `ours` minus `theirs`: mean and 95 % interval, by a paired bootstrap over groups, not images.

    Images of one group are not independent, so whole groups are drawn with replacement (Efron & Tibshirani, 1993).
    """
    names, rows = np.unique(np.array(groups), return_inverse=True)
    rankings = [
        [rank(truths, found, rows, len(names), class_id) for class_id in range(classes)] for found in (ours, theirs)
    ]
    return difference(*rankings, replicates=replicates, seed=seed)


def difference(ours: list[Ranking], theirs: list[Ranking], *, replicates: int, seed: int) -> Interval:
    """`bootstrap_difference` of models whose detections are ranked already, class by class."""
    count = len(ours[0].labels)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=replicates)
    differences = resampled_map(ours, drawn) - resampled_map(theirs, drawn)
    differences = differences[~np.isnan(differences)]
    if not len(differences):
        return {"mean": 0.0, "low": 0.0, "high": 0.0}
    low, high = np.percentile(differences, [2.5, 97.5])
    return {"mean": float(np.mean(differences)), "low": float(low), "high": float(high)}


def threshold_costs(
    truths: list[Truth], found: list[Found], *, escape_cost: float, alarm_cost: float, steps: int = 91
) -> list[ThresholdCost]:
    """What each decision threshold of 0.05..0.95 would cost, as `cheapest_threshold` counts: rates of escapes and
    alarms in 0..1.
    """
    points: list[ThresholdCost] = []
    for threshold in np.linspace(0.05, 0.95, steps):
        table = confusion(truths, found, float(threshold))
        escapes = table["false_pass"] / max(1, table["false_pass"] + table["true_fail"])
        alarms = table["false_fail"] / max(1, table["false_fail"] + table["true_pass"])
        cost = escapes * escape_cost + alarms * alarm_cost
        points.append(
            {
                "threshold": round(float(threshold), 3),
                "cost": round(cost, 4),
                "escapes": round(escapes, 4),
                "alarms": round(alarms, 4),
            }
        )
    return points


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
