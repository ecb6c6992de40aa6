"""The images that an engineer has to look at: those that people could not settle, and labels that a model contradicts.

Requests and answers are in docs/reference/console-api.md. API Gateway has checked the caller's token before this
runs.
"""

import os
from datetime import UTC, datetime
from typing import Literal

from aws_lambda_powertools import Logger

from sightline import names
from sightline.api.http import Access, Api, RequestError
from sightline.api.shapes import Attention, AttentionImage, Settled, Settlement
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.aws.workflows import StateMachine
from sightline.images.image import Image, ImageStatus
from sightline.images.ledger import Ledger
from sightline.images.uploads import Uploads
from sightline.images.windows import collect
from sightline.labelling import manifest
from sightline.labelling.feature_store import FeatureGroup
from sightline.labelling.lines import label_record

CLASSES = os.environ["CLASSES"].split(",")
WINDOW_SECONDS = int(os.environ["LABELING_WINDOW_SECONDS"])
URL_SECONDS = 3600
SettledStatus = Literal["NEW", "APPROVED", "QUARANTINED"]
SHOWN = 200  # images at once; the next ones come when these are settled

logger = Logger()
api = Api()
aws = Aws()
features = FeatureGroup(aws, os.environ["FEATURE_GROUP"])
label_images = StateMachine(aws, os.environ["LABEL_IMAGES_ARN"])
uploads = Uploads(aws)
images = Ledger(aws, os.environ["IMAGES_TABLE"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


@api.route("GET /attention")
def list_attention() -> Attention:
    """The images that wait for an engineer."""
    return {"images": [shown(image) for image in images.attention(SHOWN)], "classes": CLASSES}


@api.route("POST /attention/{image_id}", access=Access.ENGINEER, body=Settlement)
def settle_image(image_id: str) -> Settled:
    """Give an image back to be labelled, accept its last label, or drop it for good."""
    engineer, action = api.person.name, api.json().get("action")
    if not isinstance(action, str) or action not in ACTIONS:
        raise RequestError(f"action must be one of {', '.join(ACTIONS)}, got {action!r:.50}")
    image = images.image(image_id)
    if image is None:
        raise RequestError(f"no image {image_id!r:.80}", 404)
    if not image.attention:
        raise RequestError(f"image {image_id} is not on the list (any more)", 409)
    status = ACTIONS[action](image, engineer)
    logger.info("image settled", image_id=image_id, action=action, engineer=engineer)
    return {"image_id": image_id, "status": status}


def relabel(image: Image, engineer: str) -> SettledStatus:
    """People get the image again, with its last label and why it comes back."""
    check(image, images.relabel(image.image_id))
    collect(images, label_images, WINDOW_SECONDS)
    return "NEW"


def accept(image: Image, engineer: str) -> SettledStatus:
    """The last label is right, whatever was said of it: it becomes training data like any other."""
    if image.status == ImageStatus.APPROVED:
        check(image, images.accept(image.image_id, engineer))
        return "APPROVED"
    if image.annotations is None:
        raise RequestError(f"image {image.image_id} has no label to accept; send it to be labelled or drop it", 409)
    copy = names.dataset_image(image.image_id, image.format)
    frozen = artifacts.copy_from(image.bucket, image.key, copy, image.version_id)
    if frozen is None:
        raise RequestError(f"the object of image {image.image_id} was erased; drop the image", 409)
    job, key = names.accepted_job(image.image_id), names.output_manifest(names.accepted_job(image.image_id))
    line = manifest.record(
        source=frozen,
        image=image.to_item(),
        annotations=image.annotations,
        classes=CLASSES,
        job_name=job,
        correlation_id=image.correlation_id,
        created=datetime.now(UTC),
    )
    check(image, images.accept(image.image_id, engineer, label_ref=artifacts.write_lines(key, [line])))
    features.put_label(job, label_record({**image.line(), "annotations": list(image.annotations)}), frozen)
    return "APPROVED"


def drop(image: Image, engineer: str) -> SettledStatus:
    """The image is of no use; it stays where it is and is asked no more."""
    check(image, images.drop(image.image_id, f"dropped by {engineer}: {image.why}"))
    return "QUARANTINED"


ACTIONS = {"relabel": relabel, "accept": accept, "drop": drop}


def check(image: Image, settled: bool) -> None:
    """Raise RequestError where an image was not on the list any more when it was to be settled."""
    if not settled:
        raise RequestError(f"image {image.image_id} was settled by somebody else at this moment", 409)


def shown(image: Image) -> AttentionImage:
    return {
        "image_id": image.image_id,
        "name": image.key,
        "image_url": uploads.shown_url(image.bucket, image.key, image.version_id, image.rendition, URL_SECONDS),
        "why": image.why or "",
        "annotations": list(image.annotations) if image.annotations is not None else None,
        "width": image.width,
        "height": image.height,
        "status": "APPROVED" if image.status == ImageStatus.APPROVED else "REJECTED",
    }


handler = api.handler
