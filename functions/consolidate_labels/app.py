"""Make one label of each image from what its annotators answered.

Input:   {"job_id", "round", "tasks_job": the labelling job}
Output:  {"labels_uri": s3://…/labels.jsonl, "labels": how many, "skipped": images that can't be labelled}
Effects: labels.jsonl, and skipped.jsonl beside it
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling.answers import Answers
from sightline.labelling.rounds import consolidate_label
from sightline.runtime import Context, logger, step

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
answers = Answers(aws, os.environ["TASKS_TABLE"])


class Request(TypedDict):
    job_id: str
    round: int
    tasks_job: str  # the labelling job


class ConsolidatedLabels(TypedDict):
    labels_uri: str
    labels: int
    skipped: int


@step
def handler(event: Request, context: Context) -> ConsolidatedLabels:
    prefix = names.round_prefix(event["job_id"], event["round"])
    counts = {"labels": 0, "skipped": 0}
    with (
        artifacts.line_writer(prefix + "labels.jsonl") as write_label,
        artifacts.line_writer(prefix + "skipped.jsonl") as write_skipped,
    ):
        for image, given in answers.by_task(event["tasks_job"]):
            label = consolidate_label(image, given)
            counts["skipped" if "skip" in label else "labels"] += 1
            (write_skipped if "skip" in label else write_label)(label)
    logger.info("labels consolidated", job_id=event["tasks_job"], extra=counts)
    return {
        "labels_uri": artifacts.uri(prefix + "labels.jsonl"),
        "labels": counts["labels"],
        "skipped": counts["skipped"],
    }
