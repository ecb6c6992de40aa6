"""Label Studio JSON (the full export, not JSON-MIN): a list of tasks, boxes in percent of the image."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict
from urllib.parse import parse_qs, urlsplit

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, entries, mapping, member
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report
from sightline.images.box import Box
from sightline.labelling.consolidation import consolidate

NAME = "label-studio"
TITLE = "Label Studio JSON"
FILES = "*.json"
SAYS = frozenset({"size", "image_id", "group_id", "job", "labeled_at"})
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the name of an uploaded file
SOURCE = ("image_id", "group_id", "job", "labeled_at")  # further fields of LabeledImage, kept in a task's data


class Rectangle(TypedDict):
    """A box in percent of the image."""

    x: float
    y: float
    width: float
    height: float
    rotation: int
    rectanglelabels: list[str]


class Result(TypedDict):
    """A box of an annotation as it is written."""

    type: str
    from_name: str
    to_name: str
    original_width: int  # pixels of the image
    original_height: int
    image_rotation: int
    value: Rectangle


class Annotation(TypedDict):
    result: list[Result]


class Task(TypedDict):
    """A task as it is written."""

    data: Mapping[str, str | int]  # `image`, its size, and the fields of SOURCE that are known
    annotations: list[Annotation]


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a file, or of every one below a folder."""
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        tasks = files.read_json(file, TITLE)
        if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
            raise InvalidLabelsError(
                f"{file} is not {TITLE}: not a list of tasks with `data`; export as JSON, not JSON-MIN"
            )
        for task in tasks:
            name = _name(task)
            try:
                images.append(_image(task, checks.text(name, "the name of an image"), report))
            except BadLabelError as error:
                report.refuse(str(error), checks.shown(name))
    return LabelSet.by_alphabet(images)


def _name(task: Mapping[str, object]) -> object:
    """Return the image that a task shows: where it lies, or the name it was uploaded with."""
    data = task["data"]
    known: Mapping[str, object] = data if isinstance(data, dict) else {}
    value = known.get("image") or next(
        (entry for entry in known.values() if isinstance(entry, str) and "/" in entry), None
    )
    if not isinstance(value, str):
        return value
    if value.startswith("/data/local-files"):
        return parse_qs(urlsplit(value).query).get("d", [value])[0]
    if value.startswith("/data/upload/"):
        return UPLOADED.sub("", value.rsplit("/", 1)[-1])
    return value


def _image(task: Mapping[str, object], name: str, report: Report) -> LabeledImage:
    if task.get("predictions"):
        report.lose("the predictions of a task", name)
    annotations = [mapping(entry) for entry in entries(task.get("annotations") or [])]
    given = [entry for entry in annotations if not entry.get("was_cancelled")]
    if not given:
        raise BadLabelError("its task has no annotation")
    data = mapping(task["data"])
    measured = checks.size(data["width"], data["height"]) if {"width", "height"} <= data.keys() else None
    answers: list[list[LabelBox]] = []
    for annotation in given:
        answers.append([])
        for result in entries(member(annotation, "result")):
            kind = member(result, "type")
            if kind != "rectanglelabels":
                report.lose(f"a result of the type {checks.brief(kind)}", name)
                continue
            measured = checks.size(member(result, "original_width"), member(result, "original_height"))
            answers[-1].append(_box(mapping(result), measured, name, report))
    known = {key: checks.text(data[key], key) for key in SOURCE if data.get(key)}
    if len(answers) > 1:
        report.lose("who of several annotators said what (their boxes were consolidated)", name)
    return checks.image(name, measured, _one(answers), **known)


def _one(answers: list[list[LabelBox]]) -> list[LabelBox]:
    """Return the boxes of one annotator as they are, those of several consolidated to whole pixels."""
    if len(answers) == 1:
        return answers[0]
    classes = sorted({entry.class_name for answer in answers for entry in answer})
    plain = [[_whole(entry, classes) for entry in answer] for answer in answers]
    found = consolidate(plain).annotations
    return [LabelBox.of(entry, classes[entry["class_id"]]) for entry in found]


def _whole(entry: LabelBox, classes: list[str]) -> Box:
    return {
        "class_id": classes.index(entry.class_name),
        "left": max(0, round(entry.left)),
        "top": max(0, round(entry.top)),
        "width": max(1, round(entry.width)),
        "height": max(1, round(entry.height)),
    }


def _box(result: Mapping[str, object], measured: tuple[int, int], name: str, report: Report) -> LabelBox:
    """Return the upright box of a rectangle that may be turned about its top left corner."""
    value = mapping(member(result, "value"))
    named = member(value, "rectanglelabels")
    if not named:
        raise BadLabelError("a box without a class")
    names = entries(named)
    if len(names) > 1:
        report.lose("further classes of a box", name)
    if checks.number(result.get("image_rotation") or 0, "the rotation of the image") % 360:
        raise BadLabelError("its image was turned while it was labelled")
    if result.get("score") is not None:
        report.lose("the score of a box", name)
    left, top, width, height = (checks.number(member(value, key), key) for key in ("x", "y", "width", "height"))
    left, width = left * measured[0] / 100, width * measured[0] / 100
    top, height = top * measured[1] / 100, height * measured[1] / 100
    turned = checks.number(value.get("rotation") or 0, "the rotation of a box") % 360
    if turned and width > 0 and height > 0:
        report.lose("the rotation of a box (its upright box is taken)", name)
        cosine, sine = math.cos(math.radians(turned)), math.sin(math.radians(turned))
        across = (0, width * cosine, -height * sine, width * cosine - height * sine)
        down = (0, width * sine, height * cosine, width * sine + height * cosine)
        left, width = left + min(across), max(across) - min(across)
        top, height = top + min(down), max(down) - min(down)
    return checks.box(names[0], left, top, width, height)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write `<split>.json` for each split."""
    return files.write_each(splits, folder, ".json", _tasks)


def _tasks(labels: LabelSet) -> str:
    return json.dumps([_task(entry) for entry in labels.images], indent=1)


def _task(labeled: LabeledImage) -> Task:
    width, height = labeled.size or (0, 0)
    data: dict[str, str | int] = {"image": labeled.source or labeled.name}
    if labeled.size:
        data |= {"width": width, "height": height}  # an image without a box has no other place for it
    data |= {key: getattr(labeled, key) for key in SOURCE if getattr(labeled, key)}
    results: list[Result] = [
        {
            "type": "rectanglelabels",
            "from_name": "label",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "x": entry.left / width * 100,
                "y": entry.top / height * 100,
                "width": entry.width / width * 100,
                "height": entry.height / height * 100,
                "rotation": 0,
                "rectanglelabels": [entry.class_name],
            },
        }
        for entry in labeled.boxes
    ]
    return {"data": data, "annotations": [{"result": results}]}
