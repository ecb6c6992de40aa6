"""YOLO text: one file for an image, a line for a box: class number, centre, width and height, each from 0 to 1.

The names of the classes are in `data.yaml` (`names`), `classes.txt` or `obj.names`. It says nothing about the image
itself, not even its size or extension: both come from wherever the image is found.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from client.formats import checks, files
from client.formats.checks import BadLabelError
from client.formats.files import stem
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, Sizes
from client.formats.report import Report
from client.formats.yolo_lines import Layouts
from client.formats.yolo_names import Classes, NameFiles, is_names

NAME = "yolo"
TITLE = "YOLO text"
FILES = "*.txt"
SAYS = frozenset({"classes"})
NUMBERS = re.compile(r"[-+0-9.,eE ]+")
OTHER_TEXTS = re.compile(r"^(train|val|valid|validation|test|notes|requirements)\.txt$|readme|licen[cs]e")  # of exports


@dataclass(frozen=True)
class _Text:
    """A text file: its lines in words, without empty ones and comments, by their numbers."""

    file: Path
    path: str  # from the given folder, without `.txt`
    lines: list[tuple[int, list[str]]]
    commented: bool  # it has comments

    @property
    def name(self) -> str:
        """What its image is called, as far as the layout of folders tells."""
        return re.sub(r"^(?:.*/)?labels/(?:(?:train|val|valid|validation|test)/)?", "", self.path)

    @property
    def is_list(self) -> bool:
        """Whether it lists images."""
        return bool(self.lines) and all(stem(words[-1]) != words[-1] for _, words in self.lines)

    @property
    def is_label(self) -> bool:
        return all(len(words) > 4 or NUMBERS.fullmatch(" ".join(words)) for _, words in self.lines)

    @property
    def is_usual(self) -> bool:
        """Whether exports have a text of this name that is of no image."""
        return bool(OTHER_TEXTS.search(self.file.name.lower())) and "labels" not in self.path.split("/")[:-1]


def read(path: Path, report: Report, sizes: Sizes) -> LabelSet:
    """Return the labels of a folder or a file. An empty file says that its image has no defect."""
    folder = path if path.is_dir() else path.parent
    names = NameFiles(folder)
    texts, lists = _texts(path, folder, report)
    found: list[tuple[_Text, tuple[int, int], Classes]] = []
    layouts: dict[str, Layouts] = {}  # of each file of names
    for text in texts:
        try:
            measured = sizes(text.path) or sizes(text.name)
        except BadLabelError as error:
            report.refuse(str(error), checks.shown(text.name))
            continue
        if measured is None and text.is_usual and not (text.lines and text.is_label):
            continue
        if text.lines and not text.is_label:
            report.refuse("a text that is no label", checks.shown(text.name))
        elif text.commented and not text.lines:
            report.refuse("a text of comments only", checks.shown(text.name))
        elif measured is None:
            report.refuse(f"no such image, and {TITLE} does not say how large it is", checks.shown(text.name))
        else:
            classes = names.of(text.file.parent)
            found.append((text, measured, classes))
            seen = layouts.setdefault(classes.file, Layouts(classes.keypoints))
            for values in _numbers(text):
                seen.see(values)
    images = [
        image for text, size, classes in found if (image := _image(text, size, classes, layouts[classes.file], report))
    ]
    images += _listed(lists, {text.name for text in texts} | {text.path for text in texts}, sizes, report)
    each = [classes for _, _, classes in found] or [names.of(folder)]
    return LabelSet(list(dict.fromkeys(one.names[number] for one in each for number in sorted(one.names))), images)


def _texts(path: Path, folder: Path, report: Report) -> tuple[list[_Text], list[_Text]]:
    """Return the files that may be labels, and those that list images."""
    texts: list[_Text] = []
    for file in files.found(path, FILES, TITLE):
        name = re.sub(r"\.txt$", "", file.relative_to(folder).as_posix(), flags=re.IGNORECASE)
        try:
            content = files.decode(files.read_bytes(file)).splitlines()
        except BadLabelError as error:
            report.refuse(str(error), checks.shown(name))
            continue
        lines = [(number, line.split()) for number, line in enumerate(content, start=1) if line.strip()]
        plain = [(number, words) for number, words in lines if not words[0].startswith("#")]
        text = _Text(file, name, plain, commented=len(plain) < len(lines))
        if not is_names(file, content):
            texts.append(text)
    return [text for text in texts if not text.is_list], [text for text in texts if text.is_list]


def _listed(lists: list[_Text], labelled: set[str], sizes: Sizes, report: Report) -> list[LabeledImage]:
    """Return the images that a list names and that have no file: nobody has said anything about them."""
    images: list[LabeledImage] = []
    for name in dict.fromkeys(" ".join(words) for text in lists for _, words in text.lines):
        parts = stem(name.replace("\\", "/")).split("/")
        if not any("/".join(parts[start:]) in labelled for start in range(len(parts))):
            try:
                images.append(checks.image(name, sizes(name), [], doubt=f"listed, but {TITLE} has no file for it"))
            except BadLabelError as error:
                report.refuse(str(error), checks.shown(name))
    return images


def _numbers(text: _Text) -> Iterator[list[float]]:
    """Give the numbers of each line that has only such."""
    for _, words in text.lines:
        with suppress(BadLabelError):
            yield [checks.number(word, "a number of a box") for word in words[1:]]


def _image(
    text: _Text, measured: tuple[int, int], classes: Classes, layouts: Layouts, report: Report
) -> LabeledImage | None:
    """Return an image, None where one of its lines is not understood."""
    boxes = []
    name = checks.shown(text.name)
    for number, words in text.lines:
        try:
            class_name = classes.name(checks.whole(words[0], "the class of a box"))
            values = [checks.number(word, "a number of a box") for word in words[1:]]
            box, layout = layouts.read(values, measured)
            boxes.append(checks.box(class_name, box.left, box.top, box.width, box.height))
            for lost in layout.lost:
                report.lose(lost, name)
        except BadLabelError as error:
            report.refuse(str(error), f"{name}, line {number}" if len(text.lines) > 1 else name)
            return None
    try:
        doubt = "no box, but its folder holds what a model has found, not what a person said" if layouts.scored else ""
        return checks.image(text.name, measured, boxes, also=[text.path], doubt=doubt)
    except BadLabelError as error:
        report.refuse(str(error), name)
        return None


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
