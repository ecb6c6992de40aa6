"""Label Studio JSON (the full export, not JSON-MIN): a list of tasks, boxes in percent of the image."""

import json
import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

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
    files,
    image,
    number,
    read_json,
    shown,
    size,
    text,
    why,
    write_text,
)
from sightline.images.box import Box
from sightline.labelling.consolidation import consolidate

NAME = "label-studio"
TITLE = "Label Studio JSON"
SAYS = frozenset({"size", "image_id", "group_id", "job", "labeled_at"})
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the name of an uploaded file


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """A file, or every `*.json` below a folder. Classes come in the order of the alphabet."""
    images: list[LabeledImage] = []
    for file in files(path, "*.json", TITLE):
        tasks = read_json(file, TITLE)
        if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
            raise InvalidLabelsError(
                f"{file} is not {TITLE}: not a list of tasks with `data`; export as JSON, not JSON-MIN"
            )
        for task in tasks:
            name = _name(task)
            try:
                images.append(_image(task, text(name, "the name of an image"), report))
            except (BadLabelError, KeyError, TypeError, AttributeError, IndexError) as error:
                report.refuse(why(error), shown(name))
    return LabelSet(sorted({entry.class_name for labeled in images for entry in labeled.boxes}), images)


def _name(task: dict[str, Any]) -> Any:
    """The image that a task shows: where it lies, or the name it was uploaded with."""
    data = task["data"] if isinstance(task["data"], dict) else {}
    value = data.get("image") or next(
        (entry for entry in data.values() if isinstance(entry, str) and "/" in entry), None
    )
    if not isinstance(value, str):
        return value
    if value.startswith("/data/local-files"):
        return parse_qs(urlsplit(value).query).get("d", [value])[0]
    if value.startswith("/data/upload/"):
        return UPLOADED.sub("", value.rsplit("/", 1)[-1])
    return value


def _image(task: dict[str, Any], name: str, report: Report) -> LabeledImage:
    if task.get("predictions"):
        report.lose("the predictions of a task", name)
    given = [entry for entry in task.get("annotations") or [] if not entry.get("was_cancelled")]
    if not given:
        raise BadLabelError("its task has no annotation")
    data = task["data"]
    measured = size(data["width"], data["height"]) if {"width", "height"} <= data.keys() else None
    answers: list[list[LabelBox]] = []
    for annotation in given:
        answers.append([])
        for result in annotation["result"]:
            if result["type"] != "rectanglelabels":
                report.lose(f"a result of the type {brief(result['type'])}", name)
                continue
            measured = size(result["original_width"], result["original_height"])
            answers[-1].append(_box(result, measured, name, report))
    known = {key: text(data[key], key) for key in ("image_id", "group_id", "job", "labeled_at") if data.get(key)}
    if len(answers) > 1:
        report.lose("who of several annotators said what (their boxes were consolidated)", name)
    return image(name, measured, _one(answers), **known)


def _one(answers: list[list[LabelBox]]) -> list[LabelBox]:
    """The boxes of one annotator as they are, those of several consolidated to whole pixels."""
    if len(answers) == 1:
        return answers[0]
    classes = sorted({entry.class_name for answer in answers for entry in answer})
    plain = [[_whole(entry, classes) for entry in answer] for answer in answers]
    found = consolidate(plain).annotations
    return [
        LabelBox(
            classes[entry["class_id"]],
            float(entry["left"]),
            float(entry["top"]),
            float(entry["width"]),
            float(entry["height"]),
        )
        for entry in found
    ]


def _whole(entry: LabelBox, classes: list[str]) -> Box:
    return {
        "class_id": classes.index(entry.class_name),
        "left": max(0, round(entry.left)),
        "top": max(0, round(entry.top)),
        "width": max(1, round(entry.width)),
        "height": max(1, round(entry.height)),
    }


def _box(result: dict[str, Any], measured: tuple[int, int], name: str, report: Report) -> LabelBox:
    """The upright box of a rectangle that may be turned about its top left corner."""
    value = result["value"]
    names = value["rectanglelabels"]
    if not names:
        raise BadLabelError("a box without a class")
    if len(names) > 1:
        report.lose("further classes of a box", name)
    if number(result.get("image_rotation") or 0, "the rotation of the image") % 360:
        raise BadLabelError("its image was turned while it was labelled")
    for key in ("score",):
        if result.get(key) is not None:
            report.lose(f"the {key} of a box", name)
    left, top, width, height = (number(value[key], key) for key in ("x", "y", "width", "height"))
    left, width = left * measured[0] / 100, width * measured[0] / 100
    top, height = top * measured[1] / 100, height * measured[1] / 100
    turned = number(value.get("rotation") or 0, "the rotation of a box") % 360
    if turned and width > 0 and height > 0:
        report.lose("the rotation of a box (its upright box is taken)", name)
        cosine, sine = math.cos(math.radians(turned)), math.sin(math.radians(turned))
        across = (0, width * cosine, -height * sine, width * cosine - height * sine)
        down = (0, width * sine, height * cosine, width * sine + height * cosine)
        left, width = left + min(across), max(across) - min(across)
        top, height = top + min(down), max(down) - min(down)
    return box(names[0], left, top, width, height)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """`<split>.json` for each split."""
    return [
        write_text(folder / f"{split}.json", json.dumps([_task(entry) for entry in labels.images], indent=1))
        for split, labels in splits.items()
    ]


def _task(labeled: LabeledImage) -> dict[str, Any]:
    width, height = labeled.size or (0, 0)
    data: dict[str, Any] = {"image": labeled.source or labeled.name}
    if labeled.size:
        data |= {"width": width, "height": height}  # an image without a box has no other place for it
    data |= {
        key: getattr(labeled, key) for key in ("image_id", "group_id", "job", "labeled_at") if getattr(labeled, key)
    }
    results = [
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
