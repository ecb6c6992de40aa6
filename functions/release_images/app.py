"""Clean up after a labelling execution that failed: its images are new again, its open tasks are taken off the page.

Input:   {"execution": name of the execution}
Output:  {"job_id", "released": images given back}
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.images.ledger import Ledger
from sightline.labelling.jobs import Jobs
from sightline.labelling.tasks import JobKind
from sightline.runtime import Context, logger, step

MAX_ROUNDS = int(os.environ["MAX_ROUNDS"])

aws = Aws()
images = Ledger(aws, os.environ["IMAGES_TABLE"])
jobs = Jobs(aws, os.environ["TASKS_TABLE"])


class Request(TypedDict):
    execution: str


class ReleasedImages(TypedDict):
    job_id: str
    released: int


@step
def handler(event: Request, context: Context) -> ReleasedImages:
    job_id = names.short(event["execution"])
    for kind in JobKind:
        for number in range(1, MAX_ROUNDS + 1):
            jobs.cancel(names.task_job(job_id, kind, number))
    released = images.release(job_id)
    logger.info("images released", job_id=job_id, released=released)
    return {"job_id": job_id, "released": released}
