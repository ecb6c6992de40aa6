"""Images of the ledger for tests that don't upload any."""

from datetime import UTC, datetime
from typing import Any

from sightline.aws.clients import Aws
from sightline.images.image import Image, ImageStatus
from sightline.images.ledger import Ledger
from sightline.images.places import image_key
from tests.hashes import photo

TABLE = "ImagesTable"
BOX = {"class_id": 0, "left": 1, "top": 1, "width": 9, "height": 9}


def ledger() -> Ledger:
    return Ledger(Aws(), TABLE)


def image(number: int = 0, **changes: Any) -> Image:
    """Image `number`, new, of a part of its own."""
    given: dict[str, Any] = {
        "image_id": f"{number:064x}",
        "status": ImageStatus.NEW,
        "bucket": "images",
        "key": f"incoming/{number}.jpg",
        "bytes": 4096,
        "captured_at": "2026-11-20T09:00:00+00:00",
        "source": "upload",
        "keys": frozenset({f"incoming/{number}.jpg"}),
        "updated_at": datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        "width": 64,
        "height": 64,
        "format": "jpeg",
        "phash": photo(number),
    }
    return Image(**{**given, **changes})


def approved(number: int, *boxes: Any) -> Image:
    """Image `number` with a label that people agree on; without boxes it shows no defect."""
    label_ref = "s3://artifacts/labeling/job-1/output.manifest"
    return image(number, status=ImageStatus.APPROVED, annotations=boxes, label_ref=label_ref)


def enter(*images: Image) -> None:
    """Write images into the ledger."""
    for given in images:
        ledger().table.put_new({**image_key(given.image_id), **given.to_item()})


def become(image_id: str, status: ImageStatus) -> None:
    """Give an image another status, whatever it was."""
    ledger().table.update(image_key(image_id), "SET #status = :status", {"status": status})
