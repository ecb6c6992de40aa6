"""Events of the images bucket: what S3 says through EventBridge, and which of two events is the later one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sightline.errors import SightlineError
from sightline.fields import Fields, InvalidFieldError

SEQUENCER_LENGTH = 64
KINDS = {"Object Created": False, "Object Deleted": True}  # whether the object is gone


class InvalidS3EventError(SightlineError):
    """An event that is not an S3 object event as EventBridge sends it."""


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One S3 event: the object was created, or (`deleted`) is not there any more."""

    bucket: str
    key: str
    version_id: str | None  # None in a bucket without versions
    bytes: int  # 0 for a deleted object
    sequencer: str  # padded, so that for one key the larger text is the later event
    deleted: bool
    erased: bool  # this one version is gone for good, whichever versions of the key may still be there
    time: str  # ISO 8601, when S3 sent the event

    @classmethod
    def from_event(cls, event: object) -> Self:
        """Read an EventBridge event of source `aws.s3`. Raise InvalidS3EventError naming the field that is wrong."""
        try:
            fields = Fields(event, "in an S3 event")
            kind = fields.text("detail-type")
            if kind not in KINDS:
                raise fields.refuse("detail-type", f"one of {', '.join(KINDS)}")
            detail = fields.fields("detail")
            item = detail.fields("object")
            version_id = item.text("version-id", "") or None
            return cls(
                bucket=detail.fields("bucket").text("name"),
                key=item.text("key"),
                version_id=version_id,
                bytes=item.whole("size", 0, default=0),
                sequencer=pad_sequencer(item.text("sequencer", "")),
                deleted=KINDS[kind],
                erased=bool(KINDS[kind] and version_id and detail.text("deletion-type", "") == "Permanently Deleted"),
                time=fields.text("time"),
            )
        except InvalidFieldError as error:
            raise InvalidS3EventError(f"not an S3 object event: {error}") from error

    def is_stale(self, last_sequencer: str | None) -> bool:
        """Return whether a later event of the same key was applied already. The same event again is not stale."""
        return last_sequencer is not None and self.sequencer < last_sequencer


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing of its bucket shows it."""

    key: str
    bytes: int
    modified: datetime


def pad_sequencer(sequencer: str) -> str:
    """Return S3's hexadecimal number padded with zeros, so that texts compare as the numbers they are."""
    return sequencer.upper().rjust(SEQUENCER_LENGTH, "0")


def created_event(bucket: str, listed: ListedObject) -> Mapping[str, object]:
    """Return the event that S3 should have sent for an object of a bucket listing.

    Its sequencer is the smallest there is, so that the real event, should it still come, is the later one.
    """
    return {
        "source": "sightline.sweep",
        "detail-type": "Object Created",
        "time": listed.modified.isoformat(),
        "detail": {
            "bucket": {"name": bucket},
            "object": {"key": listed.key, "size": listed.bytes, "sequencer": "0"},
        },
    }
