"""SageMaker Ground Truth as the people behind a labelling round: its task functions, its manifests, and what they say.

Both kinds of jobs take an input manifest of one line for an image and give an output manifest of the same lines with
their attribute added: `defects` (boxes) or `verdict` (approved or rejected). Lines carry `image-id`, by which they are
known again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NotRequired, TypedDict, TypeVar

from sightline.errors import SightlineError
from sightline.fields import Fields, InvalidFieldError
from sightline.images.box import Box
from sightline.labelling.answer_checks import MAX_REASON, InvalidAnswerError, check_annotations
from sightline.labelling.lines import AskedImage, ImageLine, LabelRecord, LabelVerdict, VerdictLine
from sightline.names import LABEL_ATTRIBUTE
from sightline.vision.shown_size import shown_size

VERDICT_ATTRIBUTE = "verdict"
WORKER = "ground-truth"  # who answered, as labels and verdicts name it
MAX_WORKERS = 9
Line = TypeVar("Line", bound=ImageLine)


class Verdict(StrEnum):
    """The words that workers may say of a label."""

    APPROVED = "approved"
    REJECTED = "rejected"


class TaskType(StrEnum):
    """Ground Truth's names of what workers do."""

    BOUNDING_BOX = "BoundingBox"
    VERIFICATION = "VerificationBoundingBox"


# The AWS accounts that hold Ground Truth's own task functions, by region.
# Source: SageMaker API reference, HumanTaskConfig (PreHumanTaskLambdaArn) and AnnotationConsolidationConfig. The same
# text is in botocore's service model, which tests/contracts/test_ground_truth.py compares with.
TASK_ACCOUNTS = {
    "ap-northeast-1": "477331159723",
    "ap-northeast-2": "845288260483",
    "ap-south-1": "565803892007",
    "ap-southeast-1": "377565633583",
    "ap-southeast-2": "454466003867",
    "ca-central-1": "918755190332",
    "eu-central-1": "203001061592",
    "eu-west-1": "568282634449",
    "eu-west-2": "487402164563",
    "us-east-1": "432418664414",
    "us-east-2": "266458841044",
    "us-west-2": "081040173940",
}
PUBLIC_CROWD = ":workteam/public-crowd/"
# How long a task waits for a worker, in seconds. The public crowd allows 12 hours at most, own people 30 days.
AVAILABLE_TO_CROWD, AVAILABLE_TO_TEAM = 43_200, 604_800


class Amount(TypedDict):
    """A price in dollars, as SageMaker takes it apart."""

    Dollars: int
    Cents: int
    TenthFractionsOfACent: int


class HumanTaskConfig(TypedDict):
    """CreateLabelingJob's HumanTaskConfig. Times in seconds."""

    WorkteamArn: str
    UiConfig: dict[str, str]
    PreHumanTaskLambdaArn: str
    AnnotationConsolidationConfig: dict[str, str]
    TaskTitle: str
    TaskDescription: str
    TaskKeywords: list[str]
    NumberOfHumanWorkersPerDataObject: int
    TaskTimeLimitInSeconds: int
    TaskAvailabilityLifetimeInSeconds: int
    MaxConcurrentTaskCount: int
    PublicWorkforceTaskPrice: NotRequired[dict[str, Amount]]


class GroundTruthError(SightlineError):
    """A job that Ground Truth can't do here, or an answer that it did not give."""


def human_task_config(
    kind: TaskType,
    *,
    region: str,
    workteam: str,
    template_uri: str,
    title: str,
    workers: int,
    public_price_tenth_cents: int,
) -> HumanTaskConfig:
    """Return CreateLabelingJob's HumanTaskConfig.

    Raise GroundTruthError where Ground Truth has no functions, without a work team, and for the public crowd unless a
    price was set for it: images of a production line are never shown to strangers by mistake.
    """
    account = TASK_ACCOUNTS.get(region)
    if account is None:
        raise GroundTruthError(
            f"Ground Truth's task functions in {region} are not known; use LabelingBackend=console, or one of "
            f"{', '.join(TASK_ACCOUNTS)}"
        )
    if not workteam:
        raise GroundTruthError("LabelingBackend=ground-truth needs a work team; set the parameter WorkteamArn")
    if PUBLIC_CROWD in workteam and public_price_tenth_cents < 1:
        raise GroundTruthError(
            "WorkteamArn is the public crowd, which anybody may join; set PublicCrowdPrice too if strangers may see "
            "the images"
        )
    function = f"arn:aws:lambda:{region}:{account}:function:"
    config: HumanTaskConfig = {
        "WorkteamArn": workteam,
        "UiConfig": {"UiTemplateS3Uri": template_uri},
        "PreHumanTaskLambdaArn": f"{function}PRE-{kind}",
        "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": f"{function}ACS-{kind}"},
        "TaskTitle": title,
        "TaskDescription": title,
        "TaskKeywords": ["images", "defects"],
        "NumberOfHumanWorkersPerDataObject": min(MAX_WORKERS, workers),
        "TaskTimeLimitInSeconds": 3600,
        "TaskAvailabilityLifetimeInSeconds": AVAILABLE_TO_CROWD if PUBLIC_CROWD in workteam else AVAILABLE_TO_TEAM,
        "MaxConcurrentTaskCount": 1000,
    }
    if PUBLIC_CROWD in workteam:
        dollars, rest = divmod(public_price_tenth_cents, 1000)
        cents, tenths = divmod(rest, 10)
        config["PublicWorkforceTaskPrice"] = {
            "AmountInUsd": {"Dollars": dollars, "Cents": cents, "TenthFractionsOfACent": tenths}
        }
    return config


def categories(words: Sequence[str]) -> dict[str, object]:
    """Return the file that says which labels workers may give."""
    return {"document-version": "2018-11-28", "labels": [{"label": word} for word in words]}


def to_label(image: ImageLine) -> dict[str, object]:
    """Return the input line of an image that is to be labelled: workers see what the page would show."""
    key = image.get("rendition") or image["key"]
    return {"source-ref": f"s3://{image['bucket']}/{key}", "image-id": image["image_id"]}


def to_verify(label: LabelRecord, classes: Sequence[str]) -> dict[str, object]:
    """Return the input line of a labelled image; its template shows the boxes of `defects`."""
    width, height = _seen_size(label)
    across, down = width / label["width"], height / label["height"]
    return {
        **to_label(label),
        LABEL_ATTRIBUTE: {
            "image_size": [{"width": width, "height": height, "depth": 3}],
            "annotations": [_scaled(box, across, down, width, height) for box in label["annotations"]],
        },
        f"{LABEL_ATTRIBUTE}-metadata": {
            "class-map": {str(number): name for number, name in enumerate(classes)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
        },
    }


def labels(
    images: Sequence[AskedImage],
    output: Sequence[object],
    classes: Sequence[str],
    left_out: Callable[[str, str], None],
) -> list[LabelRecord]:
    """Return the labels in an output manifest. `left_out` is told the image id and why of each that can't be one."""
    found: list[LabelRecord] = []
    for image, line in _by_image(images, output):
        width, height = _seen_size(image)
        try:
            boxes = check_annotations(boxes_of(line, classes), width=width, height=height, classes=len(classes))
        except (GroundTruthError, InvalidAnswerError) as error:
            left_out(image["image_id"], str(error))
            continue
        own = (image["width"], image["height"])
        found.append(_labeled(image, [_scaled(box, own[0] / width, own[1] / height, *own) for box in boxes]))
    return found


def _seen_size(image: ImageLine) -> tuple[int, int]:
    """Return the width and height in which workers see an image: a huge one is smaller in its rendition."""
    own = image["width"], image["height"]
    return shown_size(*own) if image.get("rendition") else own


def _scaled(box: Box, across: float, down: float, width: int, height: int) -> Box:
    """Return a box of one size of an image in another one, which has `width` × `height` pixels."""
    if across == down == 1:
        return box
    left, top = min(round(box["left"] * across), width - 1), min(round(box["top"] * down), height - 1)
    wide = max(1, min(round(box["width"] * across), width - left))
    high = max(1, min(round(box["height"] * down), height - top))
    return {**box, "left": left, "top": top, "width": wide, "height": high}


def verdicts(
    labels: Sequence[LabelRecord], output: Sequence[object], left_out: Callable[[str, str], None]
) -> list[VerdictLine]:
    """Return the verdicts in an output manifest. `left_out` is told the image id and why of each label without one."""
    found: list[VerdictLine] = []
    for label, line in _by_image(labels, output):
        try:
            found.append({"image_id": label["image_id"], **verdict_of(line), "worker": WORKER})
        except GroundTruthError as error:
            left_out(label["image_id"], str(error))
    return found


def _labeled(image: AskedImage, boxes: list[Box]) -> LabelRecord:
    label: LabelRecord = {**image, "annotations": boxes, "worker": WORKER}  # type: ignore[typeddict-unknown-key]
    return label


def _by_image(images: Sequence[Line], output: Sequence[object]) -> Iterator[tuple[Line, Mapping[str, object]]]:
    """Return each image with its output line, in the order of the images.

    Lines of no image, and images without a line, are left out.
    """
    known = [line for line in output if isinstance(line, Mapping)]
    lines = {line.get("image-id"): line for line in known}
    return ((image, lines[image["image_id"]]) for image in images if image["image_id"] in lines)


def boxes_of(line: Mapping[str, object], classes: Sequence[str]) -> list[Mapping[str, object]]:
    """Return the boxes of an output line, with the stack's class ids, their edges not yet checked.

    Raise GroundTruthError saying why there are none.
    """
    try:
        fields = Fields(line, "in the output manifest")
        metadata = fields.fields(f"{LABEL_ATTRIBUTE}-metadata")
        if "failure-reason" in metadata.values or LABEL_ATTRIBUTE not in line:
            reason = str(metadata.values.get("failure-reason", "no label"))[:MAX_REASON]
            raise GroundTruthError(f"not labelled: {reason}")
        names = {int(number): name for number, name in metadata.mapping("class-map").items()}
        boxes = fields.mapping(LABEL_ATTRIBUTE)["annotations"]
        if not isinstance(boxes, list):
            raise fields.refuse(LABEL_ATTRIBUTE, "a label with a list of boxes")
        return [_own_class(Fields(box, "in the output manifest"), names, classes) for box in boxes]
    except (KeyError, ValueError, InvalidFieldError) as error:
        raise GroundTruthError(f"no label of these classes: {type(error).__name__}: {error!s:.100}") from error


def _own_class(box: Fields, names: Mapping[int, object], classes: Sequence[str]) -> Mapping[str, object]:
    own = list(classes).index(str(names[box.whole("class_id", 0)]))
    return {"class_id": own, **{edge: box.values[edge] for edge in ("left", "top", "width", "height")}}


def verdict_of(line: Mapping[str, object]) -> LabelVerdict:
    """Return the verdict of an output line, a rejection with what the workers said. Raise GroundTruthError."""
    try:
        metadata = Fields(line, "in the output manifest").mapping(f"{VERDICT_ATTRIBUTE}-metadata")
    except InvalidFieldError as error:
        raise GroundTruthError(f"no verdict: {error}") from error
    said = metadata.get("class-name")
    if said == Verdict.APPROVED:
        return {"approved": True}
    if said != Verdict.REJECTED:
        raise GroundTruthError(f"no verdict: {str(metadata.get('failure-reason', said))[:MAX_REASON]}")
    feedback = metadata.get("worker-feedback", [])
    entries = [entry for entry in feedback if isinstance(entry, Mapping)] if isinstance(feedback, list) else []
    comments = Counter(str(entry.get("comment", "")).strip() for entry in entries)
    reason = "; ".join(comment for comment in comments if comment) or "rejected without a comment"
    return {"approved": False, "reason": reason[:MAX_REASON]}
