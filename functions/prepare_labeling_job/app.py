"""Prepare a Ground Truth job that labels the images of a round: its manifest, classes and page.

Input:   {"job_id", "round", "images_uri"}
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
from sightline.labelling.lines import asked_image
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
    images_uri: str


@step
def handler(event: Request, context: Context) -> PreparedJob:
    given = artifacts.read_lines(artifacts.key(event["images_uri"]))
    lines = [ground_truth.to_label(asked_image(line)) for line in given]
    job = jobs.prepare(JobKind.LABELING, event["job_id"], event["round"], lines, CLASSES, TEMPLATE)
    logger.info("labeling job prepared", job_id=event["job_id"], images=len(lines))
    return job
