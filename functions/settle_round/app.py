"""Part a round's labels by their verdicts, and prepare the next round for the rejected ones.

Input:   {"job_id", "round", "labels_uri", "verdicts_uri"}
Output:  {"approved": n, "rejected": n, "again": true when the rejected go round once more, "round": the round to come
         (or this one), "images_uri": what it asks}
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling.lines import label_record, verdict_line
from sightline.labelling.rounds import settle_round
from sightline.runtime import Context, logger, step

MAX_ROUNDS = int(os.environ["MAX_ROUNDS"])

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class Request(TypedDict):
    job_id: str
    round: int
    labels_uri: str
    verdicts_uri: str


class SettledLabels(TypedDict):
    approved: int
    rejected: int
    again: bool
    round: int
    images_uri: str


@step
def handler(event: Request, context: Context) -> SettledLabels:
    number, uri = event["round"], ""
    labels = [label_record(line) for line in artifacts.read_lines(artifacts.key(event["labels_uri"]))]
    verdicts = [verdict_line(line) for line in artifacts.read_lines(artifacts.key(event["verdicts_uri"]))]
    settled = settle_round(labels, verdicts, number=number, max_rounds=MAX_ROUNDS)
    prefix = names.round_prefix(event["job_id"], number)
    artifacts.write_lines(prefix + "approved.jsonl", settled.approved)
    artifacts.write_lines(prefix + "rejected.jsonl", settled.rejected)
    if settled.again:
        number += 1
        uri = artifacts.write_lines(names.round_prefix(event["job_id"], number) + "images.jsonl", settled.asked_again())
    approved, rejected = len(settled.approved), len(settled.rejected)
    logger.info("round settled", approved=approved, rejected=rejected, again=settled.again)
    return {
        "approved": approved,
        "rejected": rejected,
        "again": settled.again,
        "round": number,
        "images_uri": uri,
    }
