"""Boxes that the model in service proposes to the annotators, and how unsure it is of an image."""

from collections.abc import Sequence

from sightline.labelling.lines import Proposal


def propose(
    detections: Sequence[tuple[tuple[float, float, float, float], float, str]],
    *,
    classes: Sequence[str],
    width: int,
    height: int,
) -> list[Proposal]:
    """Return detections as boxes of whole pixels inside the image, with their scores in 0..1, four digits.

    A detection is its corners (x1, y1, x2, y2 in pixels of the image), its score and its class. What is no pixel wide
    or high, or of a class that the stack does not label, is left out.
    """
    boxes: list[Proposal] = []
    for (x1, y1, x2, y2), score, name in detections:
        left, top = max(0, round(x1)), max(0, round(y1))
        right, bottom = min(width, round(x2)), min(height, round(y2))
        if name in classes and right > left and bottom > top:
            boxes.append(
                {
                    "class_id": classes.index(name),
                    "left": left,
                    "top": top,
                    "width": right - left,
                    "height": bottom - top,
                    "score": round(score, 4),
                }
            )
    return boxes


def uncertainty(scores: Sequence[float], threshold: float) -> float:
    """Return how near a model is to deciding otherwise, 0..1: 1 when a score lies at `threshold`, 0 without any score.

    Below the threshold the distance counts as a share of the threshold, above it as a share of the rest up to 1, so
    that score 0 and score 1 are equally sure.
    """
    below, above = max(threshold, 1e-9), max(1 - threshold, 1e-9)  # a threshold of 0 or 1 divides by nothing
    near = [1 - max((threshold - score) / below, (score - threshold) / above) for score in scores]
    return round(max(near, default=0.0), 4)


def rank(value: float) -> int:
    """Return a place in a queue, the lowest first, from a number in 0..1.

    Whole millionths: every store keeps them exactly.
    """
    return round(value * 1_000_000)
