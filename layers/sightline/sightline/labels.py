"""The rules of labelling: what a valid answer is, and what follows from a round of answers and verdicts."""

from dataclasses import dataclass
from typing import Any

from sightline.errors import SightlineError

MAX_BOXES = 1000  # for one image; more is a mistake or an attack
MAX_REASON = 500  # characters
LARGEST = 1e9  # no image is so large; NaN, infinity and integers of a thousand digits are out before any arithmetic

Annotation = dict[str, int]


class InvalidAnswerError(SightlineError):
    """An answer that can't be a label or a verdict of the task it was sent for."""


def check_annotations(value: Any, *, width: int, height: int, classes: int) -> list[Annotation]:
    """The boxes of an answer as whole pixels, each inside the image. An empty list says "no defect".

    Raises InvalidAnswerError naming the first box that is not `{"class_id", "left", "top", "width", "height"}` with
    finite numbers, at least one pixel wide and high, inside `width` × `height`, of a class in 0..classes-1.
    """
    if not isinstance(value, list):
        raise InvalidAnswerError(f"annotations must be a list of boxes, got {type(value).__name__}")
    if len(value) > MAX_BOXES:
        raise InvalidAnswerError(f"annotations holds {len(value)} boxes; at most {MAX_BOXES} are taken for one image")
    return [_check_box(number, box, width, height, classes) for number, box in enumerate(value)]


def _check_box(number: int, box: Any, width: int, height: int, classes: int) -> Annotation:
    fields = ("class_id", "left", "top", "width", "height")
    if not isinstance(box, dict) or set(box) != set(fields):
        raise InvalidAnswerError(
            f"annotations[{number}] must have exactly the fields {', '.join(fields)}, got {box!r:.200}"
        )
    for name in fields:
        entry = box[name]
        if isinstance(entry, bool) or not isinstance(entry, int | float) or not -LARGEST <= entry <= LARGEST:
            raise InvalidAnswerError(f"annotations[{number}].{name} must be a finite number, got {entry!r:.50}")
    clean = {name: round(box[name]) for name in fields}
    if clean["class_id"] != box["class_id"] or not 0 <= clean["class_id"] < classes:
        raise InvalidAnswerError(
            f"annotations[{number}].class_id must be a whole number in 0..{classes - 1}, got {box['class_id']}"
        )
    inside = clean["left"] >= 0 and clean["top"] >= 0
    inside = inside and clean["left"] + clean["width"] <= width and clean["top"] + clean["height"] <= height
    if not inside or clean["width"] < 1 or clean["height"] < 1:
        raise InvalidAnswerError(
            f"annotations[{number}] does not lie inside the image of {width}×{height} pixels: {box!r:.200}"
        )
    return clean


def check_verdict(value: dict[str, Any]) -> dict[str, Any]:
    """A verification answer: `{"approved": true}`, or `{"approved": false, "reason": "…"}` with a reason to act on."""
    approved = value.get("approved")
    if not isinstance(approved, bool):
        raise InvalidAnswerError(f"approved must be true or false, got {approved!r:.50}")
    if approved:
        return {"approved": True}
    reason = value.get("reason")
    if not isinstance(reason, str) or not reason.strip() or len(reason) > MAX_REASON:
        raise InvalidAnswerError(f"a rejection needs a reason of 1 to {MAX_REASON} characters")
    return {"approved": False, "reason": reason.strip()}


@dataclass(frozen=True)
class SettledRound:
    """What one round of labels and verdicts came to. Lists hold records by image, sorted by `image_id`."""

    approved: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    again: bool


def settle_round(
    labels: list[dict[str, Any]], verdicts: list[dict[str, Any]], *, number: int, max_rounds: int
) -> SettledRound:
    """Part the labels of round `number` (from 1) by their verdicts; `again` when the rejected go round once more.

    A label without a verdict counts as rejected: nothing becomes training data unseen.
    """
    by_image = {verdict["image_id"]: verdict for verdict in verdicts}
    approved, rejected = [], []
    for label in sorted(labels, key=lambda label: str(label["image_id"])):
        verdict = by_image.get(label["image_id"], {"approved": False, "reason": "not verified"})
        if verdict["approved"]:
            approved.append(label)
        else:
            rejected.append({**label, "reason": verdict["reason"]})
    return SettledRound(approved, rejected, again=bool(rejected) and number < max_rounds)
