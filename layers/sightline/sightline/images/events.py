"""Events of the images bucket: which object S3, or the sweep, has something to say about.

An event is a hint to look there, and nothing more. It may come late, twice, in any order or not at all, and what it
says may be over: a delete marker is removed, a version is erased. What lies in the bucket decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sightline.errors import SightlineError
from sightline.fields import Fields, InvalidFieldError

CREATED, DELETED = "Object Created", "Object Deleted"  # S3; removing a delete marker is Object Deleted too
SWEPT = "Object Swept"  # the sweep: bucket and ledger differ
KINDS = (CREATED, DELETED, SWEPT)


class InvalidS3EventError(SightlineError):
    """An event that is not an S3 object event as EventBridge sends it."""


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One event: something has changed at an object key."""

    bucket: str
    key: str

    @classmethod
    def from_event(cls, event: object) -> Self:
        """Read an EventBridge event of S3 or of the sweep. Raise InvalidS3EventError naming the field that is wrong."""
        try:
            fields = Fields(event, "in an S3 event")
            if fields.text("detail-type") not in KINDS:
                raise fields.refuse("detail-type", f"one of {', '.join(KINDS)}")
            detail = fields.fields("detail")
            return cls(detail.fields("bucket").text("name"), detail.fields("object").text("key"))
        except InvalidFieldError as error:
            raise InvalidS3EventError(f"not an S3 object event: {error}") from error


def swept_event(bucket: str, key: str) -> Mapping[str, object]:
    """Return the event of the sweep for an object key."""
    return {
        "source": "sightline.sweep",
        "detail-type": SWEPT,
        "detail": {"bucket": {"name": bucket}, "object": {"key": key}},
    }
