"""SageMaker Ground Truth's augmented manifest for bounding boxes: JSON Lines, what Sightline itself keeps labels in."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.formats.common import (
    BadLabelError,
    InvalidLabelsError,
    LabeledImage,
    LabelSet,
    Report,
    Sizes,
    box,
    brief,
    check,
    files,
    image,
    read_text,
    shown,
    size,
    text,
    why,
    write_text,
)
from sightline.images.box import Box
from sightline.labelling import manifest
from sightline.names import LABEL_ATTRIBUTE

NAME = "ground-truth"
TITLE = "a Ground Truth manifest"
SAYS = frozenset({"size", "image_id", "group_id", "job", "labeled_at", "classes"})
DETECTION = "groundtruth/object-detection"
DATE = "%Y-%m-%dT%H:%M:%S"


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """A file, or every `*.manifest` below a folder."""
    classes: dict[int, str] = {}
    images: list[LabeledImage] = []
    for file in files(path, "*.manifest", TITLE):
        for line, content in enumerate(read_text(file).splitlines(), start=1):
            if content.strip():
                _read_line(content, f"{file}, line {line},", classes, images, report)
    return LabelSet([classes[number] for number in sorted(classes)], images)


def _read_line(content: str, place: str, classes: dict[int, str], images: list[LabeledImage], report: Report) -> None:
    """Add one line's image and classes. Raises InvalidLabelsError when the line is no label record of boxes."""
    try:
        record = json.loads(content)
        name = record["source-ref"]
        attribute = _attribute(record)
        metadata = record[f"{attribute}-metadata"]
        for number, class_name in metadata.get("class-map", {}).items():
            known = classes.setdefault(int(number), text(class_name, "the name of a class"))
            if known != class_name:
                raise InvalidLabelsError(
                    f"{place} calls class {number} {class_name!r:.40}, an earlier line {known!r:.40}"
                )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidLabelsError(f"{place} is no line of {TITLE} ({why(error)})") from error
    try:
        check("failure-reason" not in metadata and attribute in record, "not labelled: Ground Truth gave up on it")
        images.append(_image(record, attribute, classes, report))
    except (BadLabelError, KeyError, TypeError, IndexError, AttributeError) as error:
        report.refuse(why(error), shown(name))


def _attribute(record: dict[str, Any]) -> str:
    """The name of the attribute with the boxes: Sightline's own, or the only one there is."""
    found = [
        key.removesuffix("-metadata")
        for key, value in record.items()
        if key.endswith("-metadata") and isinstance(value, dict) and value.get("type") == DETECTION
    ]
    if LABEL_ATTRIBUTE in found:
        return LABEL_ATTRIBUTE
    if len(found) != 1:
        raise ValueError(f"{len(found)} attributes with boxes, not one: {', '.join(found) or 'none'}")
    return found[0]


def _image(record: dict[str, Any], attribute: str, classes: dict[int, str], report: Report) -> LabeledImage:
    label, metadata, name = record[attribute], record[f"{attribute}-metadata"], record["source-ref"]
    pixels = label["image_size"][0]
    if any(entry.get("confidence", 1) != 1 for entry in metadata.get("objects", [])):
        report.lose("the confidence of a box", shown(name))
    boxes = []
    for entry in label["annotations"]:
        if entry["class_id"] not in classes:
            raise BadLabelError(f"class {brief(entry['class_id'])} is not in its class map")
        class_name = classes[entry["class_id"]]
        boxes.append(box(class_name, entry["left"], entry["top"], entry["width"], entry["height"]))
    more = {
        "image_id": record.get("image-id"),
        "group_id": record.get("group-id"),
        "job": metadata.get("job-name"),
        "labeled_at": metadata.get("creation-date"),
    }
    known = {key: text(value, key) for key, value in more.items() if value}
    return image(name, size(pixels["width"], pixels["height"]), boxes, **known)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """`<split>.manifest` for each split."""
    written = []
    for split, labels in splits.items():
        lines = [json.dumps(_record(entry, labels.classes), sort_keys=True) + "\n" for entry in labels.images]
        written.append(write_text(folder / f"{split}.manifest", "".join(lines)))
    return written


def _record(labeled: LabeledImage, classes: list[str]) -> dict[str, Any]:
    width, height = labeled.size or (0, 0)
    ids = {name: number for number, name in enumerate(classes)}
    boxes: list[Box] = [
        {
            "class_id": ids[entry.class_name],
            "left": round(entry.left),
            "top": round(entry.top),
            "width": round(entry.width),
            "height": round(entry.height),
        }
        for entry in labeled.boxes
    ]
    moment = datetime.strptime(labeled.labeled_at[:19], DATE) if labeled.labeled_at else datetime.now(UTC)  # noqa: DTZ007 — UTC
    return manifest.record(
        source=labeled.source or labeled.name,
        image={"image_id": labeled.image_id, "width": width, "height": height, "group_id": labeled.group_id},
        annotations=boxes,
        classes=classes,
        job_name=labeled.job or "sightline-export",
        created=moment,
    )
