"""The images that an engineer has to look at: those that people could not settle, and labels that a model contradicts.

Requests and answers are in docs/architecture.md, "Console API". API Gateway has checked the caller's token before this
runs.
"""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger

from sightline import names
from sightline.api.http import Access, Api, RequestError
from sightline.api.shapes import Attention, AttentionImage, Settled, Settlement
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.aws.workflows import StateMachine
from sightline.images import image as rules
from sightline.images.ledger import Ledger
from sightline.images.uploads import Uploads
from sightline.labelling import manifest
from sightline.labelling.feature_store import FeatureGroup

CLASSES = os.environ["CLASSES"].split(",")
WINDOW_SECONDS = int(os.environ["LABELING_WINDOW_SECONDS"])
URL_SECONDS = 3600
MAX_ID = 64  # characters of a SHA-256
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
    image = images.image(image_id) if len(image_id) <= MAX_ID else None
    if image is None:
        raise RequestError(f"no image {image_id!r:.80}", 404)
    if "attention" not in image:
        raise RequestError(f"image {image_id} is not on the list (any more)", 409)
    status = ACTIONS[action](image, engineer)
    logger.info("image settled", image_id=image_id, action=action, engineer=engineer)
    return {"image_id": image_id, "status": status}


def relabel(image: dict[str, Any], engineer: str) -> str:
    """People get the image again, with its last label and why it comes back."""
    settle(image, rules.NEW)
    window = images.open_window(WINDOW_SECONDS)
    label_images.start_once(window["name"], {"claim_at": window["claim_at"]})
    return rules.NEW


def accept(image: dict[str, Any], engineer: str) -> str:
    """The last label is right, whatever was said of it: it becomes training data like any other."""
    if image["status"] == rules.APPROVED:
        return settle(image, rules.APPROVED, accepted_by=engineer)
    if "annotations" not in image:
        raise RequestError(f"image {image['image_id']} has no label to accept; send it to be labelled or drop it", 409)
    frozen = artifacts.copy_from(
        image["bucket"], image["key"], names.dataset_image(image["image_id"], image["format"]), image.get("version_id")
    )
    if frozen is None:
        raise RequestError(f"the object of image {image['image_id']} was erased; drop the image", 409)
    job, key = names.accepted_job(image["image_id"]), names.output_manifest(names.accepted_job(image["image_id"]))
    line = manifest.record(
        source=frozen,
        image=image,
        annotations=image["annotations"],
        classes=CLASSES,
        job_name=job,
        created=datetime.now(UTC),
    )
    status = settle(image, rules.APPROVED, accepted_by=engineer, label_ref=artifacts.write_lines(key, [line]))
    features.put_label(job, image, frozen)
    return status


def drop(image: dict[str, Any], engineer: str) -> str:
    """The image is of no use; it stays where it is and is asked no more."""
    return settle(image, rules.QUARANTINED, reason=f"dropped by {engineer}: {image['why']}")


ACTIONS = {"relabel": relabel, "accept": accept, "drop": drop}


def settle(image: dict[str, Any], status: str, **fields: Any) -> str:
    if images.settle_attention(image["image_id"], status, **fields) is None:
        raise RequestError(f"image {image['image_id']} was settled by somebody else at this moment", 409)
    return status


def shown(image: dict[str, Any]) -> AttentionImage:
    return {
        "image_id": image["image_id"],
        "name": image["key"],
        "image_url": uploads.presigned_url(image["bucket"], image["key"], image.get("version_id"), URL_SECONDS),
        "why": image["why"],
        "annotations": image.get("annotations"),
        "width": image["width"],
        "height": image["height"],
        "status": image["status"],
    }


handler = api.handler
