"""What a valid answer is: boxes inside the image, reasons that can be shown, one of label, skip and verdict."""

import unicodedata
from collections.abc import Mapping

from sightline.errors import SightlineError
from sightline.images.box import Box
from sightline.labelling.lines import Answer

MAX_BOXES = 1000  # for one image; more is a mistake or an attack
MAX_REASON = 500  # characters
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # overrides of the writing direction
LARGEST = 1e9  # no image is so large; NaN, infinity and integers of a thousand digits are out before any arithmetic


class InvalidAnswerError(SightlineError):
    """An answer that can't be a label or a verdict of the task it was sent for."""


def check_annotations(value: object, *, width: int, height: int, classes: int) -> list[Box]:
    """Return the boxes of an answer as whole pixels, each inside the image. An empty list says "no defect".

    Raise InvalidAnswerError naming the first box that is not `{"class_id", "left", "top", "width", "height"}` with
    finite numbers, at least one pixel wide and high, inside `width` × `height`, of a class in 0..classes-1.
    """
    if not isinstance(value, list):
        raise InvalidAnswerError(f"annotations must be a list of boxes, got {type(value).__name__}")
    if len(value) > MAX_BOXES:
        raise InvalidAnswerError(f"annotations holds {len(value)} boxes; at most {MAX_BOXES} are taken for one image")
    return [_check_box(number, box, width, height, classes) for number, box in enumerate(value)]


def _check_box(number: int, box: object, width: int, height: int, classes: int) -> Box:
    place, fields = f"annotations[{number}]", ("class_id", "left", "top", "width", "height")
    if not isinstance(box, dict) or set(box) != set(fields):
        raise InvalidAnswerError(f"{place} must have exactly the fields {', '.join(fields)}, got {box!r:.200}")
    class_id, left, top, wide, high = (_pixels(box[name], f"{place}.{name}") for name in fields)
    if class_id != box["class_id"] or not 0 <= class_id < classes:
        raise InvalidAnswerError(f"{place}.class_id must be a whole number in 0..{classes - 1}, got {box['class_id']}")
    inside = left >= 0 and top >= 0 and left + wide <= width and top + high <= height
    if not inside or wide < 1 or high < 1:
        raise InvalidAnswerError(f"{place} does not lie inside the image of {width}×{height} pixels: {box!r:.200}")
    return {"class_id": class_id, "left": left, "top": top, "width": wide, "height": high}


def _pixels(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise InvalidAnswerError(f"{name} must be a finite number, got {value!r:.50}")
    return round(value)


def check_label(sent: Mapping[str, object], *, width: int, height: int, classes: int) -> Answer:
    """Return a labelling answer: `{"annotations": [box…]}`, or `{"skip": "reason"}` where there can be no label.

    Raise InvalidAnswerError, also for one that says both.
    """
    if "skip" in sent:
        if "annotations" in sent:
            raise InvalidAnswerError("an answer has either annotations or skip, not both")
        return {"skip": check_reason(sent["skip"], "skip")}
    boxes = check_annotations(sent.get("annotations"), width=width, height=height, classes=classes)
    return {"annotations": boxes}


def check_verdict(sent: Mapping[str, object], *, width: int, height: int, classes: int) -> Answer:
    """Return a verification answer: `{"approved": true}`, with `annotations` corrected and approved, or
    `{"approved": false, "reason": "…"}` with a reason to act on. Raise InvalidAnswerError.
    """
    approved = sent.get("approved")
    if not isinstance(approved, bool):
        raise InvalidAnswerError(f"approved must be true or false, got {approved!r:.50}")
    if not approved:
        return {"approved": False, "reason": check_reason(sent.get("reason"), "a rejection's reason")}
    if sent.get("annotations") is None:
        return {"approved": True}
    boxes = check_annotations(sent["annotations"], width=width, height=height, classes=classes)
    return {"approved": True, "annotations": boxes}


def check_reason(value: object, what: str) -> str:
    """Return a reason as text without blanks around it. It may hold anything that can be shown as text."""
    if not isinstance(value, str) or len(value) > MAX_REASON or all(_is_unseen(sign) for sign in value):
        raise InvalidAnswerError(f"{what} must be a text of 1 to {MAX_REASON} characters")
    if any(_is_harmful(sign) for sign in value):
        raise InvalidAnswerError(f"{what} holds a character that can't be shown; write it as plain text")
    return value.strip()


def _is_unseen(sign: str) -> bool:
    """Blanks, controls, joiners: a text of nothing else says nothing."""
    return unicodedata.category(sign)[0] in "CZ"


def _is_harmful(sign: str) -> bool:
    """Controls, half characters that no store takes, and signs that turn the text around them."""
    return (unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\r\t") or sign in TURNING
