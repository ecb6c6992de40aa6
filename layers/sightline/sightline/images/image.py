"""The rules of the image ledger: what an image may become, and which of two S3 events is the later one."""

from dataclasses import dataclass
from typing import Any

from sightline.errors import SightlineError

NEW = "NEW"
CLAIMED = "CLAIMED"
APPROVED = "APPROVED"
REJECTED = "REJECTED"
QUARANTINED = "QUARANTINED"
REMOVED = "REMOVED"
STATUSES = (NEW, CLAIMED, APPROVED, REJECTED, QUARANTINED, REMOVED)

SEQUENCER_LENGTH = 64


class InvalidS3EventError(SightlineError):
    """An event that is not an S3 object event as EventBridge sends it."""


@dataclass(frozen=True)
class ObjectEvent:
    """One S3 event: the object was created, or (`deleted`) is not there any more.

    `sequencer` is padded so that, for one key, the larger text is the later event (S3 gives hexadecimal numbers of
    different lengths, to be compared after padding). An object in a bucket without versions has `version_id` None.
    `erased`: this one version is gone for good, whichever versions of the key may still be there.
    """

    bucket: str
    key: str
    version_id: str | None
    bytes: int
    sequencer: str
    deleted: bool
    erased: bool
    time: str


def parse_object_event(event: dict[str, Any]) -> ObjectEvent:
    """Read an EventBridge event of source `aws.s3`. Raises InvalidS3EventError when a field is missing or wrong."""
    try:
        deleted = {"Object Created": False, "Object Deleted": True}[event["detail-type"]]
        detail = event["detail"]
        item = detail["object"]
        version_id = item.get("version-id") or None
        return ObjectEvent(
            bucket=detail["bucket"]["name"],
            key=item["key"],
            version_id=version_id,
            bytes=int(item.get("size", 0)),
            sequencer=pad_sequencer(item.get("sequencer", "")),
            deleted=deleted,
            erased=bool(deleted and version_id and detail.get("deletion-type") == "Permanently Deleted"),
            time=event["time"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidS3EventError(
            f"not an S3 object event ({type(error).__name__}: {error}): {event!r:.300}"
        ) from error


def pad_sequencer(sequencer: str) -> str:
    """Left-pad with zeros, so that texts compare as the numbers they are."""
    return sequencer.upper().rjust(SEQUENCER_LENGTH, "0")


def is_stale(event: ObjectEvent, last_sequencer: str | None) -> bool:
    """True when a later event of the same key was applied already. The same event again is repeated, not stale."""
    return last_sequencer is not None and event.sequencer < last_sequencer


def status_on_return(image: dict[str, Any]) -> str:
    """What a REMOVED image becomes when its bytes are uploaded again: what it was, labels included."""
    return APPROVED if "label_ref" in image else NEW


def created_event(bucket: str, listed: dict[str, Any]) -> dict[str, Any]:
    """The event that S3 should have sent for an object of a bucket listing (`Key`, `Size`, `LastModified`).

    Its sequencer is the smallest there is, so that the real event, should it still come, is the later one.
    """
    return {
        "source": "sightline.sweep",
        "detail-type": "Object Created",
        "time": listed["LastModified"].isoformat(),
        "detail": {
            "bucket": {"name": bucket},
            "object": {"key": listed["Key"], "size": listed["Size"], "sequencer": "0"},
        },
    }
