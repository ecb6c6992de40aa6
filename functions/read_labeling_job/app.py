"""Read what a Ground Truth job labelled, as a round's labels.

Input:   {"job_id", "round", "images_uri", "output_uri": the job's output manifest}
Output:  {"labels_uri": s3://…/labels.jsonl, "labels": how many}
Errors:  NothingLabeledError. An image without a usable label is left out and logged: it is given back at the end.
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.errors import SightlineError
from sightline.labelling import ground_truth
from sightline.labelling.lines import asked_image
from sightline.runtime import Context, logger, step

CLASSES = os.environ["CLASSES"].split(",")

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class NothingLabeledError(SightlineError):
    """Ground Truth gave no label at all."""


class Request(TypedDict):
    job_id: str
    round: int
    images_uri: str
    output_uri: str  # the job's output manifest


class ReadLabels(TypedDict):
    labels_uri: str
    labels: int


def left_out(image_id: str, reason: str) -> None:
    logger.warning("label left out", image_id=image_id, reason=reason)


@step
def handler(event: Request, context: Context) -> ReadLabels:
    images = [asked_image(line) for line in artifacts.read_lines(artifacts.key(event["images_uri"]))]
    output = artifacts.read_lines(artifacts.key(event["output_uri"]))
    lines = ground_truth.labels(images, output, CLASSES, left_out)
    if not lines:
        raise NothingLabeledError(
            f"none of {len(images)} images has a label in {event['output_uri']}; see the work team"
        )
    uri = artifacts.write_lines(names.round_prefix(event["job_id"], event["round"]) + "labels.jsonl", lines)
    logger.info("labels read", job_id=event["job_id"], labels=len(lines), left_out=len(images) - len(lines))
    return {"labels_uri": uri, "labels": len(lines)}
