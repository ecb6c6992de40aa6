"""Prepare a Ground Truth job that labels the images of a round: its manifest, classes and page.

Input:   {"job_id", "round", "images_uri"}
Output:  {"name", "manifest_uri", "categories_uri", "output_uri", "human_task_config"}: what CreateLabelingJob takes
Errors:  GroundTruthError: no task functions in this region, no work team, or the public crowd without a price
"""

import os
from pathlib import Path
from typing import Any

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling import ground_truth
from sightline.runtime import Context, logger, step

CLASSES = os.environ["CLASSES"].split(",")
WORKTEAM = os.environ["WORKTEAM_ARN"]
PUBLIC_CROWD_PRICE = int(os.environ["PUBLIC_CROWD_PRICE"])
TEMPLATE = (Path(__file__).parent / "task.liquid.html").read_bytes()

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


@step
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    prefix = names.round_prefix(event["job_id"], event["round"]) + "labeling-job/"
    images = artifacts.read_lines(artifacts.key(event["images_uri"]))
    config = ground_truth.human_task_config(
        ground_truth.BOUNDING_BOX,
        region=os.environ["AWS_REGION"],
        workteam=WORKTEAM,
        template_uri=artifacts.write(prefix + "task.liquid.html", TEMPLATE, "text/html"),
        title="Draw a box around each defect",
        workers=1,
        public_price_tenth_cents=PUBLIC_CROWD_PRICE,
    )
    lines = [ground_truth.to_label(image) for image in images]
    logger.info("labeling job prepared", job_id=event["job_id"], images=len(lines))
    return {
        "name": names.short(f"{event['job_id']}-labeling-{event['round']}"),
        "manifest_uri": artifacts.write_lines(prefix + "input.manifest", lines),
        "categories_uri": artifacts.write_json(prefix + "categories.json", ground_truth.categories(CLASSES)),
        "output_uri": artifacts.uri(prefix + "output/"),
        "human_task_config": config,
    }
