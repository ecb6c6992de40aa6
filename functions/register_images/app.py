"""Enter uploaded images into the ledger, or quarantine them with the reason, and open a labelling window.

Input:   an SQS batch of EventBridge events `Object Created` and `Object Deleted` of the images bucket
Output:  {"batchItemFailures": […]}: only what failed comes again, and after five times lies in the dead-letter queue
Effects: a ledger item for each content hash; `label_images` is started once for each window in which images came
"""

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import replace

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from PIL import Image as Picture

from sightline.aws.clients import Aws
from sightline.aws.workflows import StateMachine
from sightline.images.events import ObjectEvent
from sightline.images.image import Image, ImageStatus, now
from sightline.images.ledger import Ledger, Outcome
from sightline.images.uploads import Uploads, unread_id
from sightline.runtime import Context, count_metric, logger, step
from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.phash import phash

MAX_IMAGE_BYTES = int(os.environ["MAX_IMAGE_BYTES"])
WINDOW_SECONDS = int(os.environ["LABELING_WINDOW_SECONDS"])
MAX_METADATA = 128  # characters of one value

aws = Aws()
label_images = StateMachine(aws, os.environ["LABEL_IMAGES_ARN"])
uploads = Uploads(aws)
images = Ledger(aws, os.environ["IMAGES_TABLE"])
processor = BatchProcessor(event_type=EventType.SQS)


def register(record: SQSRecord) -> str:
    """Handle one S3 event; answers what became of it (`new`, `known`, `quarantined`, `removed`, `stale`, `gone`)."""
    event = ObjectEvent.from_event(record.json_body)
    outcome = images.remove(event) if event.deleted else add(event)
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
        pixels = decode(upload.body)
    except UndecodableImageError as error:
        return refuse(event, image, str(error))
    height, width = pixels.shape[:2]
    return images.add(
        event, replace(image, width=width, height=height, format=image_format(upload.body), phash=phash(pixels))
    )


def said(metadata: Mapping[str, str], name: str) -> str | None:
    """Return what the device that sends an image back says, cut to what is kept of it."""
    return metadata[name][:MAX_METADATA] if name in metadata else None


def image_format(body: bytes) -> str:
    """`jpeg`, `png`, …: read from the content, whatever the name says."""
    with Picture.open(io.BytesIO(body)) as image:
        return str(image.format).lower()


def refuse(event: ObjectEvent, image: Image, reason: str) -> str:
    """Set the object aside. The ledger comes first: a repeated event finds the object gone and changes nothing."""
    refused = replace(image, status=ImageStatus.QUARANTINED, reason=reason, quarantined_at=now())
    if images.add(event, refused) == Outcome.STALE:
        return Outcome.STALE
    uploads.quarantine(event, image.image_id, reason)
    return "quarantined"


@step
def handler(event: dict[str, object], context: Context) -> PartialItemFailureResponse:
    if not event.get("Records"):  # `sightline doctor` asks whether the function can run
        return {"batchItemFailures": []}
    outcomes: list[str] = []
    response = process_partial_response(
        event=event,
        record_handler=lambda record: outcomes.append(register(record)),
        processor=processor,
        context=context,
    )
    # Also for known images: they may be new again, or their first event failed after it had entered them.
    if {"new", "known"} & set(outcomes):
        window = images.open_window(WINDOW_SECONDS)
        label_images.start_once(window.name, window.request())
    return response
