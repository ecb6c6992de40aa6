"""Open a verification job: one task for each labelled image, approved or rejected over the labelling API.

Input:   {"job_id", "round", "labels_uri", "task_token"}
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

CLASSES = os.environ["CLASSES"].split(",")

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
tasks = Tasks(aws, os.environ["TASKS_TABLE"])


@step
def handler(event: dict[str, Any], context: Context) -> None:
    job = {
        "job_id": names.task_job(event["job_id"], "verification", event["round"]),
        "kind": "verification",
        "round": event["round"],
        "classes": CLASSES,
        "annotators": 1,
        "task_token": event["task_token"],
    }
    # Labels on which the annotators agree least come first.
    images = (
        {**label, "rank": labels.rank(1 if label.get("agreement") is None else label["agreement"])}
        for label in artifacts.each_line(artifacts.key(event["labels_uri"]))
    )
    number = tasks.open_job(job, images)
    logger.info("verification job opened", job_id=job["job_id"], tasks=number)
