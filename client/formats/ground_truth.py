"""SageMaker Ground Truth's augmented manifest for bounding boxes: JSON Lines, what Sightline itself keeps labels in."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, check, entries, mapping, member
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report
from sightline.labelling import manifest
from sightline.names import LABEL_ATTRIBUTE

NAME = "ground-truth"
TITLE = "a Ground Truth manifest"
FILES = "*.manifest"
SAYS = frozenset({"size", "image_id", "group_id", "job", "labeled_at", "classes"})
DETECTION = "groundtruth/object-detection"
DATE = "%Y-%m-%dT%H:%M:%S"


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a file, or of every one below a folder."""
    classes: dict[int, str] = {}
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        for line, content in enumerate(files.read_text(file).splitlines(), start=1):
            if content.strip():
                _read_line(content, f"{file}, line {line},", classes, images, report)
    return LabelSet([classes[number] for number in sorted(classes)], images)


def _read_line(content: str, place: str, classes: dict[int, str], images: list[LabeledImage], report: Report) -> None:
    """Add one line's image and classes. Raise InvalidLabelsError when the line is no label record of boxes."""
    try:
        record = mapping(json.loads(content))
        name = member(record, "source-ref")
        attribute = _attribute(record)
        metadata = mapping(record[f"{attribute}-metadata"])
        for number, class_name in mapping(metadata.get("class-map", {})).items():
            known = classes.setdefault(int(number), checks.text(class_name, "the name of a class"))
            if known != class_name:
                raise InvalidLabelsError(
                    f"{place} calls class {number} {class_name!r:.40}, an earlier line {known!r:.40}"
                )
    except (ValueError, RecursionError) as error:
        raise InvalidLabelsError(f"{place} is no line of {TITLE} ({checks.why(error)})") from error
    try:
        check("failure-reason" not in metadata and attribute in record, "not labelled: Ground Truth gave up on it")
        images.append(_image(record, attribute, classes, report))
    except BadLabelError as error:
        report.refuse(str(error), checks.shown(name))


def _attribute(record: Mapping[str, object]) -> str:
    """Return the name of the attribute with the boxes: Sightline's own, or the only one there is."""
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


def _image(record: Mapping[str, object], attribute: str, classes: Mapping[int, str], report: Report) -> LabeledImage:
    label, metadata, name = record[attribute], mapping(record[f"{attribute}-metadata"]), record["source-ref"]
    pixels = checks.first(member(label, "image_size"))
    if any(mapping(entry).get("confidence", 1) != 1 for entry in entries(metadata.get("objects", []))):
        report.lose("the confidence of a box", checks.shown(name))
    boxes = [_box(entry, classes) for entry in entries(member(label, "annotations"))]
    more = {
        "image_id": record.get("image-id"),
        "group_id": record.get("group-id"),
        "job": metadata.get("job-name"),
        "labeled_at": metadata.get("creation-date"),
    }
    known = {key: checks.text(value, key) for key, value in more.items() if value}
    return checks.image(name, checks.size(member(pixels, "width"), member(pixels, "height")), boxes, **known)


def _box(entry: object, classes: Mapping[int, str]) -> LabelBox:
    class_id = member(entry, "class_id")
    if not isinstance(class_id, int | float) or class_id not in classes:
        raise BadLabelError(f"class {checks.brief(class_id)} is not in its class map")
    left, top, width, height = (member(entry, edge) for edge in ("left", "top", "width", "height"))
    return checks.box(classes[int(class_id)], left, top, width, height)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write `<split>.manifest` for each split."""
    return files.write_each(splits, folder, ".manifest", _lines)


def _lines(labels: LabelSet) -> str:
    ids = labels.class_ids()
    return "".join(json.dumps(_record(image, labels.classes, ids), sort_keys=True) + "\n" for image in labels.images)


def _record(labeled: LabeledImage, classes: list[str], ids: Mapping[str, int]) -> Mapping[str, object]:
    width, height = labeled.size or (0, 0)
    moment = datetime.strptime(labeled.labeled_at[:19], DATE) if labeled.labeled_at else datetime.now(UTC)  # noqa: DTZ007 — UTC
    return manifest.record(
        source=labeled.source or labeled.name,
        image={"image_id": labeled.image_id, "width": width, "height": height, "group_id": labeled.group_id},
        annotations=[box.rounded(ids[box.class_name]) for box in labeled.boxes],
        classes=classes,
        job_name=labeled.job or "sightline-export",
        created=moment,
    )
