"""Say which image trains, and have it built if it is not there.

Its package holds the code of the image, so it knows the digest that is the image's tag. A deployment calls it with the
event of its stack, a training with the input of its execution.

Input:   {"request": the execution's input, null after a deployment}
Output:  {"uri", "ready": whether the image is there, "reason": why not, or ""}
Effects: the archive of the code under training-image/, a build, and a note of the request, which starts the training
         when the build has ended.
"""

import os
from collections.abc import Mapping
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.models.training_image import (
    RUNNING,
    SUCCEEDED,
    BuildRefusedError,
    ImageBuild,
    TrainingImages,
    WaitingTrainings,
)
from sightline.runtime import Context, logger, step
from training.code_digest import code_digest
from training.image_source import archive

OWN_IMAGE = os.environ["TRAINING_IMAGE_URI"]  # empty where the stack builds the image

aws = Aws()
images = TrainingImages(aws, os.environ["TRAINING_IMAGE_REPOSITORY"], os.environ["TRAINING_IMAGE_PROJECT"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
waiting = WaitingTrainings(artifacts)


class Request(TypedDict):
    request: Mapping[str, object] | None


class PreparedImage(TypedDict):
    uri: str
    ready: bool
    reason: str


def build(tag: str) -> str:
    """Have the image built, unless a build runs. Return how it stands, in one sentence."""
    earlier = images.builds(tag)
    running = next((one for one in earlier if one.status == RUNNING), None)
    if running:
        return f"the training image is being built ({running.log}); this training starts when it is there"
    key = names.training_image_source(tag)
    artifacts.write(key, archive(), "application/zip")
    try:
        started = images.start(tag, f"{artifacts.bucket}/{key}", attempt=len(earlier))
    except BuildRefusedError as error:
        logger.warning("build not started", tag=tag, error=str(error))
        return f"{error}; the next training tries again"
    logger.info("build started", tag=tag, attempt=len(earlier))
    return said(earlier, started)


def said(earlier: list[ImageBuild], started: ImageBuild) -> str:
    if not earlier or earlier[0].status == SUCCEEDED:  # an image that has expired since is built again
        return f"the training image is being built ({started.log}); this training starts when it is there"
    return (
        f"the training image could not be built: the last build ended {earlier[0].status} ({earlier[0].log}); another "
        f"one has started ({started.log}), and this training starts when the image is there"
    )


@step
def handler(event: Request, context: Context) -> PreparedImage:
    if OWN_IMAGE:
        return {"uri": OWN_IMAGE, "ready": True, "reason": ""}
    tag = code_digest()
    if images.has(tag):
        return {"uri": images.uri(tag), "ready": True, "reason": ""}
    note = waiting.note(event["request"]) if event["request"] is not None else None
    if note and images.has(tag):  # built while the note was written: nobody else may start this training
        artifacts.delete(note)
        return {"uri": images.uri(tag), "ready": True, "reason": ""}
    return {"uri": images.uri(tag), "ready": False, "reason": build(tag)}
