"""Labels of other tools brought into the ledger: read for the images that may have one, and sent to `label_images`."""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from client import formats, pipeline
from client.formats.checks import BadLabelError, check, shown
from client.formats.label_set import LabelBox, LabeledImage, LabelSet, used_classes
from client.formats.report import Report
from client.labels.arrivals import await_recent
from client.labels.claimed import Claimed
from client.labels.index import Found, Index
from client.target import Target
from sightline import names
from sightline.errors import SightlineError
from sightline.images.box import Box
from sightline.images.image import Image, ImageStatus

ATTEMPTS = 20  # executions with the same labels
OPEN = (ImageStatus.NEW, ImageStatus.REJECTED)  # what a label may be brought for
WHY_NOT = {
    ImageStatus.APPROVED: "it has an approved label already",
    ImageStatus.QUARANTINED: "it is in quarantine",
    ImageStatus.REMOVED: "it was removed",
}


class ImageLabel(TypedDict):
    """The label of an image as it is sent: the boxes have the class ids of the stack."""

    image_id: str
    annotations: list[Box]


class LabelsError(SightlineError):
    """Labels that can't be brought in."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A label for an image of the ledger. Without a box a person has said "no defect" about the image."""

    image: Image
    name: str  # in the file of labels
    boxes: tuple[Box, ...]  # whole pixels inside the image, with the class ids of the stack


def lines_of(labels: Sequence[Matched]) -> list[ImageLabel]:
    return [{"image_id": one.image.image_id, "annotations": list(one.boxes)} for one in labels]


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a file for images that may have one, by content hash, and the classes of the stack."""

    matched: tuple[Matched, ...]
    classes: tuple[str, ...]

    @property
    def lines(self) -> list[ImageLabel]:
        return lines_of(self.matched)

    @property
    def with_boxes(self) -> int:
        return sum(bool(one.boxes) for one in self.matched)

    @property
    def taken(self) -> int:
        """How many images leave an open labelling job for it."""
        return sum(one.image.status is ImageStatus.CLAIMED for one in self.matched)

    @property
    def no_defect(self) -> int:
        return len(self.matched) - self.with_boxes


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A label that an image may get, and how surely the name in the file means the image."""

    label: Matched
    found: Found


def read(
    target: Target,
    name: str,
    path: Path,
    report: Report,
    beside: Path | None,
    classes: dict[str, str],
    *,
    empty_is_no_defect: bool = False,
) -> Labels:
    """Return the labels of a file for images that may have one.

    `classes` maps classes of the file to those of the stack; to "" leaves their boxes out. An image without a box of
    which the file leaves a doubt is refused, unless `empty_is_no_defect`. Raise SightlineError.
    """
    index = Index.of(target, beside)
    for key in await_recent(target, index):
        index.awaited.add(key, key)
    index.read_ledger(target)
    known, claimed = pipeline.classes(target), Claimed(target)

    def sizes(image_name: str) -> tuple[int, int] | None:
        found = index.find([image_name])
        return (found.image.width, found.image.height) if found and found.image.width else None

    labels = formats.read(name, path, report, sizes)
    numbers = class_numbers(labels, known, classes)
    given: dict[str, list[_Candidate]] = {}  # by content hash
    for image in labels.images:
        try:
            found = index.get([image.name, *image.also], image.image_id)
            label, doubt = _label(image, found, numbers, claimed, report)
            check(empty_is_no_defect or not doubt, f"{doubt}; --empty-is-no-defect takes it for “no defect”")
            given.setdefault(label.image.image_id, []).append(_Candidate(label, found))
        except BadLabelError as error:
            report.refuse(str(error), shown(image.name))
    return Labels(tuple(_agreed(given, report)), tuple(known))


def _agreed(given: dict[str, list[_Candidate]], report: Report) -> Iterator[Matched]:
    """Give the label of each image that the file gives only one.

    A name with a folder that the image's path does not have gives way to one with more of that path. Of different
    labels under equally good names none can be trusted more than the others.
    """
    for _, candidates in sorted(given.items()):
        most = max(one.found.parts for one in candidates)
        weak = [one.label for one in candidates if not one.found.whole and one.found.parts < most]
        best = [one.label for one in candidates if one.found.whole or one.found.parts == most]
        for label in weak:
            report.refuse("its name fits only an image that the file names more exactly elsewhere", shown(label.name))
        if all(label.boxes == best[0].boxes for label in best):
            yield best[0]
        else:
            for label in best:
                report.refuse("the file has different labels for it", shown(label.name))


def class_numbers(labels: LabelSet, known: list[str], given: dict[str, str]) -> dict[str, int | None]:
    """Return the stack's class id of each class with a box; None for those to leave out.

    Raise LabelsError naming the classes that the stack or the file does not have.
    """
    used = used_classes(labels.images)
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


def _label(
    image: LabeledImage, found: Found, numbers: dict[str, int | None], claimed: Claimed, report: Report
) -> tuple[Matched, str]:
    """Return the image's label, and why it may have a defect though it has no box. Raise BadLabelError."""
    status = found.image.status
    if status is ImageStatus.CLAIMED:
        claimed.check_free(found.image)
    elif status not in OPEN:
        raise BadLabelError(WHY_NOT.get(status, f"its status is {status}"))
    size = (found.image.width, found.image.height)
    check(image.size in (None, size), f"the file says another size than the image has, {size[0]}×{size[1]}")
    if found.parts == 1 and not found.whole and "/" in found.image.key.removeprefix(names.INCOMING):
        report.lose("the folder in a name (the ledger has its image in another one)", shown(image.name))
    boxes: list[Box] = []
    for box in image.boxes:
        number = numbers[box.class_name]
        if number is None:
            report.lose(f"boxes of the class {box.class_name}, as --class says", image.name)
            continue
        pixels = _pixels(box, number, size, image.name, report)
        if pixels in boxes:
            report.lose("the same box twice", image.name)
        else:
            boxes.append(pixels)
    dropped = "only boxes of classes that --class leaves out" if image.boxes and not boxes else ""
    return Matched(found.image, image.name, tuple(boxes)), image.doubt or dropped


def _pixels(box: LabelBox, class_id: int, size: tuple[int, int], name: str, report: Report) -> Box:
    """Return a box in whole pixels inside the image. Raise BadLabelError when nothing of it is there."""
    edges = (box.left, box.top, box.left + box.width, box.top + box.height)
    if any(edge != round(edge) for edge in edges):
        report.lose("fractions of pixels (boxes are rounded)", name)
    left, top, right, bottom = (round(edge) for edge in edges)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    inside = (max(0, left), max(0, top), min(size[0], right), min(size[1], bottom))
    check(inside[0] < inside[2] and inside[1] < inside[3], "a box that lies outside the image")
    if inside != (left, top, right, bottom):
        report.lose("what sticks out of the image (boxes are clipped)", name)
    return {
        "class_id": class_id,
        "left": inside[0],
        "top": inside[1],
        "width": inside[2] - inside[0],
        "height": inside[3] - inside[1],
    }


def bring(target: Target, lines: Sequence[ImageLabel], *, approved: bool) -> list[str]:
    """Start `label_images` with labels, in parts of at most `MaxJobImages` images. Return the executions' ARNs.

    Each is named after its content: bringing the same again finds the execution that is there.
    """
    most = int(pipeline.parameters(target)["MaxJobImages"])
    executions = []
    for start in range(0, len(lines), most):
        body = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines[start : start + most]).encode()
        name = f"import-{'approved-' if approved else ''}{hashlib.sha256(body).hexdigest()[:16]}"
        key, bucket = names.imported_labels(name), target.outputs["ArtifactsBucketName"]
        target.aws.s3.put_object(Bucket=bucket, Key=key, Body=body)
        executions.append(_start(target, name, {"labels_uri": f"s3://{bucket}/{key}", "approved": approved}))
    return executions


def _start(target: Target, name: str, request: Mapping[str, object]) -> str:
    """Return the execution that brings these labels: the one that runs, or a new one where an earlier one has ended.

    What an earlier one recorded is approved now and not among the labels any more; so there is something to do.
    """
    states, machine = target.aws.step_functions, target.outputs["LabelImagesArn"]
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
