"""Sightline's labels written for other tools."""

from collections.abc import Callable
from pathlib import Path

from client import datasets, formats, pipeline
from client.formats.label_set import LabelBox, LabeledImage, LabelSet
from client.formats.report import Report
from client.target import Target
from sightline import names
from sightline.images.image import Image, ImageStatus

APPROVED = "approved"  # export's name for the approved images of the ledger
SPLIT = "labels"  # the one split that they are


def export(
    target: Target, version: str, name: str, folder: Path, report: Report, on_image: Callable[[], None] = lambda: None
) -> int:
    """Write the labels of a dataset version, or of the `approved` images, in a format. Return how many images."""
    splits = approved_labels(target) if version == APPROVED else _version(target, version)
    for labels in splits.values():
        for _ in labels.images:
            on_image()
    formats.write(name, splits, folder, report)
    return sum(len(labels.images) for labels in splits.values())


def _version(target: Target, version: str) -> dict[str, LabelSet]:
    described = datasets.show(target, version)
    found = datasets.records(target, described["version"])
    called = names.called(datasets.paths_of(found), whole=True)
    return {split: datasets.as_labels(entries, described["class_map"], called) for split, entries in found.items()}


def approved_labels(target: Target) -> dict[str, LabelSet]:
    """Return the approved images under the names that they were uploaded with."""
    classes = pipeline.classes(target)
    images = [_labeled(image, classes) for image in pipeline.ledger(target).with_status(ImageStatus.APPROVED)]
    return {SPLIT: LabelSet(classes, sorted(images, key=lambda image: image.name))}


def _labeled(image: Image, classes: list[str]) -> LabeledImage:
    return LabeledImage(
        name=image.key.removeprefix(names.INCOMING),
        size=(image.width, image.height),
        boxes=tuple(LabelBox.of(box, classes[box["class_id"]]) for box in image.annotations or ()),
        image_id=image.image_id,
        group_id=image.group_id or "",
        job=(image.label_ref or "//").rsplit("/", 2)[-2],  # s3://…/labeling/<job>/output.manifest
        labeled_at=image.updated_at.isoformat()[:19],
        source=f"s3://{image.bucket}/{image.key}",
    )
