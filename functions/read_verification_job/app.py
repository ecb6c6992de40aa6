"""Read what a Ground Truth job verified, as a round's verdicts.

Input:   {"job_id", "round", "labels_uri", "output_uri": the job's output manifest}
Output:  {"verdicts_uri": s3://…/verdicts.jsonl, "verdicts": how many}. A label without a verdict is left out: it counts
         as rejected.
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling import ground_truth
from sightline.labelling.lines import label_record
from sightline.runtime import Context, logger, step

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class Request(TypedDict):
    job_id: str
    round: int
    labels_uri: str
    output_uri: str  # the job's output manifest


class ReadVerdicts(TypedDict):
    verdicts_uri: str
    verdicts: int


def left_out(image_id: str, reason: str) -> None:
    logger.warning("no verdict", image_id=image_id, reason=reason)


@step
def handler(event: Request, context: Context) -> ReadVerdicts:
    labels = [label_record(line) for line in artifacts.read_lines(artifacts.key(event["labels_uri"]))]
    output = artifacts.read_lines(artifacts.key(event["output_uri"]))
    lines = ground_truth.verdicts(labels, output, left_out)
    uri = artifacts.write_lines(names.round_prefix(event["job_id"], event["round"]) + "verdicts.jsonl", lines)
    logger.info("verdicts read", job_id=event["job_id"], verdicts=len(lines), left_out=len(labels) - len(lines))
    return {"verdicts_uri": uri, "verdicts": len(lines)}
