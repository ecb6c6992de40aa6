"""COCO JSON for object detection: one file with images, annotations and categories."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, check
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report

NAME = "coco"
TITLE = "COCO JSON"
FILES = "*.json"
SAYS = frozenset({"size", "classes"})

Id = int | float | str  # what tools write as one
Entry = Mapping[str, object]  # an object of one of the file's lists, as a stranger wrote it


class Image(TypedDict):
    """An image as it is written."""

    id: int  # from 1
    file_name: str
    width: int  # pixels; 0 where not known
    height: int


class Annotation(TypedDict):
    """A box as it is written."""

    id: int  # from 1
    image_id: int
    category_id: int
    bbox: list[float]  # left, top, width, height in pixels
    area: float
    iscrowd: int


class Category(TypedDict):
    id: int  # the class id, from 0
    name: str


class Coco(TypedDict):
    """A file as it is written."""

    images: list[Image]
    annotations: list[Annotation]
    categories: list[Category]


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a file, or of every one below a folder, with the classes in the order of their ids.

    A box that is not right costs its image.
    """
    classes: list[str] = []
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        found = parse(files.read_json(file, TITLE), str(file), report)
        classes += [name for name in found.classes if name not in classes]
        images += found.images
    return LabelSet(classes, images)


def parse(value: object, place: str, report: Report) -> LabelSet:
    """Return what one file holds. Raise InvalidLabelsError when it is not COCO JSON."""
    categories = _categories(_entries(value, "categories", place), place)
    entries = _entries(value, "images", place)
    annotations: dict[Id | None, list[Entry]] = {}
    for annotation in _entries(value, "annotations", place):
        annotations.setdefault(_id(annotation, "image_id"), []).append(annotation)
    uses = Counter(_id(entry, "id") for entry in entries)
    for owner in [owner for owner in annotations if owner is None or owner not in uses]:
        for _ in annotations[owner]:
            report.refuse("an annotation of an image that the file does not have", f"image_id {checks.brief(owner)}")
    images = []
    for entry in entries:
        number = _id(entry, "id")
        try:
            check(number is not None, "an image without an id")
            check(uses[number] == 1, "several images have this id, so that it is not known whose the boxes are")
            images.append(_image(entry, annotations.get(number, []), categories, report))
        except BadLabelError as error:
            report.refuse(str(error), checks.shown(entry.get("file_name")))
    return LabelSet([categories[number] for number in sorted(categories, key=_order)], images)


def _entries(value: object, key: str, place: str) -> Sequence[Entry]:
    """Return the objects of one of the file's lists. Raise InvalidLabelsError."""
    found = value.get(key) if isinstance(value, dict) else None
    if found is None and key == "annotations" and isinstance(value, dict):
        return []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise InvalidLabelsError(
            f"{place} is not {TITLE}: it has no list `{key}`, or something else than objects in it"
        )
    return found


def _id(entry: Entry, key: str) -> Id | None:
    """Return a number or a text; None where there is none."""
    value = entry.get(key)
    return value if isinstance(value, int | float | str) else None


def _categories(entries: Sequence[Entry], place: str) -> dict[Id, str]:
    """Return the names of the classes by their ids. Raise InvalidLabelsError."""
    categories: dict[Id, str] = {}
    try:
        for entry in entries:
            number, name = _category(entry)
            known = categories.setdefault(number, name)
            problem = f"category {checks.brief(number)} is both {known} and {name}; give each an id of its own"
            check(known == name, problem)
    except BadLabelError as error:
        raise InvalidLabelsError(f"{place}: {error}") from error
    return categories


def _category(entry: Entry) -> tuple[Id, str]:
    name, number = checks.text(entry.get("name"), "the name of a category"), _id(entry, "id")
    if number is None:
        raise BadLabelError(f"the category {name} has no id")
    return number, name


def _image(entry: Entry, annotations: Sequence[Entry], categories: Mapping[Id, str], report: Report) -> LabeledImage:
    measured = checks.size(entry["width"], entry["height"]) if "width" in entry and "height" in entry else None
    boxes = []
    for annotation in annotations:
        boxes.append(_box(annotation, categories))
        _report(annotation, checks.shown(entry.get("file_name")), report)
    return checks.image(entry.get("file_name"), measured, boxes)


def _order(number: Id) -> tuple[bool, float, str]:
    """Return what sorts numbers in their order, and then what some tools write in their place."""
    return (True, 0, number) if isinstance(number, str) else (False, number, str(number))


def _box(annotation: Entry, categories: Mapping[Id, str]) -> LabelBox:
    category, edges = _id(annotation, "category_id"), annotation.get("bbox")
    if category is None or category not in categories:
        raise BadLabelError(f"a box of category {checks.brief(category)}, which the file does not have")
    if not isinstance(edges, list) or len(edges) != 4:
        raise BadLabelError("a box whose bbox is not a list of four numbers")
    left, top, width, height = edges
    return checks.box(categories[category], left, top, width, height)


def _report(annotation: Entry, name: str, report: Report) -> None:
    if annotation.get("iscrowd"):
        report.lose("the crowd flag of a box", name)
    if annotation.get("segmentation"):
        report.lose("the outline (segmentation) of a box", name)
    if annotation.get("keypoints"):
        report.lose("the keypoints of a box", name)
    if "score" in annotation:
        report.lose("the score of a box", name)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write `<split>.json` for each split."""
    return files.write_each(splits, folder, ".json", lambda labels: json.dumps(as_coco(labels), indent=1))


def as_coco(labels: LabelSet) -> Coco:
    """Return the labels as a file holds them."""
    ids = labels.class_ids()
    images: list[Image] = []
    annotations: list[Annotation] = []
    for number, labeled in enumerate(labels.images, start=1):
        width, height = labeled.size or (0, 0)
        images.append({"id": number, "file_name": labeled.name, "width": width, "height": height})
        for entry in labeled.boxes:
            bbox = [_plain(value) for value in (entry.left, entry.top, entry.width, entry.height)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": ids[entry.class_name],
                    "bbox": bbox,
                    "area": bbox[2] * bbox[3],
                    "iscrowd": 0,
                }
            )
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
    }


def _plain(value: float) -> float:
    return int(value) if value == int(value) else value
