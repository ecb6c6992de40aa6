"""Enter uploaded images into the ledger, or quarantine them with the reason, and open a labelling window.

Input:   {"Records": SQS messages with EventBridge events `Object Created` and `Object Deleted` of the images bucket,
         or of the sweep}; each is a hint to look at one object
Output:  {"batchItemFailures": […]}: only what failed comes again, and after five times lies in the dead-letter queue;
         what can never succeed lies there at once
Effects: a ledger item for each content hash, and in renditions/ what the page shows of an image that a browser would
         show otherwise; `label_images` is started once for each window in which images came
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from PIL import Image as Picture

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.inbox import HopelessMessageError, Inbox, QueueRecord
from sightline.aws.queue import Queue
from sightline.aws.workflows import StateMachine
from sightline.images.events import ObjectEvent
from sightline.images.image import Image, ImageStatus, now
from sightline.images.ledger import Ledger
from sightline.images.looking import Looking
from sightline.images.places import Outcome
from sightline.images.uploads import Upload, Uploads, unread_id
from sightline.images.windows import collect
from sightline.runtime import Context, count_metric, logger, step
from sightline.vision import rendition
from sightline.vision.decode import UndecodableImageError, upright
from sightline.vision.kinds import kind_of
from sightline.vision.phash import phash_of

IMAGES_BUCKET = os.environ["IMAGES_BUCKET"]
MAX_IMAGE_BYTES = int(os.environ["MAX_IMAGE_BYTES"])
WINDOW_SECONDS = int(os.environ["LABELING_WINDOW_SECONDS"])
MAX_METADATA = 128  # characters of one value

aws = Aws()
label_images = StateMachine(aws, os.environ["LABEL_IMAGES_ARN"])
uploads = Uploads(aws)
images = Ledger(aws, os.environ["IMAGES_TABLE"])
inbox = Inbox(Queue(aws, os.environ["DEAD_LETTERS_URL"]))


class Batch(TypedDict):
    Records: list[QueueRecord]


def object_event(message: object) -> ObjectEvent:
    """The event of a message. Raise HopelessMessageError for one that is not of an upload."""
    event = ObjectEvent.from_event(message)
    if event.bucket != IMAGES_BUCKET or not event.key.startswith(names.INCOMING):
        raise HopelessMessageError(
            f"s3://{event.bucket}/{event.key} is not under s3://{IMAGES_BUCKET}/{names.INCOMING}"
        )
    return event


def register(event: ObjectEvent) -> bool:
    """Make the ledger say what lies at the object of an event. Return whether an image waits for a labelling window."""
    try:
        seen = looking.look(event)
    except Exception as error:
        logger.error("object event not handled", key=event.key, reason=f"{type(error).__name__}: {error}")
        raise
    said_of = {"key": event.key, "outcome": ",".join(seen)}
    if Outcome.EMPTY in seen:
        logger.warning("the file is empty: nothing to label, nothing set aside", extra=said_of)
    else:
        logger.info("object event handled", extra=said_of)
    for outcome in seen:
        count_metric(f"Images{outcome.capitalize()}")
    if Outcome.UNCHANGED in seen:  # an earlier call may have entered it, and failed before it opened the window
        image = images.image_at(event.bucket, event.key)
        return image is not None and image.status is ImageStatus.NEW
    return Outcome.NEW in seen or Outcome.KNOWN in seen


def read(event: ObjectEvent, upload: Upload) -> Image:
    """Return the image of an upload: a QUARANTINED one with the reason where it can't be used."""
    image = Image(
        image_id=hashlib.sha256(upload.body).hexdigest()
        if upload.body is not None
        else unread_id(event.bucket, event.key, upload.version),
        status=ImageStatus.NEW,
        bucket=event.bucket,
        key=event.key,
        version_id=upload.version.version_id or None,
        bytes=upload.bytes,
        captured_at=upload.metadata.get("captured-at", upload.modified.isoformat()),
        source=upload.metadata.get("source", "upload"),
        device=said(upload.metadata, "device"),
        verdict=said(upload.metadata, "verdict"),
        model_version=said(upload.metadata, "model-version"),
        sampled=said(upload.metadata, "sampled"),
    )
    if upload.body is None:
        return refused(image, f"{upload.bytes} bytes; at most {MAX_IMAGE_BYTES} are taken for one image")
    try:
        picture = upright(upload.body)
    except UndecodableImageError as error:
        return refused(image, str(error))
    shown = rendition_of(event, image.image_id, upload.body, picture)
    width, height = picture.size
    return replace(
        image, width=width, height=height, format=kind_of(upload.body), phash=phash_of(picture), rendition=shown
    )


def refused(image: Image, reason: str) -> Image:
    logger.warning("image refused", key=image.key, reason=reason)
    return replace(image, status=ImageStatus.QUARANTINED, reason=reason, quarantined_at=now())


def rendition_of(event: ObjectEvent, image_id: str, body: bytes, picture: Picture.Image) -> str | None:
    """Write what the page shows of an image that a browser can't show the same way, and return its key."""
    if not rendition.is_needed(body, picture):
        return None
    key = names.rendition(image_id)
    uploads.put_rendition(event.bucket, key, rendition.rendition(picture))
    return key


def take_away_rendition(image_id: str) -> None:
    """Erase what the page showed of an image that has no object any more."""
    image = images.image(image_id)
    if image and image.rendition and image.status is ImageStatus.REMOVED:
        uploads.erase_rendition(image.bucket, image.rendition)


def said(metadata: Mapping[str, str], name: str) -> str | None:
    """Return what the device that sends an image back says, cut to what is kept of it."""
    return metadata[name][:MAX_METADATA] if name in metadata else None


looking = Looking(images.places, uploads, read, take_away_rendition, MAX_IMAGE_BYTES)


@step
def handler(event: Batch, context: Context) -> PartialItemFailureResponse:
    waits: list[bool] = []
    response = inbox.handle(  # without records, `sightline doctor` asks whether the function can run
        event.get("Records", []), object_event, lambda found: waits.append(register(found))
    )
    if any(waits):
        collect(images, label_images, WINDOW_SECONDS)
    return response
