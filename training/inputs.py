"""The files that a job is given, checked where they are read: JSON, dataset.json, manifests, a model's archive.

A file that can't be used ends the job in one sentence. A record that can't be used costs only its own image, and is
named.
"""

import json
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from sightline.errors import SightlineError
from sightline.labelling.answer_checks import LARGEST
from sightline.names import LABEL_ATTRIBUTE


class UnusableInputError(SightlineError):
    """A file of the input that can't be used; the message says which, and what is wrong with it."""


@dataclass(frozen=True)
class Problem:
    """What can't be used of an image, and why. `decoded` is false where nothing could be seen in the image itself."""

    image: str
    reason: str
    decoded: bool = True

    def __str__(self) -> str:
        return f"{self.image}: {self.reason}"


@dataclass(frozen=True)
class DatasetDescription:
    """What dataset.json says of a dataset version. `classes` are names, in the order of their numbers."""

    version: str
    classes: list[str]
    code_version: str


@dataclass(frozen=True)
class LabelRecord:
    """One line of a manifest: an image's file name, its group, its size in pixels, and its boxes.

    The class of each box exists; its edges may be anything until training.data.usable_boxes has looked at them.
    """

    name: str
    group: str
    width: float
    height: float
    boxes: tuple[Mapping[str, object], ...]
    called: str = ""  # what it was uploaded as; its file name where nobody says


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UnusableInputError(f"{path.name} is missing in {path.parent}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableInputError(f"{path.name} can't be read: {error}") from error


def parse(text: str, place: str) -> Any:
    """A JSON text; `place` says where it stands."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnusableInputError(f"{place} is no JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, thousands of brackets
        raise UnusableInputError(f"{place} is no JSON that can be read: {error}") from error


def read_json(path: Path) -> Any:
    return parse(read_text(path), path.name)


def read_dataset(folder: Path) -> DatasetDescription:
    """dataset.json of a dataset version. Raises UnusableInputError for one whose classes are not clear."""
    described = read_json(folder / "dataset.json")
    if not isinstance(described, dict) or not isinstance(described.get("version"), str):
        raise UnusableInputError("dataset.json must be an object with a text as `version`")
    numbers = described.get("class_map")
    if not isinstance(numbers, dict) or not numbers:
        raise UnusableInputError('dataset.json: class_map must name at least one class, as in {"0": "scratch"}')
    wanted = [str(number) for number in range(len(numbers))]
    if set(numbers) != set(wanted):  # a model numbers its classes from 0 without gaps
        raise UnusableInputError(
            f"dataset.json: class_map must number its classes 0 to {len(numbers) - 1}, got {', '.join(numbers):.200}"
        )
    names = [numbers[number] for number in wanted]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise UnusableInputError(f"dataset.json: class_map must give each class a name of its own, got {names!r:.200}")
    code_version = described.get("code_version")
    return DatasetDescription(described["version"], names, code_version if isinstance(code_version, str) else "unknown")


def read_manifest(path: Path, classes: int) -> tuple[list[LabelRecord], list[Problem]]:
    """The label records of a manifest, one for each line that is not empty, and what is wrong with those that can't be
    used.

    A label of a class that does not exist costs its image: there is a defect, and nobody knows which.
    """
    records: list[LabelRecord] = []
    problems: list[Problem] = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        record = parse(line, f"{path.name}, line {number},")
        reason = _fault(record, classes)
        if reason:
            problems.append(Problem(_name_of(record) or f"{path.name}, line {number}", reason))
        else:
            records.append(_label_record(record))
    return records, problems


def _label_record(record: Any) -> LabelRecord:
    """A record without a fault, with its types."""
    name, label = _name_of(record), record[LABEL_ATTRIBUTE]
    size = label["image_size"][0]
    group = str(record.get("group-id", record.get("image-id", name)))
    called = record.get("image-name")
    boxes, path = tuple(label["annotations"]), called if isinstance(called, str) else ""
    return LabelRecord(name, group, size["width"], size["height"], boxes, path)


def _name_of(record: Any) -> str:
    """What an image is called whose record may be anything; empty where it has no name."""
    source = record.get("source-ref") if isinstance(record, dict) else None
    return source.rsplit("/", 1)[-1] if isinstance(source, str) else ""


def _fault(record: Any, classes: int) -> str:
    """Why a label record can't be used; empty when it can."""
    if not _name_of(record):
        return "the record has no `source-ref` that names a file"
    label = record.get(LABEL_ATTRIBUTE)
    if not isinstance(label, dict):
        return f"its record has no label `{LABEL_ATTRIBUTE}`"
    sizes = label.get("image_size")
    size = sizes[0] if isinstance(sizes, list) and sizes else None
    if not isinstance(size, dict) or not all(is_number(size.get(side), 1) for side in ("width", "height")):
        return f"image_size must hold a width and a height of at least 1, got {sizes!r:.100}"
    boxes = label.get("annotations")
    if not isinstance(boxes, list) or not all(isinstance(box, dict) for box in boxes):
        return f"annotations must be a list of boxes, got {boxes!r:.100}"
    for number, box in enumerate(boxes, start=1):
        kind = box.get("class_id")
        if type(kind) is not int or not 0 <= kind < classes:
            return f"box {number} has class {kind!r:.50}; the dataset's classes are the numbers 0 to {classes - 1}"
    return ""


def is_number(value: object, least: float = -LARGEST) -> TypeGuard[float]:
    """Whether this is a number that can be reckoned with: not NaN, not infinite, not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= LARGEST


def _unpack_files(tar: tarfile.TarFile, target: Path) -> None:
    """What tarfile's data filter allows of a model, by hand: Python has it from 3.11.4 on, and Debian 12 has 3.11.2."""
    inside = target.resolve()
    for member in tar:
        place = (inside / member.name).resolve()
        if not (member.isreg() or member.isdir()) or not place.is_relative_to(inside):
            raise tarfile.TarError(f"{member.name!r} is a link, or leads outside")
        content = tar.extractfile(member)
        if content:
            place.parent.mkdir(parents=True, exist_ok=True)
            with content, place.open("wb") as file:
                shutil.copyfileobj(content, file)


def unpack(channel: Path, target: Path) -> Path:
    """Unpack the model.tar.gz in a channel; its names may not lead outside, and links are refused."""
    archive = next(iter(sorted(channel.glob("*.tar.gz"))), None)
    if not archive:
        raise UnusableInputError(f"the channel `{channel.name}` holds no model.tar.gz")
    try:
        with tarfile.open(archive) as tar:
            _unpack_files(tar, target)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        said = str(error).partition("\n")[0].rstrip(":")  # tarfile's own message has a line for each kind of archive
        raise UnusableInputError(
            f"{archive.name} in the channel `{channel.name}` can't be unpacked, it is damaged or no archive: {said}"
        ) from error
    return target
