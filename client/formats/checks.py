"""Checks of what a reader reads, which it takes as hostile.

Every number is finite, every box real, and every name plain text that is never opened. What is wrong with one image's
label is a `BadLabelError`, and goes into the `Report`; a file that is not of its format at all is an
`InvalidLabelsError`.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from client.formats.label_set import LabelBox, LabeledImage
from sightline.errors import SightlineError
from sightline.labelling.answer_checks import LARGEST, MAX_BOXES

MAX_NAME = 1024  # characters; S3 keys are no longer
SHOWN = 40  # characters of a value in a message
WHOLE = 0.01  # a coordinate this near to a whole pixel is one: text formats round
MISPLACED = "a list or an object is empty or missing, or something else stands in its place"


class InvalidLabelsError(SightlineError):
    """A labels file that can't be read as what it is said to be."""


class BadLabelError(ValueError):
    """One image's label that can't be right; the others are read all the same."""


def check(holds: bool, problem: str) -> None:
    if not holds:
        raise BadLabelError(problem)


def member(value: object, name: str) -> object:
    """Return what an object has under a name. Raise BadLabelError when it has none, or is no object."""
    found = mapping(value)
    if name not in found:
        raise BadLabelError(f"{name!r:.{SHOWN}} is missing")
    return found[name]


def mapping(value: object) -> Mapping[str, object]:
    """Return an object of JSON. Raise BadLabelError."""
    if not isinstance(value, dict):
        raise BadLabelError(MISPLACED)
    return value


def entries(value: object) -> Sequence[object]:
    """Return the entries of a list. Raise BadLabelError."""
    if not isinstance(value, list):
        raise BadLabelError(MISPLACED)
    return value


def first(value: object) -> object:
    """Return the first entry of a list. Raise BadLabelError."""
    found = entries(value)
    check(bool(found), MISPLACED)
    return found[0]


def number(value: object, what: str) -> float:
    """Return `value` as a finite number; digits in a text count too. Raise BadLabelError."""
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not -LARGEST <= found <= LARGEST:  # also catches NaN, which compares false with everything
        raise BadLabelError(f"{what} is no finite number: {brief(value)}")
    return found


def whole(value: object, what: str) -> int:
    """Return `value` as a whole number. Raise BadLabelError."""
    found = number(value, what)
    if found != int(found):
        raise BadLabelError(f"{what} is no whole number: {brief(value)}")
    return int(found)


def text(value: object, what: str) -> str:
    """Return a name: 1 to 1024 characters, none that steers a terminal or hides others. Raise BadLabelError."""
    if not isinstance(value, str) or not _is_plain(value):
        raise BadLabelError(f"{what} is no plain text of 1 to {MAX_NAME} characters: {brief(value)}")
    return value


def _is_plain(value: str) -> bool:
    if value.isprintable():  # quick, and true of nearly all; private and unusual signs are plain too
        return bool(value.strip()) and len(value) <= MAX_NAME
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control and format characters, halves of a pair, line separators
    return (
        bool(value.strip()) and len(value) <= MAX_NAME and not any(unicodedata.category(one) in hidden for one in value)
    )


def class_name(value: object, what: str) -> str:
    """Return the name of a class: a text without blanks around it, or a number as text. Raise BadLabelError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(int(value) if -LARGEST <= value <= LARGEST and value == int(value) else value)
    return unicodedata.normalize("NFC", text(value, what).strip())


def size(width: object, height: object) -> tuple[int, int]:
    """Return the size of an image, at least a pixel. Raise BadLabelError."""
    found = (whole(width, "the width of the image"), whole(height, "the height of the image"))
    if min(found) < 1:
        raise BadLabelError(f"an image of {found[0]}×{found[1]} pixels")
    return found


def size_if_known(width: object, height: object) -> tuple[int, int] | None:
    """Return the size of an image; None where one side is missing, empty or 0. Raise BadLabelError."""
    unknown = (None, "", 0, "0")
    texts = (side.strip() if isinstance(side, str) else side for side in (width, height))
    return None if any(side in unknown for side in texts) else size(width, height)


def box(name: object, left: object, top: object, width: object, height: object) -> LabelBox:
    """Return a box of positive width and height. Raise BadLabelError."""
    named = class_name(name, "the class of a box")
    edges = (number(left, "the left edge of a box"), number(top, "the top edge of a box"))
    sides = (number(width, "the width of a box"), number(height, "the height of a box"))
    if min(sides) <= 0:
        raise BadLabelError("a box without width or height, or with a negative one")
    return LabelBox(named, *(_near(value) for value in (*edges, *sides)))


def check_pixels(*edges: float) -> None:
    """Raise BadLabelError for a box in parts of the image, where pixels should be: its scale would be wrong."""
    small = all(0 <= edge <= 1 for edge in edges) and any(edge != int(edge) for edge in edges)
    check(not small, "a box with no number over 1: parts of the image, where pixels should be")


def _near(value: float) -> float:
    """Return a whole number of pixels where the value is one but for the rounding of a text."""
    return float(round(value)) if abs(value - round(value)) < WHOLE else value


def image(
    name: object,
    size: tuple[int, int] | None,
    boxes: Sequence[LabelBox],
    *,
    also: Iterable[object] = (),
    doubt: str = "",
    **more: str,
) -> LabeledImage:
    """Return an image with its boxes; without one it is "no defect", in doubt where the file gives a reason to.

    `also` are further names of it, and `more` further fields of LabeledImage. Raise BadLabelError.
    """
    if len(boxes) > MAX_BOXES:
        raise BadLabelError(f"more than {MAX_BOXES} boxes")
    named = text(name, "the name of an image")
    others = tuple(other for other in also if isinstance(other, str) and _is_plain(other) and other != named)
    return LabeledImage(named, size, tuple(boxes), also=others, doubt="" if boxes else doubt, **more)


def shown(value: object) -> str:
    """Return a name as it may be printed, whatever it is."""
    return value if isinstance(value, str) and _is_plain(value) else brief(value)


def brief(value: object) -> str:
    """Return a value as it may be printed, cut short.

    Of a list or an object that is only its type, as its whole text may be endless.
    """
    if isinstance(value, str):
        return f"{value[:SHOWN]!r}"
    return f"{value!r:.{SHOWN}}" if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"


def why(error: Exception) -> str:
    """Return what a reader stumbled over, in one line."""
    if isinstance(error, BadLabelError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split()):.120}"
