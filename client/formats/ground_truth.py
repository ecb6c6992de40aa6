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
VERIFICATION = "groundtruth/label-verification"
GOOD = ("good", "correct", "approved", "accept", "accepted", "pass", "ok", "yes")  # what verifications call a label
EDGES = ("left", "top", "width", "height")
DATE = "%Y-%m-%dT%H:%M:%S"


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a file, or of every one below a folder.

    A line that holds no label of boxes is left out; a file without a line of a manifest is none.
    """
    classes: dict[str, int] = {}  # the lowest number of each
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        lines = [line for line in enumerate(files.read_text(file).split("\n"), start=1) if line[1].strip()]
        problem = ""
        taken, before = 0, len(images)
        for number, content in lines:
            try:
                record = mapping(json.loads(content))
                name = _name(record)
            except (ValueError, RecursionError) as error:
                problem = problem or f"{file}, line {number}, is no line of {TITLE} ({checks.why(error)})"
                report.refuse(f"no line of {TITLE}: {_kind(error)}", checks.shown(f"{file.name}, line {number}"))
                continue
            taken += 1
            try:
                images.append(_image(record, name, classes, report))
            except BadLabelError as error:
                report.refuse(str(error), checks.shown(name))
        report.look(file.name, images[before:])
        if not taken:
            raise InvalidLabelsError(problem or f"{file} is empty; give the labels as {TITLE}")
    return LabelSet(sorted(classes, key=lambda name: (classes[name], name)), images)


def _kind(error: Exception) -> str:
    """Return what is wrong with a line, without the place, so that lines with the same problem are one."""
    return str(error) if isinstance(error, BadLabelError) else type(error).__name__


def _name(record: Mapping[str, object]) -> object:
    """Return where the image of a line lies. Raise BadLabelError."""
    return member(record, "source" if "source" in record and "source-ref" not in record else "source-ref")


def _attribute(record: Mapping[str, object], name: str, report: Report) -> str:
    """Return the name of the attribute with the boxes that count: of several jobs the last. Raise BadLabelError."""
    kinds = {
        key.removesuffix("-metadata"): mapping(value).get("type")
        for key, value in record.items()
        if key.endswith("-metadata") and isinstance(value, dict)
    }
    found = [key for key, kind in kinds.items() if kind == DETECTION]
    others = [kind for kind in kinds.values() if kind not in (DETECTION, VERIFICATION)]
    if not found:
        said = ", ".join(sorted(checks.shown(kind) for kind in others))
        raise BadLabelError(f"no label of boxes, but {said}" if said else "not labelled: its line has no label")
    for key in [key for key, kind in kinds.items() if kind == VERIFICATION]:
        verdict = str(mapping(record[f"{key}-metadata"]).get("class-name", "")).lower()
        check(verdict in GOOD, f"a verification says {verdict[: checks.SHOWN]!r} of its label")
    if others:
        report.lose("a label that has no boxes", name)
    if LABEL_ATTRIBUTE in found:
        return LABEL_ATTRIBUTE
    if len(found) > 1:
        report.lose("the labels of earlier jobs (the last one is taken)", name)
    # The end of a chain is the newest, and else the last of the line.
    dates = [str(mapping(record[f"{key}-metadata"]).get("creation-date", "")) for key in found]
    return max(zip(dates, range(len(found)), found, strict=True))[2]


def _class_map(metadata: Mapping[str, object]) -> dict[int, str]:
    named = mapping(metadata.get("class-map", {})).items()
    return {
        checks.whole(number, "the number of a class"): checks.class_name(name, "the name of a class")
        for number, name in named
    }


def _image(record: Mapping[str, object], name: object, classes: dict[str, int], report: Report) -> LabeledImage:
    """Return a line's image, and enter its classes. Raise BadLabelError."""
    shown = checks.shown(name)
    attribute = _attribute(record, shown, report)
    metadata = mapping(record[f"{attribute}-metadata"])
    check("failure-reason" not in metadata and attribute in record, "not labelled: Ground Truth gave up on it")
    label, class_map = record[attribute], _class_map(metadata)
    for number, class_name in class_map.items():
        classes[class_name] = min(number, classes.get(class_name, number))
    pixels = mapping(checks.first(member(label, "image_size")))
    if any(mapping(entry).get("confidence", 1) != 1 for entry in entries(metadata.get("objects", []))):
        report.lose("the confidence of a box", shown)
    boxes = [_box(entry, class_map) for entry in entries(member(label, "annotations"))]
    more = {
        "image_id": record.get("image-id"),
        "group_id": record.get("group-id"),
        "job": metadata.get("job-name"),
        "labeled_at": metadata.get("creation-date"),
    }
    known = {key: checks.text(value, key) for key, value in more.items() if value}
    by_machine = metadata.get("human-annotated") == "no"
    doubt = "no box, but no person has labelled it (`human-annotated`: `no`)" if by_machine else ""
    return checks.image(
        name, checks.size_if_known(pixels.get("width"), pixels.get("height")), boxes, doubt=doubt, **known
    )


def _box(entry: object, classes: Mapping[int, str]) -> LabelBox:
    class_id = member(entry, "class_id")
    if not isinstance(class_id, int | float | str) or checks.whole(class_id, "the class of a box") not in classes:
        raise BadLabelError(f"class {checks.brief(class_id)} is not in its class map")
    left, top, width, height = (checks.number(member(entry, edge), edge) for edge in EDGES)
    checks.check_pixels(left, top, width, height)
    return checks.box(classes[checks.whole(class_id, "the class of a box")], left, top, width, height)


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
