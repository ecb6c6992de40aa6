"""Score the images of one shard.

Input:   {"run", "number": the shard's, "shard_uri": its keys, "model_version", "release_uri": as the run was planned}
Output:  {"images": how many lines were written}
Effects: predictions/<run>/part-<n>.jsonl, a line for each image in the shard's order: `image`, `model_version`, and
`verdict`
         with `detections` or the `error` that kept it from being scored. Once more, it is written over with the same.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.images.uploads import Uploads
from sightline.runtime import Context, count_metric, logger, step
from sightline.scoring.batch import score_line
from sightline.vision import release
from sightline.vision.decode import UndecodableImageError
from sightline.vision.detector import Detector
from sightline.vision.verdict import Judged

IMAGES_BUCKET = os.environ["IMAGES_BUCKET"]
MAX_IMAGE_BYTES = int(os.environ["MAX_IMAGE_BYTES"])
READERS = 8  # images that are read at the same time, and wait in memory to be looked at

aws = Aws()
uploads = Uploads(aws)
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class Request(TypedDict):
    run: str
    number: int  # the shard's
    shard_uri: str
    model_version: str
    release_uri: str


class Scored(TypedDict):
    images: int


@lru_cache(maxsize=1)
def load(release_uri: str) -> Detector:
    """The model of a run, kept for its next shard."""
    return release.load(artifacts.folder(release_uri), threads=os.cpu_count() or 1)


def read(key: str) -> bytes | None:
    return uploads.read_image(IMAGES_BUCKET, key, max_bytes=MAX_IMAGE_BYTES)


def score(detector: Detector, body: bytes | None) -> Judged | str:
    """Return the verdict on one image, or why there is none: that stops nothing."""
    if body is None:
        return f"it is gone, or has more than {MAX_IMAGE_BYTES} bytes"
    try:
        return detector.judge(body)
    except UndecodableImageError as error:
        return str(error)


def each_scored(detector: Detector, keys: Iterator[str]) -> Iterator[tuple[str, Judged | str]]:
    with ThreadPoolExecutor(READERS) as pool:
        while some := list(islice(keys, READERS)):
            for key, body in zip(some, pool.map(read, some), strict=True):
                yield key, score(detector, body)


@step
def handler(event: Request, context: Context) -> Scored:
    detector = load(event["release_uri"])
    keys = artifacts.each_line(artifacts.key(event["shard_uri"]))
    count = 0
    with artifacts.line_writer(names.predictions_part(event["run"], event["number"])) as write:
        for key, scored in each_scored(detector, keys):
            write(score_line(key, event["model_version"], scored))
            count += 1
    count_metric("ImagesScored", count)
    logger.info("shard scored", run=event["run"], number=event["number"], images=count)
    return {"images": count}
