"""Part a round's labels by their verdicts, and prepare the next round for the rejected ones.

Input:   {"job_id", "round", "labels_uri", "verdicts_uri"}
Output:  {"approved": n, "rejected": n, "again": true when the rejected go round once more, "round": the round to come
         (or this one), "images_uri": what it asks}
"""

import os
from typing import Any

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling.lines import label_record, verdict_line
from sightline.labelling.rounds import settle_round
from sightline.runtime import Context, logger, step

MAX_ROUNDS = int(os.environ["MAX_ROUNDS"])

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


@step
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
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
    counts = {"approved": len(settled.approved), "rejected": len(settled.rejected)}
    logger.info("round settled", extra={**counts, "again": settled.again})
    return {**counts, "again": settled.again, "round": number, "images_uri": uri}
