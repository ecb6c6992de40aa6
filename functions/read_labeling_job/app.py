"""Read what a Ground Truth job labelled, as a round's labels.

Input:   {"job_id", "round", "images_uri", "output_uri": the job's output manifest}
Output:  {"labels_uri": s3://…/labels.jsonl, "labels": how many}
Errors:  NothingLabeledError. An image without a usable label is left out and logged: it is given back at the end.
"""

import os
from typing import Any

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.errors import SightlineError
from sightline.labelling import ground_truth, labels
from sightline.runtime import Context, logger, step

CLASSES = os.environ["CLASSES"].split(",")

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class NothingLabeledError(SightlineError):
    """Ground Truth gave no label at all."""


def label(image: dict[str, Any], line: dict[str, Any]) -> dict[str, Any] | None:
    """The image's label, None when there is none that can be."""
    try:
        given = ground_truth.annotations(line, CLASSES)
        boxes = labels.check_annotations(given, width=image["width"], height=image["height"], classes=len(CLASSES))
    except (ground_truth.GroundTruthError, labels.InvalidAnswerError) as error:
        logger.warning("label left out", image_id=image["image_id"], reason=str(error))
        return None
    return {**image, "annotations": boxes, "worker": "ground-truth"}


@step
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    images = artifacts.read_lines(artifacts.key(event["images_uri"]))
    output = artifacts.read_lines(artifacts.key(event["output_uri"]))
    lines = [found for image, line in ground_truth.by_image(images, output) if (found := label(image, line))]
    if not lines:
        raise NothingLabeledError(
            f"none of {len(images)} images has a label in {event['output_uri']}; see the work team"
        )
    uri = artifacts.write_lines(names.round_prefix(event["job_id"], event["round"]) + "labels.jsonl", lines)
    logger.info("labels read", job_id=event["job_id"], labels=len(lines), left_out=len(images) - len(lines))
    return {"labels_uri": uri, "labels": len(lines)}
