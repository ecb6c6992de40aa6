"""Open a verification job: one task for each labelled image, approved or rejected over the labelling API.

Input:   {"job_id", "round", "labels_uri", "task_token"}
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

VERIFIERS = 1  # people for each label
CLASSES = os.environ["CLASSES"].split(",")

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
jobs = Jobs(aws, os.environ["TASKS_TABLE"])


class Request(TypedDict):
    job_id: str
    round: int
    labels_uri: str
    task_token: str


def ranked(label: AskedImage) -> AskedImage:
    """Labels on which the annotators agree least come first."""
    agreement = label.get("agreement")
    return {**label, "rank": rank(1 if agreement is None else agreement)}


@step
def handler(event: Request, context: Context) -> None:
    job = NewJob.of_round(JobKind.VERIFICATION, event, classes=CLASSES, annotators=VERIFIERS)
    lines = artifacts.each_line(artifacts.key(event["labels_uri"]))
    number = jobs.open(job, (ranked(asked_image(line)) for line in lines))
    logger.info("verification job opened", job_id=job.job_id, tasks=number)
