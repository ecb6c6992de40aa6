"""Sum up a scoring run from what its shards wrote.

Input:   {"run", "prefix", "model_version", "images", "shards": as the run was planned}
Output:  {"run", "prefix", "model_version", "images", "shards", "pass", "fail", "review", "errors", "predictions_uri",
         "summary_uri"}
Errors:  IncompleteScoresError
Effects: predictions/<run>/summary.json, the same
"""

import os
from itertools import chain

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.runtime import Context, logger, step
from sightline.scoring.batch import PlannedRun, ScoringSummary, WrittenSummary, count

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


@step
def handler(event: PlannedRun, context: Context) -> WrittenSummary:
    parts = (names.predictions_part(event["run"], number) for number in range(event["shards"]))
    counts = count(chain.from_iterable(map(artifacts.each_line, parts)), images=event["images"])
    folder = names.predictions_prefix(event["run"])
    summary: ScoringSummary = {
        "run": event["run"],
        "prefix": event["prefix"],
        "model_version": event["model_version"],
        "images": event["images"],
        "shards": event["shards"],
        **counts,
        "predictions_uri": artifacts.uri(folder),
    }
    uri = artifacts.write_json(folder + "summary.json", summary)
    logger.info("scores summed up", **summary)
    return {**summary, "summary_uri": uri}
