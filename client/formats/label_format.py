"""What a label format is: how its files are recognised, read and written, and what it can say."""

from pathlib import Path
from typing import Protocol

from client.formats.label_set import LabelSet, Sizes, used_classes
from client.formats.report import Report

# What a label can say beyond the name of the image and its boxes, as attributes of LabeledImage (or, last, of
# LabelSet).
ASPECTS = {
    "size": "the size of the image",
    "image_id": "the content hash of the image",
    "group_id": "the group of near-duplicates",
    "job": "the labelling job",
    "labeled_at": "the time of labelling",
    "classes": "classes without a box, and the order of classes",
}


class LabelFormat(Protocol):
    """A module of this folder for one format; the table `FORMATS` in `__init__.py` has all of them."""

    NAME: str  # the word for `--format`
    TITLE: str  # its name for people, used in messages
    FILES: str  # which files of a folder are read, as a pattern
    SAYS: frozenset[str]  # which of `ASPECTS` it can hold

    def read(self, path: Path, report: Report, sizes: Sizes, /) -> LabelSet:
        """Return the labels of a file or of a folder. Raise InvalidLabelsError when they are not of this format."""

    def write(self, splits: dict[str, LabelSet], folder: Path, report: Report, /) -> list[Path]:
        """Write each split's labels into a folder. Return the files."""


def report_lost(labels: LabelSet, into: LabelFormat, report: Report) -> None:
    """Report what the labels say and a format can't."""
    for aspect in [aspect for aspect in ASPECTS if aspect not in into.SAYS and aspect != "classes"]:
        for entry in labels.images:
            if getattr(entry, aspect):
                report.lose(f"{ASPECTS[aspect]}, for which {into.TITLE} has no place", entry.name)
    if "classes" not in into.SAYS:
        used = set(used_classes(labels.images))
        for name in labels.classes:
            if name not in used:
                report.lose(f"a class without a box, for which {into.TITLE} has no place", name)
