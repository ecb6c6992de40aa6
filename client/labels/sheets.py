"""The contact sheet of labels that are about to be imported: photos from the bucket, with the boxes on them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError

from client.formats.report import Report
from client.labels.importing import Labels, LabelsError, Matched
from client.target import Target
from reporting import contact_sheet
from reporting.contact_sheet import Shown
from sightline import names
from sightline.aws.objects import ObjectStore

WITH_BOXES, WITHOUT = 96, 24  # photos on a sheet
READERS = 4  # photos in memory at once


def photos(labels: Labels) -> int:
    """Return how many photos a sheet shows."""
    return len(_shown(labels))


def write(
    target: Target, labels: Labels, report: Report, source: Path, path: Path, on_photo: Callable[[], object]
) -> None:
    """Write the sheet of the labels from `source` as one HTML file. Raise LabelsError when it can't be written."""

    def one(label: Matched) -> Shown:
        shown = _draw(target, label, labels.classes)
        on_photo()
        return shown

    with ThreadPoolExecutor(READERS) as pool:
        drawn = list(pool.map(one, _shown(labels)))
    page = contact_sheet.render(
        contact_sheet.Sheet(
            source=source.name,
            classes=labels.classes,
            boxes=[label.boxes for label in labels.matched if label.boxes],
            no_defect=labels.no_defect,
            left_out=report.left_out,
            notes=report.lines(),
            photos=drawn,
        )
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise LabelsError(f"{path} can't be written: {error.strerror}; give another --sheet") from error


def _shown(labels: Labels) -> list[Matched]:
    with_boxes = [label for label in labels.matched if label.boxes]
    first: dict[int, Matched] = {}  # of each class
    for label in with_boxes:
        for box in label.boxes:
            first.setdefault(box["class_id"], label)
    chosen = {label.image.image_id: label for label in first.values()}
    chosen |= {label.image.image_id: label for label in _spread(with_boxes, WITH_BOXES - len(chosen))}
    without = [label for label in labels.matched if not label.boxes]
    return [*chosen.values(), *_spread(without, WITHOUT)]


def _spread(labels: Sequence[Matched], most: int) -> Sequence[Matched]:
    """Return at most so many, from all over the list."""
    if len(labels) <= most:
        return labels
    return [labels[number * len(labels) // most] for number in range(most)]


def _draw(target: Target, label: Matched, classes: Sequence[str]) -> Shown:
    image = label.image
    size, key = (image.width, image.height), image.key.removeprefix(names.INCOMING)
    try:
        body = ObjectStore(target.aws, image.bucket).read(image.key)
    except ClientError as error:  # one photo that can't be read must not cost the sheet of all others
        return Shown(label.name, key, size, label.boxes, problem=error.response["Error"]["Code"])
    return contact_sheet.drawn(label.name, key, size, label.boxes, classes, body)
