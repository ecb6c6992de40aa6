"""Label files of other tools: one module for a format, and reading and writing by the name of one."""

from pathlib import Path

from client.formats import coco, ground_truth, label_studio, voc, yolo
from client.formats.common import InvalidLabelsError, LabelSet, Report, Sizes, report_lost

FORMATS = {module.NAME: module for module in (coco, yolo, voc, ground_truth, label_studio)}


def read(name: str, path: Path, report: Report, sizes: Sizes = lambda _: None) -> LabelSet:
    """Read labels in the format `name` from a file or a folder. Raises InvalidLabelsError."""
    return FORMATS[name].read(path, report, sizes)


def write(name: str, splits: dict[str, LabelSet], folder: Path, report: Report) -> list[Path]:
    """Write each split's labels into a new or empty folder, in the format `name`; answers the files."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidLabelsError(f"{folder} is not an empty folder; give a new one")
    module = FORMATS[name]
    for labels in splits.values():
        report_lost(labels, module.SAYS, module.TITLE, report)
    return module.write(splits, folder, report)
