"""SageMaker Ground Truth as the people behind a labelling round: its task functions, its manifests, and what they say.

Both kinds of jobs take an input manifest of one line for an image and give an output manifest of the same lines with
their attribute added: `defects` (boxes) or `verdict` (approved or rejected). Lines carry `image-id`, by which they are
known again.
"""

from collections import Counter
from typing import Any

from sightline.errors import SightlineError
from sightline.labelling.labels import MAX_REASON
from sightline.names import LABEL_ATTRIBUTE

VERDICT_ATTRIBUTE = "verdict"
VERDICTS = ("approved", "rejected")
BOUNDING_BOX = "BoundingBox"
VERIFICATION = "VerificationBoundingBox"
MAX_WORKERS = 9

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


class GroundTruthError(SightlineError):
    """A job that Ground Truth can't do here, or an answer that it did not give."""


def human_task_config(
    kind: str, *, region: str, workteam: str, template_uri: str, title: str, workers: int, public_price_tenth_cents: int
) -> dict[str, Any]:
    """CreateLabelingJob's HumanTaskConfig for `kind` (BOUNDING_BOX or VERIFICATION).

    Raises GroundTruthError where Ground Truth has no functions, without a work team, and for the public crowd unless a
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
    config: dict[str, Any] = {
        "WorkteamArn": workteam,
        "UiConfig": {"UiTemplateS3Uri": template_uri},
        "PreHumanTaskLambdaArn": f"{function}PRE-{kind}",
        "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": f"{function}ACS-{kind}"},
        "TaskTitle": title,
        "TaskDescription": title,
        "TaskKeywords": ["images", "defects"],
        "NumberOfHumanWorkersPerDataObject": min(MAX_WORKERS, workers),
        "TaskTimeLimitInSeconds": 3600,
        "TaskAvailabilityLifetimeInSeconds": 604800,
        "MaxConcurrentTaskCount": 1000,
    }
    if PUBLIC_CROWD in workteam:
        dollars, rest = divmod(public_price_tenth_cents, 1000)
        cents, tenths = divmod(rest, 10)
        config["PublicWorkforceTaskPrice"] = {
            "AmountInUsd": {"Dollars": dollars, "Cents": cents, "TenthFractionsOfACent": tenths}
        }
    return config


def categories(names: list[str]) -> dict[str, Any]:
    """The file that says which labels workers may give."""
    return {"document-version": "2018-11-28", "labels": [{"label": name} for name in names]}


def to_label(image: dict[str, Any]) -> dict[str, Any]:
    """The input line of an image (`image_id, bucket, key`) that is to be labelled."""
    return {"source-ref": f"s3://{image['bucket']}/{image['key']}", "image-id": image["image_id"]}


def to_verify(label: dict[str, Any], classes: list[str]) -> dict[str, Any]:
    """The input line of a labelled image; its template shows the boxes of `defects`."""
    return {
        **to_label(label),
        LABEL_ATTRIBUTE: {
            "image_size": [{"width": label["width"], "height": label["height"], "depth": 3}],
            "annotations": label["annotations"],
        },
        f"{LABEL_ATTRIBUTE}-metadata": {
            "class-map": {str(number): name for number, name in enumerate(classes)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
        },
    }


def by_image(images: list[dict[str, Any]], output: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each image with its output line, in the order of the images. Lines of no image, and images without a line, are
    left out.
    """
    lines = {line.get("image-id"): line for line in output}
    return [(image, lines[image["image_id"]]) for image in images if image["image_id"] in lines]


def annotations(line: dict[str, Any], classes: list[str]) -> list[dict[str, Any]]:
    """The boxes of an output line, with the stack's class ids. Raises GroundTruthError saying why there are none."""
    metadata = line.get(f"{LABEL_ATTRIBUTE}-metadata", {})
    if "failure-reason" in metadata or LABEL_ATTRIBUTE not in line:
        raise GroundTruthError(f"not labelled: {str(metadata.get('failure-reason', 'no label'))[:MAX_REASON]}")
    try:
        names = {int(number): name for number, name in metadata["class-map"].items()}
        fields = ("left", "top", "width", "height")
        return [
            {"class_id": classes.index(names[box["class_id"]]), **{field: box[field] for field in fields}}
            for box in line[LABEL_ATTRIBUTE]["annotations"]
        ]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise GroundTruthError(f"no label of these classes: {type(error).__name__}: {error!s:.100}") from error


def verdict(line: dict[str, Any]) -> dict[str, Any]:
    """`{"approved": true}`, or `{"approved": false, "reason"}` with what the workers said. Raises GroundTruthError."""
    metadata = line.get(f"{VERDICT_ATTRIBUTE}-metadata", {})
    said = metadata.get("class-name")
    if said not in VERDICTS:
        raise GroundTruthError(f"no verdict: {str(metadata.get('failure-reason', said))[:MAX_REASON]}")
    if said == "approved":
        return {"approved": True}
    comments = Counter(str(entry.get("comment", "")).strip() for entry in metadata.get("worker-feedback", []))
    reason = "; ".join(comment for comment in comments if comment) or "rejected without a comment"
    return {"approved": False, "reason": reason[:MAX_REASON]}
