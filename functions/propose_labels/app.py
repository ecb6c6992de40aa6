"""Let the model in service propose boxes for the images of a labelling round, and say which of them it is least sure
of.

Input:   {"images_uri": the list of images}
Output:  {"images_uri": the list with `proposals` and `uncertainty`, or the given one without a model in service;
         "proposed": how many images the model has seen}
Effects: proposed.jsonl beside the list. What the model can't do in its time, or can't read, is asked without proposals.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.images.uploads import Uploads
from sightline.labelling.lines import AskedImage, asked_image
from sightline.labelling.proposals import propose, uncertainty
from sightline.models.registry import Registry
from sightline.models.standing import Standing
from sightline.runtime import Context, count_metric, logger, step
from sightline.vision import release
from sightline.vision.decode import UndecodableImageError
from sightline.vision.detector import Detector

CLASSES = os.environ["CLASSES"].split(",")
MAX_IMAGE_BYTES = int(os.environ["MAX_IMAGE_BYTES"])
READERS = 8  # images that are read while another one is looked at
SPARE_MS = 60_000  # kept for writing the list

aws = Aws()
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])
standing = Standing(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
uploads = Uploads(aws)
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class Request(TypedDict):
    images_uri: str


class ProposedLabels(TypedDict):
    images_uri: str
    proposed: int


@cache
def load(release_uri: str) -> Detector:
    """The model of a release, kept for the next call."""
    return release.load(artifacts.folder(release_uri), threads=os.cpu_count() or 1)


def look(detector: Detector, image: AskedImage, body: bytes | None) -> AskedImage:
    """The image with what the model sees in it."""
    if body is None:
        return image
    try:
        found = detector.inspect(body)
    except UndecodableImageError as error:
        logger.warning("image not read", image_id=image["image_id"], error=str(error))
        return image
    seen = [(detection.box, detection.score, detection.label) for detection in found]
    boxes = propose(seen, classes=CLASSES, width=image["width"], height=image["height"])
    return {
        **image,
        "proposals": boxes,
        "uncertainty": uncertainty([score for _, score, _ in seen], detector.threshold),
    }


def read(image: AskedImage) -> bytes | None:
    version = image.get("version_id") or None
    return uploads.read_image(image["bucket"], image["key"], version, max_bytes=MAX_IMAGE_BYTES)


def each_seen(detector: Detector, images: Iterator[AskedImage], left_ms: Callable[[], int]) -> Iterator[AskedImage]:
    """The images with their proposals as long as there is time, then without."""
    with ThreadPoolExecutor(READERS) as pool:
        while some := list(islice(images, 4 * READERS)):
            if left_ms() < SPARE_MS:
                yield from some
                yield from images
                return
            bodies = pool.map(read, some)
            yield from (look(detector, image, body) for image, body in zip(some, bodies, strict=True))


@step
def handler(event: Request, context: Context) -> ProposedLabels:
    champion = registry.champion(standing.states())
    if champion is None or champion.release_uri is None:
        return {"images_uri": event["images_uri"], "proposed": 0}
    detector = load(champion.release_uri)
    key = artifacts.key(event["images_uri"])
    to, proposed = key.rpartition("/")[0] + "/proposed.jsonl", 0
    with artifacts.line_writer(to) as write:
        asked = map(asked_image, artifacts.each_line(key))
        for image in each_seen(detector, asked, context.get_remaining_time_in_millis):
            write(image)
            proposed += "uncertainty" in image
    count_metric("ImagesProposed", proposed)
    logger.info("labels proposed", images=proposed, model=champion.arn)
    return {"images_uri": artifacts.uri(to), "proposed": proposed}
