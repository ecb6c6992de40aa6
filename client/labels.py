"""Labels of other tools brought into the ledger, and Sightline's own written for them."""

import hashlib
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client import datasets, formats, pipeline
from client.formats import common
from client.formats.common import LabelBox, LabeledImage, LabelSet, Report
from client.target import Target
from sightline import names
from sightline.errors import SightlineError
from sightline.images.image import Image, ImageStatus

APPROVED = "approved"  # export's name for the approved images of the ledger
SPLIT = "labels"  # the one split that they are
HASH = re.compile(r"[0-9a-f]{64}")
ATTEMPTS = 20  # executions with the same labels
OPEN = (ImageStatus.NEW, ImageStatus.REJECTED)  # what a label may be brought for
WHY_NOT = {
    ImageStatus.CLAIMED: "the annotators have it at the moment",
    ImageStatus.APPROVED: "it has an approved label already",
    ImageStatus.QUARANTINED: "it is in quarantine",
    ImageStatus.REMOVED: "it was removed",
}

Annotations = list[dict[str, int]]  # an image's boxes in whole pixels, with the class ids of the stack


class LabelsError(SightlineError):
    """Labels that can't be brought in or written."""


# --------------------------------------------------------------------------------------------------------------- ledger
@dataclass
class Index:
    """The images of the ledger by content hash, object key, file name, and name without extension; a name may be of
    several.
    """

    by_id: dict[str, Image] = field(default_factory=dict)
    by_name: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, target: Target) -> "Index":
        index = cls()
        for status in ImageStatus:
            for image in pipeline.ledger(target).with_status(status):
                index.by_id[image.image_id] = image
                for key in {image.key, *image.keys}:
                    for name in _names(key):
                        index.by_name.setdefault(name, set()).add(image.image_id)
        return index

    def find(self, name: str, image_id: str = "") -> Image | None:
        """The image of a content hash, else of a name. Raises common.BadLabelError when several have it."""
        if image_id in self.by_id:
            return self.by_id[image_id]
        tail = name.rsplit("/", 1)[-1]
        if common.stem(tail) in self.by_id:  # as the images of a dataset version are named
            return self.by_id[common.stem(tail)]
        key = name.split("/", 3)[-1] if name.startswith("s3://") else name
        for candidate in (key, tail, common.stem(tail)):
            found = self.by_name.get(candidate, set())
            common.check(len(found) < 2, "several images have this name; name them by their folder too")
            if found:
                return self.by_id[next(iter(found))]
        return None


def _names(key: str) -> set[str]:
    """What a key may be called in a file of labels."""
    below = key.removeprefix(names.INCOMING)
    tail = key.rsplit("/", 1)[-1]
    return {key, below, common.stem(below), tail, common.stem(tail)}


def hashes_of(folder: Path) -> dict[str, str]:
    """The content hash of each file below `folder`, by its path in there and by its name, where that is the only
    one.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        for name in _names(path.relative_to(folder).as_posix()):
            found.setdefault(name, set()).add(digest)
    return {name: next(iter(digests)) for name, digests in found.items() if len(digests) == 1}


# --------------------------------------------------------------------------------------------------------------- import
def read(
    target: Target, name: str, path: Path, report: Report, beside: Path | None, classes: dict[str, str]
) -> list[dict[str, Any]]:
    """The labels of a file for images that may have one: `{"image_id", "annotations"}`, by content hash.

    `classes` maps classes of the file to those of the stack; to "" leaves their boxes out. Raises SightlineError.
    """
    index, hashes = Index.of(target), hashes_of(beside) if beside else {}
    known = pipeline.parameters(target)["Classes"].split(",")

    def find(image_name: str, image_id: str = "") -> Image | None:
        tail = image_name.rsplit("/", 1)[-1]
        return index.find(image_name, image_id or hashes.get(image_name) or hashes.get(tail, ""))

    def sizes(image_name: str) -> tuple[int, int] | None:
        found = find(image_name)
        return (found.width, found.height) if found and found.width else None

    labels = formats.read(name, path, report, sizes)
    numbers = class_numbers(labels, known, classes)
    given: dict[str, list[tuple[str, Annotations]]] = {}  # name in the file and boxes, by content hash
    for image in labels.images:
        try:
            found = find(image.name, image.image_id)
            image_id, annotations = _line(image, found, numbers, report)
            given.setdefault(image_id, []).append((image.name, annotations))
        except common.BadLabelError as error:
            report.refuse(str(error), common.shown(image.name))
    return [{"image_id": image_id, "annotations": label} for image_id, label in sorted(_agreed(given, report).items())]


def _agreed(given: dict[str, list[tuple[str, Annotations]]], report: Report) -> dict[str, Annotations]:
    """The label of each image that the file gives only one; of different ones none can be trusted more than the
    others.
    """
    agreed = {}
    for image_id, labels in given.items():
        if all(label == labels[0][1] for _, label in labels):
            agreed[image_id] = labels[0][1]
        else:
            for name, _ in labels:
                report.refuse("the file has different labels for it", common.shown(name))
    return agreed


def class_numbers(labels: LabelSet, known: list[str], given: dict[str, str]) -> dict[str, int | None]:
    """The stack's class id of each class with a box; None for those to leave out. Raises LabelsError naming the unknown
    ones.
    """
    used = sorted({box.class_name for image in labels.images for box in image.boxes})
    theirs = sorted({*used, *labels.classes})
    missing = [name for name in given if name not in theirs]
    if missing:
        raise LabelsError(
            f"--class names classes that the labels do not have: {', '.join(missing)}; they have "
            f"{', '.join(theirs[:20]) or 'none'}"
        )
    called = {name: given.get(name, name) for name in used}
    unknown = [name for name, ours in called.items() if ours and ours not in known]
    if unknown:
        raise LabelsError(
            f"classes that the stack does not have: {', '.join(unknown[:20])}; it has {', '.join(known)}. "
            f"Give --class {shlex.quote(f'{unknown[0]}={known[0]}')}, or --class {shlex.quote(f'{unknown[0]}=')} "
            "to leave its boxes out"
        )
    return {name: known.index(ours) if ours else None for name, ours in called.items()}


def _line(
    image: LabeledImage, found: Image | None, numbers: dict[str, int | None], report: Report
) -> tuple[str, Annotations]:
    """The image's content hash and its boxes in whole pixels inside it. Raises common.BadLabelError."""
    if found is None:
        raise common.BadLabelError("not in the ledger; upload it first")
    status = found.status
    if status not in OPEN:
        raise common.BadLabelError(WHY_NOT.get(status, f"its status is {status}"))
    size = (found.width, found.height)
    common.check(image.size in (None, size), f"the file says another size than the image has, {size[0]}×{size[1]}")
    annotations = []
    for box in image.boxes:
        number = numbers[box.class_name]
        if number is None:
            report.lose(f"boxes of the class {box.class_name}, as --class says", image.name)
            continue
        annotations.append({"class_id": number, **_pixels(box, size, image.name, report)})
    return found.image_id, annotations


def _pixels(box: LabelBox, size: tuple[int, int], name: str, report: Report) -> dict[str, int]:
    """A box in whole pixels inside the image. Raises common.BadLabelError when nothing of it is there."""
    edges = (box.left, box.top, box.left + box.width, box.top + box.height)
    if any(edge != round(edge) for edge in edges):
        report.lose("fractions of pixels (boxes are rounded)", name)
    left, top, right, bottom = (round(edge) for edge in edges)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    inside = (max(0, left), max(0, top), min(size[0], right), min(size[1], bottom))
    common.check(inside[0] < inside[2] and inside[1] < inside[3], "a box that lies outside the image")
    if inside != (left, top, right, bottom):
        report.lose("what sticks out of the image (boxes are clipped)", name)
    return {"left": inside[0], "top": inside[1], "width": inside[2] - inside[0], "height": inside[3] - inside[1]}


def bring(target: Target, lines: list[dict[str, Any]], *, approved: bool) -> list[str]:
    """Start `label_images` with labels, in parts of at most `MaxJobImages` images; answers the executions' ARNs.

    Each is named after its content: bringing the same again finds the execution that is there.
    """
    most = int(pipeline.parameters(target)["MaxJobImages"])
    executions = []
    for start in range(0, len(lines), most):
        body = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines[start : start + most]).encode()
        name = f"import-{'approved-' if approved else ''}{hashlib.sha256(body).hexdigest()[:16]}"
        key, bucket = names.imported_labels(name), target.outputs["ArtifactsBucketName"]
        target.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        executions.append(_start(target, name, {"labels_uri": f"s3://{bucket}/{key}", "approved": approved}))
    return executions


def _start(target: Target, name: str, request: dict[str, Any]) -> str:
    """The execution that brings these labels: the one that runs, or a new one where an earlier one has ended.

    What an earlier one recorded is approved now and not among the labels any more; so there is something to do.
    """
    states, machine = target.client("stepfunctions"), target.outputs["LabelImagesArn"]
    for attempt in range(1, ATTEMPTS + 1):
        full = name if attempt == 1 else f"{name}-{attempt}"
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{full}"
        try:
            states.start_execution(stateMachineArn=machine, name=full, input=json.dumps(request))
            return arn
        except states.exceptions.ExecutionAlreadyExists:
            if states.describe_execution(executionArn=arn)["status"] == "RUNNING":
                return arn
    raise LabelsError(f"these labels were brought {ATTEMPTS} times; see why in `sightline logs {name}`")


# --------------------------------------------------------------------------------------------------------------- export
def export(
    target: Target, version: str, name: str, folder: Path, report: Report, on_image: Callable[[], None] = lambda: None
) -> int:
    """Write the labels of a dataset version, or of the `approved` images, in a format; answers how many images."""
    splits = approved_labels(target) if version == APPROVED else _version(target, version)
    for labels in splits.values():
        for _ in labels.images:
            on_image()
    formats.write(name, splits, folder, report)
    return sum(len(labels.images) for labels in splits.values())


def _version(target: Target, version: str) -> dict[str, LabelSet]:
    described = datasets.show(target, version)
    found = datasets.records(target, described["version"])
    return {split: datasets.as_labels(entries, described["class_map"]) for split, entries in found.items()}


def approved_labels(target: Target) -> dict[str, LabelSet]:
    """The approved images under the names that they were uploaded with."""
    classes = pipeline.parameters(target)["Classes"].split(",")
    images = [_labeled(image, classes) for image in pipeline.ledger(target).with_status(ImageStatus.APPROVED)]
    return {SPLIT: LabelSet(classes, sorted(images, key=lambda image: image.name))}


def _labeled(image: Image, classes: list[str]) -> LabeledImage:
    boxes = [
        LabelBox(
            classes[box["class_id"]], *(float(edge) for edge in (box["left"], box["top"], box["width"], box["height"]))
        )
        for box in image.annotations or ()
    ]
    return LabeledImage(
        name=image.key.removeprefix(names.INCOMING),
        size=(image.width, image.height),
        boxes=tuple(boxes),
        image_id=image.image_id,
        group_id=image.group_id or "",
        job=(image.label_ref or "//").rsplit("/", 2)[-2],  # s3://…/labeling/<job>/output.manifest
        labeled_at=image.updated_at.isoformat()[:19],
        source=f"s3://{image.bucket}/{image.key}",
    )
