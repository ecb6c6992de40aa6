"""COCO JSON for object detection: one file with images, annotations and categories."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from client.formats.common import (
    BadLabelError,
    InvalidLabelsError,
    LabelBox,
    LabeledImage,
    LabelSet,
    Report,
    Sizes,
    box,
    brief,
    check,
    files,
    image,
    read_json,
    shown,
    size,
    text,
    write_text,
)

NAME = "coco"
TITLE = "COCO JSON"
SAYS = frozenset({"size", "classes"})


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """A file, or every `*.json` below a folder. Classes are in the order of their ids; a box that is not right costs
    its image.
    """
    classes: list[str] = []
    images: list[LabeledImage] = []
    for file in files(path, "*.json", TITLE):
        found = parse(read_json(file, TITLE), str(file), report)
        classes += [name for name in found.classes if name not in classes]
        images += found.images
    return LabelSet(classes, images)


def parse(value: Any, place: str, report: Report) -> LabelSet:
    """What one file holds. Raises InvalidLabelsError when it is not COCO JSON."""
    categories = _categories(_entries(value, "categories", place), place)
    entries = _entries(value, "images", place)
    annotations: dict[Any, list[dict[str, Any]]] = {}
    for annotation in _entries(value, "annotations", place):
        annotations.setdefault(_id(annotation, "image_id"), []).append(annotation)
    uses = Counter(_id(entry, "id") for entry in entries)
    for owner in [owner for owner in annotations if owner is None or owner not in uses]:
        for _ in annotations[owner]:
            report.refuse("an annotation of an image that the file does not have", f"image_id {brief(owner)}")
    images = []
    for entry in entries:
        number = _id(entry, "id")
        try:
            check(number is not None, "an image without an id")
            check(uses[number] == 1, "several images have this id, so that it is not known whose the boxes are")
            images.append(_image(entry, annotations.get(number, []), categories, report))
        except BadLabelError as error:
            report.refuse(str(error), shown(entry.get("file_name")))
    return LabelSet([categories[number] for number in sorted(categories, key=_order)], images)


def _entries(value: Any, key: str, place: str) -> list[dict[str, Any]]:
    """The objects of one of the file's lists. Raises InvalidLabelsError."""
    found = value.get(key) if isinstance(value, dict) else None
    if found is None and key == "annotations" and isinstance(value, dict):
        return []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise InvalidLabelsError(
            f"{place} is not {TITLE}: it has no list `{key}`, or something else than objects in it"
        )
    return found


def _id(entry: dict[str, Any], key: str) -> Any:
    """A number or a text; None where there is none."""
    return entry[key] if isinstance(entry.get(key), int | float | str) else None


def _categories(entries: list[dict[str, Any]], place: str) -> dict[Any, str]:
    """The names of the classes by their ids. Raises InvalidLabelsError."""
    categories: dict[Any, str] = {}
    try:
        for entry in entries:
            name, number = text(entry.get("name"), "the name of a category"), _id(entry, "id")
            check(number is not None, f"the category {name} has no id")
            known = categories.setdefault(number, name)
            check(known == name, f"category {brief(number)} is both {known} and {name}; give each an id of its own")
    except BadLabelError as error:
        raise InvalidLabelsError(f"{place}: {error}") from error
    return categories


def _image(
    entry: dict[str, Any], annotations: list[dict[str, Any]], categories: dict[Any, str], report: Report
) -> LabeledImage:
    measured = size(entry["width"], entry["height"]) if "width" in entry and "height" in entry else None
    boxes = []
    for annotation in annotations:
        boxes.append(_box(annotation, categories))
        _report(annotation, shown(entry.get("file_name")), report)
    return image(entry.get("file_name"), measured, boxes)


def _order(number: Any) -> tuple[bool, float, str]:
    """Numbers in their order, then what some tools write in their place."""
    plain = isinstance(number, int | float)
    return (not plain, number if plain else 0, str(number))


def _box(annotation: dict[str, Any], categories: dict[Any, str]) -> LabelBox:
    category, edges = _id(annotation, "category_id"), annotation.get("bbox")
    check(category in categories, f"a box of category {brief(category)}, which the file does not have")
    if not isinstance(edges, list) or len(edges) != 4:
        raise BadLabelError("a box whose bbox is not a list of four numbers")
    return box(categories[category], *edges)


def _report(annotation: dict[str, Any], name: str, report: Report) -> None:
    if annotation.get("iscrowd"):
        report.lose("the crowd flag of a box", name)
    if annotation.get("segmentation"):
        report.lose("the outline (segmentation) of a box", name)
    if annotation.get("keypoints"):
        report.lose("the keypoints of a box", name)
    if "score" in annotation:
        report.lose("the score of a box", name)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """`<split>.json` for each split."""
    return [
        write_text(folder / f"{split}.json", json.dumps(as_coco(labels), indent=1)) for split, labels in splits.items()
    ]


def as_coco(labels: LabelSet) -> dict[str, Any]:
    """Category ids are the class ids, from 0."""
    ids = {name: number for number, name in enumerate(labels.classes)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
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
