"""Prepare a Ground Truth job that verifies the labels of a round: its manifest, verdicts and page.

Input:   {"job_id", "round", "labels_uri"}
Output:  {"name", "manifest_uri", "categories_uri", "output_uri", "human_task_config"}: what CreateLabelingJob takes
Errors:  GroundTruthError: no task functions in this region, no work team, or the public crowd without a price
"""

import os
from pathlib import Path
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling import ground_truth
from sightline.labelling.ground_truth_jobs import GroundTruthJobs, PreparedJob
from sightline.labelling.lines import label_record
from sightline.labelling.tasks import JobKind
from sightline.runtime import Context, logger, step

CLASSES = os.environ["CLASSES"].split(",")
TEMPLATE = (Path(__file__).parent / "task.liquid.html").read_bytes()

artifacts = ObjectStore(Aws(), os.environ["ARTIFACTS_BUCKET"])
jobs = GroundTruthJobs(
    artifacts,
    stack=os.environ["STACK_NAME"],
    region=os.environ["AWS_REGION"],
    workteam=os.environ["WORKTEAM_ARN"],
    public_price_tenth_cents=int(os.environ["PUBLIC_CROWD_PRICE"]),
)


class Request(TypedDict):
    job_id: str
    round: int
    labels_uri: str


@step
def handler(event: Request, context: Context) -> PreparedJob:
    given = artifacts.read_lines(artifacts.key(event["labels_uri"]))
    lines = [ground_truth.to_verify(label_record(line), CLASSES) for line in given]
    job = jobs.prepare(
        JobKind.VERIFICATION, event["job_id"], event["round"], lines, list(ground_truth.Verdict), TEMPLATE
    )
    logger.info("verification job prepared", job_id=event["job_id"], labels=len(lines))
    return job
