"""Take labels that were made elsewhere: claim their images, and write the labels as a first round's.

Input:   {"execution": name of the execution, "correlation_id",
         "labels_uri": s3://…jsonl of {"image_id", "annotations"}, "approved": true when nobody is to verify them}
Output:  {"job_id", "images": how many were claimed, "labels_uri", "verdicts_uri": "" unless approved, "round": 1}
An image that waits in an open labelling job, and that nobody has begun to label there, leaves that job. One that is
not NEW or REJECTED otherwise, or whose boxes do not lie in it, is left out and logged.
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.errors import SightlineError
from sightline.images.image import Image
from sightline.images.ledger import Ledger
from sightline.labelling.answer_checks import InvalidAnswerError, check_annotations
from sightline.labelling.lines import LabelRecord, VerdictLine, imported_labels
from sightline.labelling.taking import Taking
from sightline.runtime import Context, logger, step

CLASSES = os.environ["CLASSES"].split(",")
MAX_JOB_IMAGES = int(os.environ["MAX_JOB_IMAGES"])

aws = Aws()
images = Ledger(aws, os.environ["IMAGES_TABLE"])
taking = Taking(aws, images, os.environ["TASKS_TABLE"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class TooManyLabelsError(SightlineError):
    """More labels than one execution takes."""


class Request(TypedDict):
    execution: str
    correlation_id: str
    labels_uri: str
    approved: bool  # nobody is to verify them


class ImportedLabels(TypedDict):
    job_id: str
    images: int
    labels_uri: str
    verdicts_uri: str
    round: int


def label(job_id: str, image: Image, annotations: object) -> LabelRecord | None:
    """The line of a claimed image's label; None, logged and the image given back, when its boxes can't be."""
    try:
        boxes = check_annotations(annotations, width=image.width, height=image.height, classes=len(CLASSES))
    except InvalidAnswerError as error:
        logger.warning("imported label left out", image_id=image.image_id, reason=str(error))
        images.give_back(image.image_id, job_id)
        return None
    return {
        "image_id": image.image_id,
        "bucket": image.bucket,
        "key": image.key,
        "version_id": image.version_id,
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "rendition": image.rendition,
        "annotations": boxes,
        "worker": "import",
    }


@step
def handler(event: Request, context: Context) -> ImportedLabels:
    job_id = names.short(event["execution"])
    given = dict(imported_labels(artifacts.read_lines(artifacts.key(event["labels_uri"]))))
    if len(given) > MAX_JOB_IMAGES:
        raise TooManyLabelsError(f"{len(given)} labels in {event['labels_uri']}; MaxJobImages allows {MAX_JOB_IMAGES}")
    claimed = images.claim_for_labels(job_id, sorted(given), event["correlation_id"])
    rest = sorted(given.keys() - {image.image_id for image in claimed})
    taken = taking.take(job_id, rest, event["correlation_id"])
    claimed = sorted([*claimed, *taken], key=lambda image: image.image_id)
    lines = [line for image in claimed if (line := label(job_id, image, given[image.image_id]))]
    prefix, verdicts_uri = names.round_prefix(job_id, 1), ""
    labels_uri = artifacts.write_lines(prefix + "labels.jsonl", lines)
    if event["approved"]:
        verdicts: list[VerdictLine] = [
            {"image_id": line["image_id"], "approved": True, "worker": "import"} for line in lines
        ]
        verdicts_uri = artifacts.write_lines(prefix + "verdicts.jsonl", verdicts)
    logger.info("labels imported", job_id=job_id, images=len(lines), taken=len(taken), left_out=len(given) - len(lines))
    return {
        "job_id": job_id,
        "images": len(lines),
        "labels_uri": labels_uri,
        "verdicts_uri": verdicts_uri,
        "round": 1,
    }
