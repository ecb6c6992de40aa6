"""The golden check: a model proves, where it will run, that it finds what it found in its evaluation."""

from pathlib import Path
from typing import Any

from sightline.errors import SightlineError
from sightline.vision import decode
from sightline.vision.detector import Detection, Detector

MIN_IOU = 0.9
MAX_SCORE_DIFFERENCE = 0.05  # processors differ in the last bits, and JPEG decoders in a grey level


def check(model_dir: Path | str, threads: int = 1) -> list[str]:
    """What is wrong with the model in `model_dir`, a line each; an empty list says that it is sound here."""
    folder = Path(model_dir)
    try:
        detector = Detector(folder, threads)
        golden = detector.metadata.get("golden") or []
        if not golden:
            return ["model.json names no golden image; evaluate the model again"]
        return [problem for entry in golden for problem in _check_image(detector, folder, entry)]
    except SightlineError as error:
        return [str(error)]


def _check_image(detector: Detector, folder: Path, entry: dict[str, Any]) -> list[str]:
    name = entry["image"]
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return [f"{name}: the golden image is not in the model folder"]
    expected: list[dict[str, Any]] = entry["detections"]
    # Something scored near the edge may be on either side of it here, so look a little below it.
    found = detector.detect(decode.read(path), min_score=detector.threshold - MAX_SCORE_DIFFERENCE)
    problems = []
    for want in expected:
        match = max(found, key=lambda have: _likeness(want, have), default=None)
        if match is None or _likeness(want, match) < MIN_IOU:
            problems.append(f"{name}: no {want['class']} at {want['box']}")
            continue
        found.remove(match)
        if abs(match.score - want["score"]) > MAX_SCORE_DIFFERENCE:
            problems.append(
                f"{name}: {want['class']} at {want['box']} scores {match.score:.2f}, not {want['score']:.2f}"
            )
    surplus = [have for have in found if have.score >= detector.threshold + MAX_SCORE_DIFFERENCE]
    return problems + [f"{name}: unexpected {have.label} at {have.to_json()['box']}" for have in surplus]


def _likeness(want: dict[str, Any], have: Detection) -> float:
    """IoU of two boxes of the same class, else 0."""
    if want["class"] != have.label:
        return 0.0
    (a1, b1, a2, b2), (c1, d1, c2, d2) = want["box"], have.box
    overlap = max(0.0, min(a2, c2) - max(a1, c1)) * max(0.0, min(b2, d2) - max(b1, d1))
    union = (a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - overlap
    return float(overlap / union) if union > 0 else 0.0
