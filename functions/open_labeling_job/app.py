"""Open a labelling job: one task for each image, answered by people over the labelling API.

Input:   {"job_id", "round", "images_uri", "task_token"}
Output:  none; the token is answered with {"job_id", "tasks"} when every task is answered
"""

import os
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling.jobs import Jobs
from sightline.labelling.lines import AskedImage, asked_image
from sightline.labelling.proposals import rank
from sightline.labelling.tasks import JobKind, NewJob
from sightline.runtime import Context, logger, step

ANNOTATORS = int(os.environ["ANNOTATORS_PER_IMAGE"])
CLASSES = os.environ["CLASSES"].split(",")

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
jobs = Jobs(aws, os.environ["TASKS_TABLE"])


class Request(TypedDict):
    job_id: str
    round: int
    images_uri: str
    task_token: str


def ranked(image: AskedImage) -> AskedImage:
    """The images of which a model is least sure come first, those of which none has said anything before them."""
    return {**image, "rank": rank(1 - image.get("uncertainty", 1))}


@step
def handler(event: Request, context: Context) -> None:
    job = NewJob.of_round(JobKind.LABELING, event, classes=CLASSES, annotators=ANNOTATORS)
    lines = artifacts.each_line(artifacts.key(event["images_uri"]))
    number = jobs.open(job, (ranked(asked_image(line)) for line in lines))
    logger.info("labeling job opened", job_id=job.job_id, tasks=number)
