"""YOLO text: one file for an image, a line for a box: class number, centre, width and height, each from 0 to 1.

The names of the classes are in `data.yaml` (`names`), `classes.txt` or `obj.names`. It says nothing about the image
itself, not even its size or extension: both come from wherever the image is found.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, check
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report

NAME = "yolo"
TITLE = "YOLO text"
FILES = "*.txt"
SAYS = frozenset({"classes"})
NAME_FILES = ("data.yaml", "data.yml", "classes.txt", "obj.names")
OTHER_TEXTS = {"classes.txt", "train.txt", "val.txt", "valid.txt", "test.txt", "readme.txt", "notes.txt"}


@dataclass(frozen=True)
class Classes:
    """The names of classes by their numbers, which may have gaps, and the file that they are from."""

    file: str
    names: dict[int, str]

    def name(self, number: int) -> str:
        check(number in self.names, f"class {number} has no name in {self.file}")
        return self.names[number]


class _Loader(yaml.SafeLoader):
    """YAML without aliases: with them, a few lines can stand for billions of values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="an alias (*name); write the value itself there", problem_mark=mark)
        return super().compose_node(parent, index)


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a folder or a file. An empty file says that its image has no defect."""
    folder = path if path.is_dir() else path.parent
    classes = _classes(folder)
    images: list[LabeledImage] = []
    for file in files.found(path, FILES, TITLE):
        if file.name.lower() in OTHER_TEXTS and path.is_dir():
            continue
        name = file.relative_to(folder).as_posix().removesuffix(".txt")
        name = re.sub(r"^(?:.*/)?labels/(?:(?:train|val|valid|validation|test)/)?", "", name)
        try:
            measured = sizes(name) or (0, 0)
            check(measured > (0, 0), f"no such image, and {TITLE} does not say how large it is")
            lines = [line.split() for line in files.decode(files.read_bytes(file)).splitlines() if line.strip()]
            images.append(checks.image(name, measured, [_box(line, classes, measured, name, report) for line in lines]))
        except BadLabelError as error:
            report.refuse(str(error), checks.shown(name))
    return LabelSet([classes.names[number] for number in sorted(classes.names)], images)


def _classes(folder: Path) -> Classes:
    """Return the names of the classes, from the folder or the one above. Raise InvalidLabelsError."""
    for place in (folder, folder.parent):
        for file in [place / name for name in NAME_FILES if (place / name).is_file()]:
            content = files.read_text(file)
            try:
                is_yaml = file.suffix in (".yaml", ".yml")
                return Classes(file.name, _names(_from_yaml(content) if is_yaml else enumerate(content.splitlines())))
            except (yaml.YAMLError, ValueError, RecursionError) as error:
                raise InvalidLabelsError(f"{file} does not name the classes: {checks.why(error)}") from error
    raise InvalidLabelsError(f"{folder} names no classes; put {' or '.join(NAME_FILES)} beside the labels")


def _from_yaml(content: str) -> Iterable[tuple[object, object]]:
    """Return number and name of each class under `names`. Raise BadLabelError or yaml.YAMLError."""
    try:
        described = _Loader(content).get_single_data()
    except yaml.MarkedYAMLError as error:  # its own text is of five lines
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadLabelError(f"line {line}: {error.problem}") from error
    names = described.get("names") if isinstance(described, dict) else None
    if isinstance(names, dict):
        return names.items()
    if isinstance(names, list):
        return enumerate(names)
    raise BadLabelError(f"`names` must be a list, or numbers with names, and is {checks.brief(names)}")


def _names(given: Iterable[tuple[object, object]]) -> dict[int, str]:
    """Return the names by number; a number with an empty one has none. Raise BadLabelError."""
    names: dict[int, str] = {}
    for key, value in given:
        name = value.strip() if isinstance(value, str) else value
        if name is None or name == "":
            continue
        class_id = checks.whole(key, "the number of a class")
        check(class_id not in names, f"class {class_id} has two names")
        names[class_id] = checks.text(name, f"the name of class {class_id}")
    return names


def _box(line: list[str], classes: Classes, size: tuple[int, int], name: str, report: Report) -> LabelBox:
    class_name = classes.name(checks.whole(line[0], "the class of a box"))
    values = [checks.number(value, "a number of a box") for value in line[1:]]
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
    return checks.box(class_name, left, top, width, height)


def write(splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write `data.yaml` and `labels/<split>/<name>.txt`; the images belong under `images/<split>/`."""
    written: list[Path] = []
    taken: set[Path] = set()
    classes = next(iter(splits.values())).classes
    for split, labels in splits.items():
        ids = labels.class_ids()
        each = files.for_each_image(labels, folder / "labels" / split, ".txt", TITLE, taken, report)
        for labeled, _, path in each:
            lines = [_line(ids[entry.class_name], entry, labeled.size or (1, 1)) for entry in labeled.boxes]
            written.append(files.write_text(path, "".join(lines)))
    described = {
        "path": ".",
        **{split: f"images/{split}" for split in splits},
        "names": dict(enumerate(classes)),
    }
    return [
        files.write_text(folder / "data.yaml", yaml.safe_dump(described, sort_keys=False, allow_unicode=True)),
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
