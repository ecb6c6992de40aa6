"""How sure a difference of two models is: a paired bootstrap over groups of near-duplicates."""

from dataclasses import dataclass

import numpy as np

from sightline.models.evaluation import Interval
from sightline.models.metrics import (
    IOU_THRESHOLDS,
    MAX_DETECTIONS,
    RECALL_POINTS,
    Bools,
    Floats,
    Found,
    Ints,
    Truth,
    match,
)

CHUNK = 2_000_000  # numbers at once in a bootstrap, so that memory stays small


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
        hits.append(match(wanted, detected.boxes[mine][order], IOU_THRESHOLDS[:1])[0])
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
