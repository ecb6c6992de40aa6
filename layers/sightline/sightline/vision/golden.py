"""Golden images: a model proves, where it is to work, that it answers as it did where it was evaluated."""

from collections.abc import Sequence
from pathlib import Path

from sightline.vision.detector import Detection, Detector
from sightline.vision.verdict import DefectFound

MIN_IOU = 0.9
SCORE_TOLERANCE = 0.05  # another CPU's arithmetic moves a score by far less; another model's by far more


def check(folder: Path) -> list[str]:
    """What is wrong with the model in `folder` on its own golden images, a sentence each; empty when all is well.

    Raises UnusableModelError when the model can't be loaded at all.
    """
    detector = Detector(folder)
    golden = detector.model["golden"]
    if not golden:
        return ["model.json names no golden images, so the model can't prove itself"]
    problems = []
    for entry in golden:
        if not (folder / entry["image"]).resolve().is_relative_to(folder.resolve()):
            return [f"golden image {entry['image']!r} lies outside the model's folder"]
        found = detector.inspect((folder / entry["image"]).read_bytes())
        problems += [
            f"{entry['image']}: {problem}" for problem in _compare(entry["detections"], found, detector.threshold)
        ]
    return problems


def _compare(expected: Sequence[DefectFound], found: list[Detection], threshold: float) -> list[str]:
    """Each expected detection that is sure enough to decide a verdict must be there, and no other such one."""
    problems = []
    left = list(found)
    for wanted in expected:
        best = max(left, key=lambda detection: iou(wanted["box"], detection.box), default=None)
        if best is None or iou(wanted["box"], best.box) < MIN_IOU or best.label != wanted["class"]:
            problems.append(f"expected {wanted['class']} at {wanted['box']}, not found")
            continue
        left.remove(best)
        if abs(best.score - wanted["score"]) > SCORE_TOLERANCE:
            problems.append(f"score {best.score:.3f} where {wanted['score']:.3f} was expected")
    sure = [detection for detection in left if detection.score >= threshold + SCORE_TOLERANCE]
    return problems + [f"unexpected {detection.label} with score {detection.score:.3f}" for detection in sure]


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes x1, y1, x2, y2, in 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return float(shared / total)
