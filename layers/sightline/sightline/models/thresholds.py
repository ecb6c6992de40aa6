"""The decision threshold: what each one costs in escapes and false alarms, and the cheapest one."""

import itertools

import numpy as np

from sightline.models.evaluation import Confusion, ThresholdCost
from sightline.models.metrics import Found, Truth


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
