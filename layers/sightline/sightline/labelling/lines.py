"""The lines of a round's files, one for each image: what is asked, labelled, skipped and said of labels.

images.jsonl holds `AskedImage`, labels.jsonl `LabelRecord`, skipped.jsonl `SkippedImage`, verdicts.jsonl `VerdictLine`
and rejected.jsonl `RejectedLabel`. A line keeps fields that this version does not know: they are for later steps.
"""

from collections.abc import Iterable, Iterator
from typing import NotRequired, TypedDict, cast, final

from sightline.fields import Fields, InvalidFieldError
from sightline.images.box import Box


class Proposal(Box):
    """A box that the model in service proposes."""

    score: float  # 0..1, four digits


class Answer(TypedDict, total=False):
    """What a person says of an image: a label, a skip, or a verdict on a label.

    A label has `annotations`, an empty list says "no defect". A skip has `skip`. A verdict has `approved`, with
    corrected `annotations` if any, or with the `reason` of a rejection.
    """

    annotations: list[Box]
    skip: str  # why the image can't be labelled, 1 to 500 characters
    approved: bool
    reason: str  # what to mend, 1 to 500 characters


class GivenAnswer(Answer):
    """An answer and who gave it."""

    worker: NotRequired[str]


class ImageLine(TypedDict):
    """The image of a line."""

    image_id: str
    bucket: str
    key: str
    width: int  # pixels
    height: int  # pixels
    version_id: NotRequired[str | None]
    format: NotRequired[str]  # `jpeg`, `png`, …
    rendition: NotRequired[str | None]  # the key of what the page shows, where that is not the image itself
    group_id: NotRequired[str | None]  # near-duplicates, once known
    earlier_job: NotRequired[str]  # the labelling that had it before and ended early: answers given in it count


class AskedImage(ImageLine):
    """An image that people label, or whose label they verify."""

    annotations: NotRequired[list[Box] | None]  # its last label, or the one to verify
    reason: NotRequired[str | None]  # why the image came back
    proposals: NotRequired[list[Proposal]]
    uncertainty: NotRequired[float]  # 0..1, how unsure the model in service is
    rank: NotRequired[int]  # 0..1,000,000: the lowest comes first
    annotated_by: NotRequired[list[str]]
    agreement: NotRequired[float | None]  # 0..1


class LabelRecord(ImageLine):
    """The label of an image as a round gives it."""

    annotations: list[Box]
    annotated_by: NotRequired[list[str]]
    agreement: NotRequired[float | None]  # 0..1, None for a single annotator
    worker: NotRequired[str]  # `import` or `ground-truth` where no person of the page labelled it


@final
class SkippedImage(ImageLine):
    """An image that most of its annotators could not label."""

    skip: str  # why
    annotations: NotRequired[list[Box] | None]  # its last label
    annotated_by: NotRequired[list[str]]


@final
class RejectedLabel(LabelRecord):
    """A label that was refused."""

    reason: str


class LabelVerdict(TypedDict):
    """What a verifier says of a label."""

    approved: bool
    annotations: NotRequired[list[Box]]  # corrected
    reason: NotRequired[str]  # of a rejection
    worker: NotRequired[str]


class VerdictLine(LabelVerdict):
    """A verdict on the label of an image."""

    image_id: str


def _image(value: object, file: str) -> Fields:
    fields = Fields(value, f"in a line of {file}")
    where = f"in the line of image {fields.text('image_id')!r:.80} in {file}"
    fields = Fields(value, where)
    fields.text("bucket")
    fields.text("key")
    fields.whole("width", 1)
    fields.whole("height", 1)
    return fields


def _check_boxes(fields: Fields) -> None:
    if not isinstance(fields.values.get("annotations"), list):
        raise fields.refuse("annotations", "a list of boxes")


def asked_image(value: object) -> AskedImage:
    """Return a line of images.jsonl. Raise InvalidFieldError naming the field, its value and what it should be."""
    fields = _image(value, "images.jsonl")
    fields.number("uncertainty", 0, 1, default=0)
    fields.number("agreement", 0, 1, default=0)
    fields.whole("rank", 0, default=0)
    if fields.values.get("annotations") is not None:
        _check_boxes(fields)
    return cast(AskedImage, value)


def label_record(value: object) -> LabelRecord:
    """Return a line of labels.jsonl or approved.jsonl. Raise InvalidFieldError."""
    fields = _image(value, "labels.jsonl")
    _check_boxes(fields)
    fields.number("agreement", 0, 1, default=0)
    return cast(LabelRecord, value)


def rejected_label(value: object) -> RejectedLabel:
    """Return a line of rejected.jsonl. Raise InvalidFieldError."""
    fields = _image(value, "rejected.jsonl")
    _check_boxes(fields)
    fields.text("reason")
    return cast(RejectedLabel, value)


def skipped_image(value: object) -> SkippedImage:
    """Return a line of skipped.jsonl. Raise InvalidFieldError."""
    _image(value, "skipped.jsonl").text("skip")
    return cast(SkippedImage, value)


def verdict_line(value: object) -> VerdictLine:
    """Return a line of verdicts.jsonl. Raise InvalidFieldError."""
    fields = Fields(value, "in a line of verdicts.jsonl")
    fields.text("image_id")
    if not fields.flag("approved"):
        fields.text("reason")
    return cast(VerdictLine, value)


def imported_labels(values: Iterable[object]) -> Iterator[tuple[str, object]]:
    """Return the image ids of brought labels, each with its boxes as they were sent: they are checked one by one."""
    for value in values:
        fields = Fields(value, "in a line of brought labels")
        if "annotations" not in fields.values:
            raise InvalidFieldError(f"annotations must be a list of boxes, got nothing {fields.where}")
        yield fields.text("image_id"), fields.values["annotations"]
