"""COCO JSON for object detection: one file with images, annotations and categories."""

import json
from pathlib import Path
from typing import Any

from cli.formats import (
    BadLabelError,
    InvalidLabelsError,
    LabelBox,
    LabeledImage,
    LabelSet,
    Report,
    Sizes,
    box,
    check,
    file_name,
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
    """A file, or every `*.json` below a folder. Classes are in the order of their ids; a box that is not right costs its image."""
    classes: list[str] = []
    images: list[LabeledImage] = []
    for file in files(path, "*.json", TITLE):
        found = parse(read_json(file, TITLE), str(file), report)
        classes += [name for name in found.classes if name not in classes]
        images += found.images
    return LabelSet(classes, images)


def parse(value: Any, place: str, report: Report) -> LabelSet:
    """What one file holds. Raises InvalidLabelsError when it is not COCO JSON."""
    try:
        categories = {entry["id"]: text(entry["name"], "a category's name") for entry in value["categories"]}
        entries = {entry["id"]: entry for entry in value["images"]}
        boxes: dict[Any, list[LabelBox]] = {number: [] for number in entries}
        wrong: dict[Any, str] = {}
        for annotation in value.get("annotations") or []:
            owner = annotation["image_id"]
            try:
                boxes[owner].append(_box(annotation, categories))
            except BadLabelError as error:
                wrong[owner] = str(error)
            _report(annotation, shown(entries[owner].get("file_name")), report)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidLabelsError(f"{place} is not {TITLE} ({type(error).__name__}: {error!s:.120})") from error
    images = []
    for number, entry in entries.items():
        try:
            check(number not in wrong, wrong.get(number, ""))
            measured = size(entry["width"], entry["height"]) if "width" in entry and "height" in entry else None
            images.append(image(entry.get("file_name"), measured, boxes[number]))
        except BadLabelError as error:
            report.refuse(str(error), shown(entry.get("file_name")))
    return LabelSet([categories[number] for number in sorted(categories, key=_order)], images)


def _order(number: Any) -> tuple[bool, float, str]:
    """Numbers in their order, then what some tools write in their place."""
    plain = isinstance(number, int | float)
    return (not plain, number if plain else 0, str(number))


def _box(annotation: dict[str, Any], categories: dict[Any, str]) -> LabelBox:
    left, top, width, height = annotation["bbox"]
    return box(categories[annotation["category_id"]], left, top, width, height)


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
        images.append({"id": number, "file_name": file_name(labeled), "width": width, "height": height})
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
