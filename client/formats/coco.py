"""COCO JSON for object detection: one file with images, annotations and categories."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, check
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report
from client.formats.shapes import Upright, mask, outline

NAME = "coco"
TITLE = "COCO JSON"
FILES = "*.json"
SAYS = frozenset({"size", "classes"})

NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.0+)?")
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
        report.look(file.name, found.images)
    return LabelSet(classes, images)


def parse(value: object, place: str, report: Report) -> LabelSet:
    """Return what one file holds. Raise InvalidLabelsError when it is not COCO JSON."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and "score" in value[0]:
        raise InvalidLabelsError(f"{place} holds a model's results, not labels of people; give the file of the labels")
    categories = _categories(_entries(value, "categories", place), place)
    entries = _entries(value, "images", place)
    annotations: dict[Id | None, list[Entry]] = {}
    listed = _entries(value, "annotations", place)
    for annotation in listed:
        annotations.setdefault(_id(annotation, "image_id"), []).append(annotation)
    uses = Counter(_id(entry, "id") for entry in entries)
    homeless = [owner for owner in annotations if owner is None or owner not in uses]
    for owner in homeless:
        for _ in annotations[owner]:
            report.stray("an annotation of an image that the file does not have", f"image_id {checks.brief(owner)}")
    doubt = _doubt(value, listed, sum(len(annotations[owner]) for owner in homeless))
    images = []
    for entry in entries:
        number = _id(entry, "id")
        try:
            check(number is not None, "an image without an id")
            check(uses[number] == 1, "several images have this id, so that it is not known whose the boxes are")
            images.append(_image(entry, annotations.get(number, []), categories, doubt, report))
        except BadLabelError as error:
            report.refuse(str(error), checks.shown(_names(entry)[0]))
    return LabelSet(list(dict.fromkeys(categories[number] for number in sorted(categories, key=_order))), images)


def _doubt(value: object, listed: Sequence[Entry], homeless: int) -> str:
    """Return why images of this file that have no box may have a defect all the same."""
    if homeless:
        return f"no box, but {homeless} annotations of its file belong to no image, and may be of this one"
    if isinstance(value, dict) and value.get("annotations") is None:
        return "no box, but its file has no list `annotations`: perhaps nobody has labelled it"
    if any(annotation.get("score", 1) not in (1, None) for annotation in listed):
        return "no box, but its file holds what a model has found (`score`), not what a person said"
    return ""


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
    """Return a number or a text; None where there is none. A text that is a number is that number."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        value = value.strip()
        return int(value.split(".")[0]) if NUMBER.fullmatch(value) else value or None
    return int(value) if value.is_integer() else None


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
    name, number = checks.class_name(entry.get("name"), "the name of a category"), _id(entry, "id")
    if number is None:
        raise BadLabelError(f"the category {name} has no id")
    return number, name


def _names(entry: Entry) -> list[object]:
    """Return what an image is called: its file, and what the tool says it was called before (Roboflow)."""
    extra = entry.get("extra")
    named = [entry.get(key) for key in ("file_name", "path", "coco_url")]
    named += [extra.get("name")] if isinstance(extra, dict) else []
    return [name for name in named if name] or [entry.get("file_name")]


def _image(
    entry: Entry, annotations: Sequence[Entry], categories: Mapping[Id, str], doubt: str, report: Report
) -> LabeledImage:
    measured = checks.size_if_known(entry.get("width"), entry.get("height"))
    name, *also = _names(entry)
    shown, boxes = checks.shown(name), []
    for annotation in annotations:
        if _attribute(annotation, "outside") is True:  # of a track of a video: it is not in this picture
            report.lose("a box that a track has outside the picture", shown)
            doubt = doubt or "only boxes that tracks have outside the picture"
            continue
        boxes.append(_box(annotation, categories, shown, report))
        _report(annotation, shown, report)
    return checks.image(name, measured, boxes, also=also, doubt=doubt)


def _order(number: Id) -> tuple[bool, float, str]:
    """Return what sorts numbers in their order, and then what some tools write in their place."""
    return (True, 0, number) if isinstance(number, str) else (False, number, str(number))


def _box(annotation: Entry, categories: Mapping[Id, str], name: str, report: Report) -> LabelBox:
    category = _id(annotation, "category_id")
    if category is None or category not in categories:
        raise BadLabelError(f"a box of category {checks.brief(category)}, which the file does not have")
    found = _upright(annotation, name, report)
    turned = checks.number(_attribute(annotation, "rotation") or 0, "the rotation of a box") % 360
    if turned:
        check(found.width > 0 and found.height > 0, "a box without width or height, or with a negative one")
        found = found.turned(turned)
        report.lose("the rotation of a box (its upright box is taken)", name)
    return checks.box(categories[category], found.left, found.top, found.width, found.height)


def _upright(annotation: Entry, name: str, report: Report) -> Upright:
    """Return the box as it is given, else the one around the outline or the mask. Raise BadLabelError."""
    edges, shape = annotation.get("bbox"), annotation.get("segmentation")
    if edges in (None, [], [0, 0, 0, 0]) and shape:
        report.lose("the outline (segmentation) of a box that is not given (the box around it is taken)", name)
        if isinstance(shape, dict):
            return mask(shape.get("counts"), shape.get("size"))
        around = [outline(part) for part in checks.entries(shape)]
        corners = [(x, y) for one in around for x, y in ((one.left, one.top), (one.right, one.bottom))]
        return Upright.around(corners)
    if not isinstance(edges, list) or len(edges) != 4:
        raise BadLabelError("a box whose bbox is not a list of four numbers")
    found = [checks.number(edge, "an edge of a box") for edge in edges]
    checks.check_pixels(*found)
    return Upright(*found)


def _attribute(annotation: Entry, key: str) -> object:
    """Return what CVAT says of a box beyond COCO."""
    attributes = annotation.get("attributes")
    return attributes.get(key) if isinstance(attributes, dict) else None


def _report(annotation: Entry, name: str, report: Report) -> None:
    if annotation.get("iscrowd"):
        report.lose("the crowd flag of a box", name)
    if annotation.get("ignore"):
        report.lose("the flag `ignore` of a box", name)
    if annotation.get("segmentation") and annotation.get("bbox"):
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
