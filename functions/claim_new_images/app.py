"""Claim the images that are new, for this execution alone.

Input:   {"execution": name of the execution, "correlation_id"}
Output:  {"job_id", "images": how many, "images_uri": s3://…/images.jsonl of round 1, "round": 1}
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.images.ledger import Ledger
from sightline.runtime import Context, logger, step

MAX_JOB_IMAGES = int(os.environ["MAX_JOB_IMAGES"])

aws = Aws()
images = Ledger(aws, os.environ["IMAGES_TABLE"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class Request(TypedDict):
    execution: str
    correlation_id: str


class Claimed(TypedDict):
    job_id: str
    images: int
    images_uri: str
    round: int


@step
def handler(event: Request, context: Context) -> Claimed:
    job_id = names.short(event["execution"])
    claimed = images.claim(job_id, MAX_JOB_IMAGES, event["correlation_id"])
    lines = (image.line() for image in claimed)
    uri = artifacts.write_lines(names.round_prefix(job_id, 1) + "images.jsonl", lines)
    logger.info("images claimed", job_id=job_id, images=len(claimed))
    return {"job_id": job_id, "images": len(claimed), "images_uri": uri, "round": 1}
