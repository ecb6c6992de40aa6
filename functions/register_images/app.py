"""Enter uploaded images into the ledger, or quarantine them with the reason, and open a labelling window.

Input:   {"Records": SQS messages with EventBridge events `Object Created` and `Object Deleted` of the images bucket}
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
from sightline.images.ledger import Ledger, Outcome
from sightline.images.uploads import Uploads, unread_id
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
    """The S3 event of a message. Raise HopelessMessageError for one that is not of an upload."""
    event = ObjectEvent.from_event(message)
    if event.bucket != IMAGES_BUCKET or not event.key.startswith(names.INCOMING):
        raise HopelessMessageError(
            f"s3://{event.bucket}/{event.key} is not under s3://{IMAGES_BUCKET}/{names.INCOMING}"
        )
    return event


def register(event: ObjectEvent) -> str:
    """Handle one S3 event; answers what became of it (`new`, `known`, `quarantined`, `removed`, `stale`, `gone`)."""
    try:
        before = images.image_at(event.bucket, event.key)
        outcome = images.remove(event) if event.deleted else add(event)
        take_away_rendition(before)
    except Exception as error:
        logger.error("object event not handled", key=event.key, reason=f"{type(error).__name__}: {error}")
        raise
    logger.info("object event handled", key=event.key, outcome=outcome)
    count_metric(f"Images{outcome.capitalize()}")
    return outcome


def add(event: ObjectEvent) -> str:
    upload = uploads.read_upload(event, max_bytes=MAX_IMAGE_BYTES)
    if upload is None:
        return "gone"
    event = replace(event, version_id=upload.version_id)  # an event of the sweep does not know it
    image = Image(
        image_id=hashlib.sha256(upload.body).hexdigest() if upload.body is not None else unread_id(event),
        status=ImageStatus.NEW,
        bucket=event.bucket,
        key=event.key,
        version_id=upload.version_id,
        bytes=upload.bytes,
        captured_at=upload.metadata.get("captured-at", event.time),
        source=upload.metadata.get("source", "upload"),
        device=said(upload.metadata, "device"),
        verdict=said(upload.metadata, "verdict"),
        model_version=said(upload.metadata, "model-version"),
        sampled=said(upload.metadata, "sampled"),
    )
    if upload.body is None:
        return refuse(event, image, f"{upload.bytes} bytes; at most {MAX_IMAGE_BYTES} are taken for one image")
    try:
        picture = upright(upload.body)
    except UndecodableImageError as error:
        return refuse(event, image, str(error))
    shown = rendition_of(event, image.image_id, upload.body, picture)
    width, height = picture.size
    image = replace(image, width=width, height=height, format=kind_of(upload.body), phash=phash_of(picture))
    outcome = images.add(event, replace(image, rendition=shown))
    if shown and outcome == Outcome.KNOWN:
        images.show_by(image.image_id, shown)  # it may have been entered before there were renditions
    return outcome


def rendition_of(event: ObjectEvent, image_id: str, body: bytes, picture: Picture.Image) -> str | None:
    """Write what the page shows of an image that a browser can't show the same way, and return its key."""
    if not rendition.is_needed(body, picture):
        return None
    key = names.rendition(image_id)
    uploads.put_rendition(event.bucket, key, rendition.rendition(picture))
    return key


def take_away_rendition(before: Image | None) -> None:
    """Erase what the page showed of the image that lay at a key, where the event has removed it from everywhere."""
    if before is None or before.rendition is None:
        return
    after = images.image(before.image_id)
    if after is None or after.status == ImageStatus.REMOVED:
        uploads.erase_rendition(before.bucket, before.rendition)


def said(metadata: Mapping[str, str], name: str) -> str | None:
    """Return what the device that sends an image back says, cut to what is kept of it."""
    return metadata[name][:MAX_METADATA] if name in metadata else None


def refuse(event: ObjectEvent, image: Image, reason: str) -> str:
    """Set the object aside. The ledger comes first: a repeated event finds the object gone and changes nothing."""
    logger.warning("image refused", key=event.key, reason=reason)
    refused = replace(image, status=ImageStatus.QUARANTINED, reason=reason, quarantined_at=now())
    if images.add(event, refused) == Outcome.STALE:
        return Outcome.STALE
    uploads.quarantine(event, image.image_id, reason)
    return "quarantined"


@step
def handler(event: Batch, context: Context) -> PartialItemFailureResponse:
    outcomes: list[str] = []
    response = inbox.handle(  # without records, `sightline doctor` asks whether the function can run
        event.get("Records", []), object_event, lambda found: outcomes.append(register(found))
    )
    # Also for known images: they may be new again, or their first event failed after it had entered them.
    if {"new", "known"} & set(outcomes):
        window = images.open_window(WINDOW_SECONDS)
        label_images.start_once(window.name, window.request())
    return response
