"""YOLO text: one file for an image, a line for a box: class number, centre, width and height, each from 0 to 1.

The names of the classes are in `data.yaml` (`names`), `classes.txt` or `obj.names`. It says nothing about the image itself, not even its
size or extension: both come from wherever the image is found.
"""

import re
from pathlib import Path
from typing import Any

import yaml

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
    number,
    read_text,
    shown,
    stem,
    text,
    whole,
    write_text,
)

NAME = "yolo"
TITLE = "YOLO text"
SAYS = frozenset({"classes"})
NAME_FILES = ("data.yaml", "data.yml", "classes.txt", "obj.names")
OTHER_TEXTS = {"classes.txt", "train.txt", "val.txt", "valid.txt", "test.txt", "readme.txt", "notes.txt"}


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """A folder with `*.txt` below it (or one such file). An empty file says that its image has no defect."""
    folder = path if path.is_dir() else path.parent
    classes = _classes(folder)
    images: list[LabeledImage] = []
    for file in files(path, "*.txt", TITLE):
        if file.name.lower() in OTHER_TEXTS and path.is_dir():
            continue
        name = file.relative_to(folder).as_posix().removesuffix(".txt")
        name = re.sub(r"^(?:.*/)?labels/(?:(?:train|val|valid|validation|test)/)?", "", name)
        try:
            measured = sizes(name) or (0, 0)
            check(measured > (0, 0), f"no such image, and {TITLE} does not say how large it is")
            lines = [line.split() for line in read_text(file).splitlines() if line.strip()]
            images.append(image(name, measured, [_box(line, classes, measured, name, report) for line in lines]))
        except BadLabelError as error:
            report.refuse(str(error), shown(name))
    return LabelSet(classes, images)


def _classes(folder: Path) -> list[str]:
    """The names of the classes, from the folder or the one above. Raises InvalidLabelsError."""
    for place in (folder, folder.parent):
        for file in [place / name for name in NAME_FILES if (place / name).is_file()]:
            try:
                if file.suffix in (".yaml", ".yml"):
                    names: Any = yaml.safe_load(read_text(file))["names"]
                    names = [names[key] for key in sorted(names)] if isinstance(names, dict) else names
                else:
                    names = read_text(file).splitlines()
                return [text(name, "the name of a class") for name in names if name != ""]
            except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
                raise InvalidLabelsError(f"{file} does not name classes: {error!s:.120}") from error
    raise InvalidLabelsError(f"{folder} names no classes; put {' or '.join(NAME_FILES)} beside the labels")


def _box(line: list[str], classes: list[str], size: tuple[int, int], name: str, report: Report) -> LabelBox:
    class_id = whole(line[0], "the class of a box")
    if not 0 <= class_id < len(classes):
        raise BadLabelError(f"class {class_id} has no name; there are {len(classes)}")
    values = [number(value, "a number of a box") for value in line[1:]]
    if len(values) == 5:
        report.lose("the score of a box", name)
    elif len(values) >= 6 and len(values) % 2 == 0:
        report.lose("the outline of a box (its upright box is taken)", name)
        across, down = values[::2], values[1::2]
        values = [
            (min(across) + max(across)) / 2,
            (min(down) + max(down)) / 2,
            max(across) - min(across),
            max(down) - min(down),
        ]
    elif len(values) != 4:
        raise BadLabelError(f"a line of {len(line)} numbers, not 5")
    width, height = values[2] * size[0], values[3] * size[1]
    left, top = values[0] * size[0] - width / 2, values[1] * size[1] - height / 2
    return box(classes[class_id], left, top, width, height)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """`data.yaml` and `labels/<split>/<name>.txt`; the images belong under `images/<split>/`."""
    written: dict[Path, str] = {}
    classes = next(iter(splits.values())).classes
    for split, labels in splits.items():
        ids = {name: number for number, name in enumerate(labels.classes)}
        for labeled in labels.images:
            target = folder / "labels" / split / f"{stem(file_name(labeled))}.txt"
            if target in written:
                report.refuse(f"{TITLE} has one file for all images of this name, and another one has it", labeled.name)
                continue
            lines = [_line(ids[entry.class_name], entry, labeled.size or (1, 1)) for entry in labeled.boxes]
            written[write_text(target, "".join(lines))] = labeled.name
    described = {
        "path": ".",
        **{split: f"images/{split}" for split in splits},
        "names": dict(enumerate(classes)),
    }
    return [
        write_text(folder / "data.yaml", yaml.safe_dump(described, sort_keys=False, allow_unicode=True)),
        *written,
    ]


def _line(class_id: int, entry: LabelBox, size: tuple[int, int]) -> str:
    width, height = size
    numbers = (
        (entry.left + entry.width / 2) / width,
        (entry.top + entry.height / 2) / height,
        entry.width / width,
        entry.height / height,
    )
    return f"{class_id} {' '.join(f'{value:.10f}' for value in numbers)}\n"
