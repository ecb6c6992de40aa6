"""Read what a Ground Truth job verified, as a round's verdicts.

Input:   {"job_id", "round", "labels_uri", "output_uri": the job's output manifest}
Output:  {"verdicts_uri": s3://…/verdicts.jsonl, "verdicts": how many}. A label without a verdict is left out: it counts
         as rejected.
"""

import os
from typing import Any

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling import ground_truth
from sightline.runtime import Context, logger, step

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


def verdict(label: dict[str, Any], line: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return {**label, **ground_truth.verdict(line), "worker": "ground-truth"}
    except ground_truth.GroundTruthError as error:
        logger.warning("no verdict", image_id=label["image_id"], reason=str(error))
        return None


@step
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    labels = artifacts.read_lines(artifacts.key(event["labels_uri"]))
    output = artifacts.read_lines(artifacts.key(event["output_uri"]))
    lines = [found for label, line in ground_truth.by_image(labels, output) if (found := verdict(label, line))]
    uri = artifacts.write_lines(names.round_prefix(event["job_id"], event["round"]) + "verdicts.jsonl", lines)
    logger.info("verdicts read", job_id=event["job_id"], verdicts=len(lines), left_out=len(labels) - len(lines))
    return {"verdicts_uri": uri, "verdicts": len(lines)}
