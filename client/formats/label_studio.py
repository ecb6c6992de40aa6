"""Label Studio JSON: a list of tasks, or a task on each line, boxes in percent of the image. JSON-MIN is read too."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict
from urllib.parse import unquote, unquote_plus

from client.formats import checks, files, label_studio_min
from client.formats import label_studio_results as results
from client.formats.checks import BadLabelError, InvalidLabelsError, check, entries, mapping, member
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report
from sightline.images.box import Box
from sightline.labelling.consolidation import consolidate

NAME = "label-studio"
TITLE = "Label Studio JSON"
FILES = "*.json, *.jsonl, *.ndjson"
SAYS = frozenset({"size", "image_id", "group_id", "job", "labeled_at"})
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the name of an uploaded file
IMAGE = re.compile(r"\.(jpe?g|jpe|jfif|png|bmp|dib|tiff?|webp|gif)(?:[?#].*)?$", re.IGNORECASE)
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
        before = len(images)
        for task, doubt in _tasks_of(file, report):
            names: list[object] = [None]
            try:
                names = _names(task)
                images.append(_image(task, names, doubt, report, sizes))
            except BadLabelError as error:
                report.refuse(str(error), checks.shown(names[0]))
        report.look(file.name, images[before:])
    return LabelSet.by_alphabet(images)


def _tasks_of(file: Path, report: Report) -> Iterator[tuple[Mapping[str, object], str]]:
    """Give each task of a file, and why its image may have a defect though it has no box. Raise InvalidLabelsError."""
    values = _values(file, report)
    records = [value for value in values if isinstance(value, dict) and label_studio_min.is_record(value)]
    tasks = [value for value in values if isinstance(value, dict) and "data" in value]
    if len(records) + len(tasks) != len(values):
        raise InvalidLabelsError(f"{file} is not {TITLE}: not a list of tasks with `data`, and not JSON-MIN")
    yield from ((task, "") for task in tasks)
    yield from ((task.full, task.doubt) for task in label_studio_min.tasks(records))


def _values(file: Path, report: Report) -> list[object]:
    """Return the entries of the list in a file, or what is on its lines. Raise InvalidLabelsError."""
    text = files.read_text(file)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        values: list[object] = []
        for number, line in enumerate(text.split("\n"), start=1):
            try:
                values += [checks.mapping(json.loads(line))] if line.strip() else []
            except (ValueError, RecursionError):
                if not values:  # so it is no list of lines
                    raise InvalidLabelsError(f"{file} is not {TITLE} ({checks.why(error)})") from error
                report.refuse("no line of JSON", checks.shown(f"{file.name}, line {number}"))
        return values
    return whole if isinstance(whole, list) else [whole]


def _names(task: Mapping[str, object]) -> list[object]:
    """Return what the image of a task is called: where it lies, or the name it was uploaded with.

    Raise BadLabelError where the task shows several images.
    """
    data = task["data"]
    known: Mapping[str, object] = data if isinstance(data, dict) else {}
    places = [entry for entry in known.values() if isinstance(entry, str) and IMAGE.search(entry)]
    check(len(set(places)) < 2 or "image" in known, "its task shows several images; give a task to each")
    several = any(isinstance(entry, list) for entry in known.values())
    check(not several or "image" in known, "its task shows several images; give a task to each")
    value = known.get("image") or next(
        iter([*places, *(entry for entry in known.values() if isinstance(entry, str) and "/" in entry)]), None
    )
    if not isinstance(value, str):
        return [value]
    address = files.address(value)
    if address.path.startswith("/data/local-files"):
        # The tool writes the path as addresses have it, earlier versions and people as it is.
        wanted = [part[2:] for part in address.query.split("&") if part.startswith("d=")]
        return list(dict.fromkeys([unquote(wanted[0]), unquote_plus(wanted[0])])) if wanted else [value]
    if stored := [part[8:] for part in address.query.split("&") if part.startswith("fileuri=")]:
        return [_decoded(unquote(stored[0]))]  # as the tool shows an object of a bucket
    if "/data/upload/" in address.path:
        return [UPLOADED.sub("", unquote(address.path.rsplit("/", 1)[-1]))]
    return [value]


def _decoded(value: str) -> str:
    """Return a text that is in base64, or as it is."""
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError:
        return value


def _image(task: Mapping[str, object], names: list[object], doubt: str, report: Report, sizes: Sizes) -> LabeledImage:
    """Return the image of a task with what its annotators say. Raise BadLabelError."""
    name = checks.text(names[0], "the name of an image")
    if task.get("predictions"):
        report.lose("the predictions of a task", name)
    given = _annotations(task, name, report)
    data = mapping(task["data"])
    measured = checks.size_if_known(data.get("width"), data.get("height")) or sizes(name)
    answers: list[list[LabelBox]] = []
    for annotation in given:
        found = results.read(entries(member(annotation, "result")), measured, name, report)
        measured = found.size or measured
        answers.append(found.boxes)
    known = {key: checks.text(data[key], key) for key in SOURCE if data.get(key)}
    if len(answers) > 1:
        report.lose("who of several annotators said what (their boxes were consolidated)", name)
    return checks.image(name, measured, _one(answers), also=names[1:], doubt=doubt, **known)


def _annotations(task: Mapping[str, object], name: str, report: Report) -> list[Mapping[str, object]]:
    """Return the annotations of a task that count: those that were sent; one that is marked as true alone.

    Raise BadLabelError where there is none.
    """
    listed = [mapping(entry) for entry in entries(task.get("annotations") or task.get("completions") or [])]
    given = [entry for entry in listed if not (entry.get("was_cancelled") or entry.get("skipped"))]
    if listed and not given:
        raise BadLabelError("its task was skipped")
    if not given:
        guessed = " but predictions" if task.get("predictions") else " but a draft" if task.get("drafts") else ""
        raise BadLabelError(f"its task has no annotation{guessed}")
    true = [entry for entry in given if entry.get("ground_truth")]
    if true and len(true) < len(given):
        report.lose("annotations beside one that is marked as ground truth", name)
    return true or given


def _one(answers: list[list[LabelBox]]) -> list[LabelBox]:
    """Return the boxes of one annotator as they are, those of several consolidated to whole pixels.

    Raise BadLabelError where most of them drew boxes, but none that they agree on.
    """
    if len(answers) == 1:
        return answers[0]
    classes = sorted({entry.class_name for answer in answers for entry in answer})
    plain = [[_whole(entry, classes) for entry in answer] for answer in answers]
    found = consolidate(plain).annotations
    drew = sum(bool(answer) for answer in answers)
    check(bool(found) or 2 * drew < len(answers), f"{drew} of {len(answers)} annotators drew boxes, none the same one")
    return [LabelBox.of(entry, classes[entry["class_id"]]) for entry in found]


def _whole(entry: LabelBox, classes: list[str]) -> Box:
    return {
        "class_id": classes.index(entry.class_name),
        "left": max(0, round(entry.left)),
        "top": max(0, round(entry.top)),
        "width": max(1, round(entry.width)),
        "height": max(1, round(entry.height)),
    }


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
