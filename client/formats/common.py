"""What all label formats share: `LabelSet`, checks of what is read, and a report of what could not be taken over.

A reader checks what it reads as hostile: every number finite, every box real, every name plain text that is never
opened. What it can't take over goes into a `Report`, by kind, with the names of the images; only a file that is not of
its format at all is an error.
"""

import json
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError
from sightline.labelling.answer_checks import LARGEST, MAX_BOXES

MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_NAME = 1024  # characters; S3 keys are no longer
SHOWN = 40  # characters of a value in a message
NAMED = 3  # images that a line of the report names
WHOLE = 0.01  # a coordinate this near to a whole pixel is one: text formats round

# What a label can say beyond the name of the image and its boxes, as attributes of LabeledImage (or, last, of
# LabelSet).
ASPECTS = {
    "size": "the size of the image",
    "image_id": "the content hash of the image",
    "group_id": "the group of near-duplicates",
    "job": "the labelling job",
    "labeled_at": "the time of labelling",
    "classes": "classes without a box, and the order of classes",
}

Sizes = Callable[[str], tuple[int, int] | None]  # width and height of an image by its name, for formats that say none


class InvalidLabelsError(SightlineError):
    """A labels file that can't be read as what it is said to be."""


class BadLabelError(ValueError):
    """One image's label that can't be right; the others are read all the same."""


@dataclass(frozen=True)
class LabelBox:
    """A box in pixels from the left and the top edge of the image; fractions as the file says them."""

    class_name: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class LabeledImage:
    """An image and its boxes; none means that it has no defect. `size` is (width, height), None where the file does not
    say.
    """

    name: str
    size: tuple[int, int] | None
    boxes: tuple[LabelBox, ...]
    image_id: str = ""
    group_id: str = ""
    job: str = ""
    labeled_at: str = ""
    source: str = ""  # the object's URI, on export


@dataclass
class LabelSet:
    """Labelled images, and every class in its order."""

    classes: list[str]
    images: list[LabeledImage]


@dataclass
class Report:
    """What could not be taken over: `lost` from a label, or `refused` with its whole image. By kind, with the images'
    names.
    """

    lost: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)

    def lose(self, kind: str, name: str) -> None:
        self.lost.setdefault(kind, []).append(name)

    def refuse(self, reason: str, name: str) -> None:
        self.refused.setdefault(reason, []).append(name)

    def lines(self) -> list[str]:
        """One line for each kind: how many, and the first images."""
        return [_line("not taken over", kind, names) for kind, names in self.lost.items()] + [
            _line("left out", reason, names) for reason, names in self.refused.items()
        ]


def _line(what: str, kind: str, names: list[str]) -> str:
    first = list(dict.fromkeys(names))
    more = f", and {len(first) - NAMED} more" if len(first) > NAMED else ""
    return f"{what}: {kind} ({len(names)}×): {', '.join(first[:NAMED])}{more}"


# -------------------------------------------------------------------------------------------------- checks of a reader
def check(holds: bool, problem: str) -> None:
    if not holds:
        raise BadLabelError(problem)


def number(value: Any, what: str) -> float:
    """`value` as a finite number; digits in a text count too. Raises BadLabelError."""
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not -LARGEST <= found <= LARGEST:  # also catches NaN, which compares false with everything
        raise BadLabelError(f"{what} is no finite number: {brief(value)}")
    return found


def whole(value: Any, what: str) -> int:
    """`value` as a whole number. Raises BadLabelError."""
    found = number(value, what)
    if found != int(found):
        raise BadLabelError(f"{what} is no whole number: {brief(value)}")
    return int(found)


def text(value: Any, what: str) -> str:
    """`value` as a name: 1 to 1024 characters, none that steers a terminal or hides others. Raises BadLabelError."""
    if not isinstance(value, str) or not _is_plain(value):
        raise BadLabelError(f"{what} is no plain text of 1 to {MAX_NAME} characters: {brief(value)}")
    return value


def _is_plain(value: str) -> bool:
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control and format characters, halves of a pair, line separators
    return (
        bool(value.strip()) and len(value) <= MAX_NAME and not any(unicodedata.category(one) in hidden for one in value)
    )


def size(width: Any, height: Any) -> tuple[int, int]:
    found = (whole(width, "the width of the image"), whole(height, "the height of the image"))
    if min(found) < 1:
        raise BadLabelError(f"an image of {found[0]}×{found[1]} pixels")
    return found


def box(class_name: Any, left: Any, top: Any, width: Any, height: Any) -> LabelBox:
    """A box of positive width and height. Raises BadLabelError."""
    left, top = number(left, "the left edge of a box"), number(top, "the top edge of a box")
    width, height = number(width, "the width of a box"), number(height, "the height of a box")
    if width <= 0 or height <= 0:
        raise BadLabelError("a box without width or height, or with a negative one")
    return LabelBox(text(class_name, "the class of a box"), *(_near(value) for value in (left, top, width, height)))


def _near(value: float) -> float:
    """A whole number of pixels where the value is one but for the rounding of a text."""
    return float(round(value)) if abs(value - round(value)) < WHOLE else value


def image(name: Any, size: tuple[int, int] | None, boxes: list[LabelBox], **more: str) -> LabeledImage:
    if len(boxes) > MAX_BOXES:
        raise BadLabelError(f"more than {MAX_BOXES} boxes")
    return LabeledImage(text(name, "the name of an image"), size, tuple(boxes), **more)


def shown(value: Any) -> str:
    """A name as it may be printed, whatever it is."""
    return value if isinstance(value, str) and _is_plain(value) else brief(value)


def brief(value: Any) -> str:
    """A value as it may be printed, cut short; of a list or an object only its type, as its whole text may be
    endless.
    """
    if isinstance(value, str):
        return f"{value[:SHOWN]!r}"
    return f"{value!r:.{SHOWN}}" if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"


def why(error: Exception) -> str:
    """What a reader stumbled over, in one line."""
    if isinstance(error, BadLabelError):
        return str(error)
    if isinstance(error, KeyError):
        return f"{error!s:.{SHOWN}} is missing"
    if isinstance(error, TypeError | AttributeError | IndexError):
        return "a list or an object is empty or missing, or something else stands in its place"
    return f"{type(error).__name__}: {' '.join(str(error).split()):.120}"


def read_bytes(path: Path) -> bytes:
    """The content of a file within the limits. Raises BadLabelError, for formats with a file for each image."""
    try:
        check(path.stat().st_size <= MAX_FILE_BYTES, f"larger than {MAX_FILE_BYTES >> 20} MiB; give it in parts")
        return path.read_bytes()
    except OSError as error:
        raise BadLabelError((error.strerror or "not readable").lower()) from error


def decode(content: bytes) -> str:
    """Text with or without a byte order mark. Raises BadLabelError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadLabelError("not UTF-8 text; save it as UTF-8") from error


def read_text(path: Path) -> str:
    """The text of a file that holds many labels. Raises InvalidLabelsError."""
    try:
        return decode(read_bytes(path))
    except BadLabelError as error:
        raise InvalidLabelsError(f"{path}: {error}") from error


def read_json(path: Path, title: str) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InvalidLabelsError(f"{path} is not {title} ({why(error)})") from error


def files(path: Path, pattern: str, title: str) -> list[Path]:
    """`path` itself, or the files below it that match. Raises InvalidLabelsError when there are none."""
    found = [path] if path.is_file() else sorted(entry for entry in path.rglob(pattern) if entry.is_file())
    if not found:
        problem = "holds no file" if path.is_dir() else "is no file or folder"
        raise InvalidLabelsError(f"{path} {problem} {pattern}; give the labels as {title}")
    return found


def write_text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------------ names on export
def file_name(labeled: LabeledImage, report: Report) -> str:
    """The name that a file on disk may have for an image, whatever the object's key was; another one than the key is
    reported.

    A key that leads elsewhere (`../`, an absolute path) becomes one name that shows what it was.
    """
    parts = [part for part in re.split(r"[/\\]+", labeled.name) if part not in ("", ".")]
    clean = [re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", part) for part in parts]
    if ".." in clean or not clean or labeled.name.startswith(("/", "\\")):
        name = "_".join(part.replace("..", "_") for part in clean) or labeled.image_id or "unnamed"
    else:
        name = "/".join(clean)
    if name != labeled.name:
        report.lose("the name of an image, which can't be that of a file", f"{shown(labeled.name)} became {name}")
    return name


def stem(name: str) -> str:
    """A name without its extension as an image, folders included."""
    return re.sub(r"\.(jpe?g|jpe|jfif|png|bmp|dib|tiff?|webp|gif|p[gpn]m)$", "", name, flags=re.IGNORECASE)


def report_lost(labels: LabelSet, says: frozenset[str], title: str, report: Report) -> None:
    """Report what the labels say and a format (which `says` some aspects) can't."""
    for aspect in [aspect for aspect in ASPECTS if aspect not in says and aspect != "classes"]:
        for entry in labels.images:
            if getattr(entry, aspect):
                report.lose(f"{ASPECTS[aspect]}, for which {title} has no place", entry.name)
    used = {entry.class_name for labeled in labels.images for entry in labeled.boxes}
    if "classes" not in says:
        for name in labels.classes:
            if name not in used:
                report.lose(f"a class without a box, for which {title} has no place", name)
