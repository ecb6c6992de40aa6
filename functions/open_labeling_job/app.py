"""Open a labelling job: one task for each image, answered by people over the labelling API.

Input:   {"job_id", "round", "images_uri", "task_token"}
Output:  none; the token is answered with {"job_id", "answers", "answers_uri"} when every task is answered
"""

import os

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline import names
from sightline.aws.objects import ObjectStore
from sightline.aws.tasks import Tasks

CLASSES = os.environ["CLASSES"].split(",")

logger = Logger()
tracer = Tracer()
artifacts = ObjectStore(os.environ["ARTIFACTS_BUCKET"])
tasks = Tasks(os.environ["TASKS_TABLE"], artifacts)


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> None:
    images = artifacts.read_lines(artifacts.key(event["images_uri"]))
    job = {
        "job_id": names.task_job(event["job_id"], "labeling", event["round"]),
        "kind": "labeling",
        "round": event["round"],
        "classes": CLASSES,
        "task_token": event["task_token"],
        "output_key": names.round_prefix(event["job_id"], event["round"]) + "labels.jsonl",
    }
    tasks.open_job(job, images)
    logger.info("labeling job opened", job_id=job["job_id"], tasks=len(images))
