"""Claim the images that are new, for this execution alone.

Input:   {"execution": name of the execution}
Output:  {"job_id", "images": how many, "images_uri": s3://…/images.jsonl of round 1, "round": 1}
"""

import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.images.ledger import Ledger

MAX_JOB_IMAGES = int(os.environ["MAX_JOB_IMAGES"])

logger = Logger()
aws = Aws()
images = Ledger(aws, os.environ["IMAGES_TABLE"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    job_id = names.short(event["execution"])
    claimed = images.claim(job_id, MAX_JOB_IMAGES)
    lines = (image.line() for image in claimed)
    uri = artifacts.write_lines(names.round_prefix(job_id, 1) + "images.jsonl", lines)
    logger.info("images claimed", job_id=job_id, images=len(claimed))
    return {"job_id": job_id, "images": len(claimed), "images_uri": uri, "round": 1}
