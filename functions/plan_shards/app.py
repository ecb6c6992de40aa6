"""Plan a scoring run: its images in shards, and the one model that scores all of them.

Input:   {"execution": its name, "request": the execution's input ({"prefix": where the images lie in the images
         bucket})}
Output:  {"run", "prefix", "model_version", "release_uri", "images", "shards", "shards_key", "concurrency", "reason"};
         without images or a model there is nothing to score, and `reason` says which is missing
Errors:  InvalidPrefixError
Effects: predictions/<run>/shards/<plan>/<n>.jsonl, a key a line, and shards.json, the list of them. A repeated planning
         writes its own, and only the one whose answer the workflow took is scored.
"""

import os
from collections.abc import Iterator
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.models import releases
from sightline.models.registry import Registry
from sightline.models.standing import Standing
from sightline.runtime import Context, logger, step
from sightline.scoring.batch import ScoringPlan, Shard, prefix_of, shards

SHARD_IMAGES = int(os.environ["SHARD_IMAGES"])
CONCURRENCY = int(os.environ["SCORING_CONCURRENCY"])

aws = Aws()
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])
standing = Standing(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
images = ObjectStore(aws, os.environ["IMAGES_BUCKET"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class Request(TypedDict):
    execution: str
    request: object


def write_shards(keys: Iterator[str], folder: str) -> tuple[int, list[Shard]]:
    """Return how many images there are, and the shards that were written."""
    count, written = 0, list[Shard]()
    for number, shard in enumerate(shards(keys, SHARD_IMAGES)):
        written.append({"number": number, "uri": artifacts.write_lines(f"{folder}{number:05d}.jsonl", shard)})
        count += len(shard)
    return count, written


@step
def handler(event: Request, context: Context) -> ScoringPlan:
    run, prefix = event["execution"], prefix_of(event["request"])
    release = releases.in_service(registry, standing.states())
    folder = names.shards_prefix(run, context.aws_request_id)
    count, written = write_shards(images.each_key(prefix), folder) if release else (0, [])
    artifacts.write_json(folder + "shards.json", written)
    reason = "" if count else f"no images under {prefix}"
    if release is None:
        reason = "no model is in service; approve one first"
    logger.info("scoring planned", run=run, prefix=prefix, images=count, shards=len(written), reason=reason)
    return {
        "run": run,
        "prefix": prefix,
        "model_version": release.version if release else "",
        "release_uri": release.uri if release else "",
        "images": count,
        "shards": len(written),
        "shards_key": folder + "shards.json",
        "concurrency": CONCURRENCY,
        "reason": reason,
    }
