"""The rules of labelling: what a valid answer is, and what follows from a round of answers and verdicts."""

import unicodedata
from dataclasses import dataclass
from typing import Any

from sightline.errors import SightlineError
from sightline.labelling.consolidation import consolidate

MAX_BOXES = 1000  # for one image; more is a mistake or an attack
MAX_REASON = 500  # characters
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # overrides of the writing direction
LARGEST = 1e9  # no image is so large; NaN, infinity and integers of a thousand digits are out before any arithmetic

ASKED = ("proposals", "rank", "uncertainty")  # what only the task needs

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


def check_label(sent: dict[str, Any], *, width: int, height: int, classes: int) -> dict[str, Any]:
    """A labelling answer: `{"annotations": [box…]}`, or `{"skip": "reason"}` for an image that can't be labelled.

    Raises InvalidAnswerError, also for one that says both.
    """
    if "skip" in sent:
        if "annotations" in sent:
            raise InvalidAnswerError("an answer has either annotations or skip, not both")
        return {"skip": check_reason(sent["skip"], "skip")}
    boxes = check_annotations(sent.get("annotations"), width=width, height=height, classes=classes)
    return {"annotations": boxes}


def check_verdict(sent: dict[str, Any], *, width: int, height: int, classes: int) -> dict[str, Any]:
    """A verification answer: `{"approved": true}`, with `annotations` corrected and approved, or
    `{"approved": false, "reason": "…"}` with a reason to act on. Raises InvalidAnswerError.
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


def check_reason(value: Any, what: str) -> str:
    """A reason as text without blanks around it. It is shown as text, so that it may hold anything that can be
    shown.
    """
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


def rank(value: float) -> int:
    """A place in a queue, the lowest first, from a number in 0..1: whole millionths, which every store keeps
    exactly.
    """
    return round(value * 1_000_000)


def consolidate_label(image: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The label of one image: the boxes on which its annotators agree, or the reason why they skipped it.

    `answers` have `worker` and `annotations` or `skip`. An image is skipped when more than half of them did.
    """
    given = [answer["annotations"] for answer in answers if "annotations" in answer]
    image = {name: image[name] for name in image if name not in ASKED}
    workers = [answer["worker"] for answer in answers]
    if 2 * len(given) < len(answers) or not answers:
        reasons = sorted({answer["skip"] for answer in answers if "skip" in answer})
        return {**image, "annotated_by": workers, "skip": "; ".join(reasons) or "nobody has answered"}
    label = consolidate(given)
    agreement = round(label.agreement, 4) if len(given) > 1 else None
    return {**image, "annotated_by": workers, "annotations": label.annotations, "agreement": agreement}


def progress(workers: list[dict[str, Any]]) -> dict[str, Any]:
    """Who has answered how much of a job, and how fast, from items with `worker, answers, first_at, last_at` (ms).

    The speed is measured between the first and the last answer; None for fewer than two.
    """
    each = {
        entry["worker"]: {
            "answers": entry["answers"],
            "per_hour": _per_hour(entry["answers"], entry["first_at"], entry["last_at"]),
        }
        for entry in workers
    }
    answers = sum(entry["answers"] for entry in workers)
    first = min((entry["first_at"] for entry in workers), default=0)
    last = max((entry["last_at"] for entry in workers), default=0)
    return {"workers": each, "answers": answers, "per_hour": _per_hour(answers, first, last)}


def _per_hour(answers: int, first: int, last: int) -> float | None:
    return round((answers - 1) * 3_600_000 / (last - first), 1) if answers > 1 and last > first else None


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

    A label without a verdict counts as rejected: nothing becomes training data unseen. A verdict with `annotations` has
    corrected them.
    """
    by_image = {verdict["image_id"]: verdict for verdict in verdicts}
    approved, rejected = [], []
    for label in sorted(labels, key=lambda label: str(label["image_id"])):
        verdict = by_image.get(label["image_id"], {"approved": False, "reason": "not verified"})
        if verdict["approved"]:
            corrected = verdict.get("annotations")
            approved.append(label if corrected is None else {**label, "annotations": corrected})
        else:
            rejected.append({**label, "reason": verdict["reason"]})
    return SettledRound(approved, rejected, again=bool(rejected) and number < max_rounds)
