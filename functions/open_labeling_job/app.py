"""Open a labelling job: one task for each image, answered by people over the labelling API.

Input:   {"job_id", "round", "images_uri", "task_token"}
Output:  none; the token is answered with {"job_id", "tasks"} when every task is answered
"""

import os
from typing import Any

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling import labels
from sightline.labelling.tasks import Tasks
from sightline.runtime import Context, logger, step

ANNOTATORS = int(os.environ["ANNOTATORS_PER_IMAGE"])
CLASSES = os.environ["CLASSES"].split(",")

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
tasks = Tasks(aws, os.environ["TASKS_TABLE"])


@step
def handler(event: dict[str, Any], context: Context) -> None:
    job = {
        "job_id": names.task_job(event["job_id"], "labeling", event["round"]),
        "kind": "labeling",
        "round": event["round"],
        "classes": CLASSES,
        "annotators": ANNOTATORS,
        "task_token": event["task_token"],
    }
    # The images of which a model is least sure come first, those of which none has said anything before them.
    images = (
        {**image, "rank": labels.rank(1 - image.get("uncertainty", 1))}
        for image in artifacts.each_line(artifacts.key(event["images_uri"]))
    )
    number = tasks.open_job(job, images)
    logger.info("labeling job opened", job_id=job["job_id"], tasks=number)
