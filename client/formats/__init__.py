"""Label files of other tools: the table of the formats, and reading and writing by the name of one."""

from pathlib import Path

from client.formats import coco, cvat, ground_truth, label_studio, voc, yolo
from client.formats.checks import InvalidLabelsError
from client.formats.label_format import LabelFormat, report_lost
from client.formats.label_set import LabelSet, Sizes
from client.formats.report import Report

FORMATS: dict[str, LabelFormat] = {
    coco.NAME: coco,
    yolo.NAME: yolo,
    voc.NAME: voc,
    cvat.NAME: cvat,
    ground_truth.NAME: ground_truth,
    label_studio.NAME: label_studio,
}


def read(name: str, path: Path, report: Report, sizes: Sizes = lambda _: None) -> LabelSet:
    """Read labels in the format `name` from a file or a folder. Raise InvalidLabelsError."""
    return FORMATS[name].read(path, report, sizes)


def write(name: str, splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write each split's labels into a new or empty folder, in the format `name`. Return the files."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidLabelsError(f"{folder} is not an empty folder; give a new one")
    for labels in splits.values():
        report_lost(labels, FORMATS[name], report)
    return FORMATS[name].write(splits, folder, report)
