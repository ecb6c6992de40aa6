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
from sightline.labelling.labels import settle_round
from sightline.runtime import Context, logger, step

MAX_ROUNDS = int(os.environ["MAX_ROUNDS"])
OF_A_ROUND = ("agreement", "annotated_by")

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


@step
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    number = event["round"]
    labels = artifacts.read_lines(artifacts.key(event["labels_uri"]))
    verdicts = artifacts.read_lines(artifacts.key(event["verdicts_uri"]))
    settled = settle_round(labels, verdicts, number=number, max_rounds=MAX_ROUNDS)
    prefix = names.round_prefix(event["job_id"], number)
    artifacts.write_lines(prefix + "approved.jsonl", settled.approved)
    artifacts.write_lines(prefix + "rejected.jsonl", settled.rejected)
    if settled.again:
        number += 1
    # A rejected image goes round with its reason and its label, which is what the next annotator corrects.
    asked = [{name: label[name] for name in label if name not in OF_A_ROUND} for label in settled.rejected]
    uri = (
        artifacts.write_lines(names.round_prefix(event["job_id"], number) + "images.jsonl", asked)
        if settled.again
        else ""
    )
    logger.info("round settled", approved=len(settled.approved), rejected=len(settled.rejected), again=settled.again)
    counts = {"approved": len(settled.approved), "rejected": len(settled.rejected)}
    return {**counts, "again": settled.again, "round": number, "images_uri": uri}
