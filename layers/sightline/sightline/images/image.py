"""An image of the ledger: its states, its record, and the collecting window in which new ones are gathered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NotRequired, Self, TypedDict

from sightline.fields import Fields
from sightline.images.box import Box, read_boxes


class ImageStatus(StrEnum):
    """What an image is at the moment: the value of `status` in its item."""

    NEW = "NEW"  # waits for a labelling job
    CLAIMED = "CLAIMED"  # a labelling job has it
    APPROVED = "APPROVED"  # has a label that people agree on
    REJECTED = "REJECTED"  # people could not settle its label; an engineer has to look
    QUARANTINED = "QUARANTINED"  # no image that can be used, or dropped by an engineer
    REMOVED = "REMOVED"  # no object has its bytes any more

    @property
    def said(self) -> str:
        """Return what people read: the page and the command say the same."""
        return _SAID[self]


_SAID = {
    ImageStatus.NEW: "new",
    ImageStatus.CLAIMED: "being labelled",
    ImageStatus.APPROVED: "labelled",
    ImageStatus.REJECTED: "not settled",
    ImageStatus.QUARANTINED: "in quarantine",
    ImageStatus.REMOVED: "removed",
}


class Split(StrEnum):
    """The part of a dataset that an image is in, for good: the value of `split` in its item."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class ImageLine(TypedDict):
    """One line of images.jsonl: an image that a labelling round asks about."""

    image_id: str
    bucket: str
    key: str
    version_id: str | None  # None in a bucket without versions
    width: int  # pixels
    height: int  # pixels
    format: str  # `jpeg`, `png`, …: the extension of its copy in datasets
    rendition: str | None  # the key of what the page shows, where that is not the image itself
    annotations: list[Box] | None  # its last label, where an engineer sent it back
    reason: str | None  # why it came back
    earlier_job: NotRequired[str]  # the labelling job that had it before and ended early


def now() -> datetime:
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """Return a time as the ledger writes it: ISO 8601 in UTC with milliseconds, so that texts sort as times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class Image:
    """One image: all objects with the same bytes. `None` stands for what is not known or does not apply."""

    image_id: str  # SHA-256 of the bytes in hexadecimal; of the object's place where it was too large to be read
    status: ImageStatus
    bucket: str
    key: str  # one of `keys`: the object that it is read from
    bytes: int
    captured_at: str  # ISO 8601 as the device says it, else when S3 sent the event
    source: str  # `upload`, `device`, or what the uploader's metadata says
    version_id: str | None = None  # None in a bucket without versions
    keys: frozenset[str] = frozenset()  # objects that have its bytes, at most 20; none of a REMOVED image
    copies: int = 0  # objects that have its bytes beside those: each has an item of its own
    updated_at: datetime = field(default_factory=now)  # of the last change of its status
    rounds: int = 0  # labelling rounds that its label took

    # Read from its content; not known of an object that was refused before it was decoded.
    width: int = 0  # pixels, at least 16; 0 where not known
    height: int = 0  # pixels, at least 16; 0 where not known
    format: str = ""  # `jpeg`, `png`, …
    phash: str = ""  # its map of fine detail (sightline.vision.phash)
    rendition: str | None = None  # the key of what the page shows, where that is not the image itself

    # Said by the device that sends an image back.
    device: str | None = None
    verdict: str | None = None  # `pass`, `fail` or `review`
    model_version: str | None = None
    sampled: str | None = None  # why the device sends it

    reason: str | None = None  # why it is QUARANTINED
    quarantined_at: datetime | None = None

    correlation_id: str | None = None  # the execution that last claimed it, and everything that came of it
    claimed_by: str | None = None  # the labelling job that has it, or settled it
    given_back_by: str | None = None  # the labelling job that had it before and ended early
    annotations: tuple[Box, ...] | None = None  # the last label, also of a rejected image; () is "no defect"
    label_ref: str | None = None  # s3:// URI of the manifest with its approved label
    attention: bool = False  # an engineer has to look
    why: str | None = None  # for what
    accepted_by: str | None = None  # the engineer who accepted its label

    group_id: str | None = None  # near-duplicates, frozen with the split
    split: Split | None = None  # once written, for good

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        """Read an item of the ledger. Raise InvalidFieldError naming the field, its value and what it should be."""
        where = f"in the ledger's item {item.get('pk', item.get('image_id'))!r:.90}"
        fields = Fields(item, where)
        quarantined = fields.moment("quarantined_at") if "quarantined_at" in item else None
        return cls(
            image_id=fields.text("image_id"),
            status=fields.choice("status", ImageStatus),
            bucket=fields.text("bucket"),
            key=fields.text("key"),
            bytes=fields.whole("bytes", 0),
            captured_at=fields.text("captured_at"),
            source=fields.text("source"),
            version_id=_optional(fields, "version_id"),
            keys=frozenset(fields.texts("keys")),
            copies=fields.whole("copies", 0, default=0),
            updated_at=fields.moment("updated_at"),
            rounds=fields.whole("rounds", 0, default=0),
            width=fields.whole("width", 0, default=0),
            height=fields.whole("height", 0, default=0),
            format=fields.text("format", ""),
            phash=fields.text("phash", ""),
            rendition=_optional(fields, "rendition"),
            device=_optional(fields, "device"),
            verdict=_optional(fields, "verdict"),
            model_version=_optional(fields, "model_version"),
            sampled=_optional(fields, "sampled"),
            reason=_optional(fields, "reason"),
            quarantined_at=quarantined,
            correlation_id=_optional(fields, "correlation_id"),
            claimed_by=_optional(fields, "claimed_by"),
            given_back_by=_optional(fields, "given_back_by"),
            annotations=read_boxes(item["annotations"], where) if item.get("annotations") is not None else None,
            label_ref=_optional(fields, "label_ref"),
            attention="attention" in item,
            why=_optional(fields, "why"),
            accepted_by=_optional(fields, "accepted_by"),
            group_id=_optional(fields, "group_id"),
            split=fields.choice("split", Split) if item.get("split") else None,
        )

    def to_item(self) -> dict[str, object]:
        """Return the attributes as the ledger stores them, without those that are not known."""
        item: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        item |= {
            "updated_at": as_text(self.updated_at),
            "quarantined_at": as_text(self.quarantined_at) if self.quarantined_at else None,
            "annotations": list(self.annotations) if self.annotations is not None else None,
            "attention": OPEN if self.attention else None,
            "keys": set(self.keys) or None,  # DynamoDB has no empty set
            "copies": self.copies or None,
            "width": self.width or None,
            "height": self.height or None,
        }
        return {name: value for name, value in item.items() if value is not None and value != ""}

    def line(self) -> ImageLine:
        """Return what a labelling round needs to know of it."""
        line: ImageLine = {
            "image_id": self.image_id,
            "bucket": self.bucket,
            "key": self.key,
            "version_id": self.version_id,
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "rendition": self.rendition,
            "annotations": list(self.annotations) if self.annotations is not None else None,
            "reason": self.why,
        }
        return {**line, "earlier_job": self.given_back_by} if self.given_back_by else line

    def status_on_return(self) -> ImageStatus:
        """Return what a REMOVED image becomes when its bytes are uploaded again: what it was, labels included."""
        return ImageStatus.APPROVED if self.label_ref else ImageStatus.NEW


OPEN = "OPEN"  # the value of `attention`, where an item has one: the key of the index by_attention


def _optional(fields: Fields, name: str) -> str | None:
    """Return a text, or None where it is missing or empty."""
    return fields.text(name, "") or None


@dataclass(frozen=True, slots=True)
class Window:
    """The time in which new images are collected for one labelling job."""

    opened_at: int  # milliseconds since 1970
    claim_at: datetime  # UTC, when its execution claims them: never before the window has closed

    @property
    def name(self) -> str:
        """Return the name of the execution that labels its images."""
        return f"window-{self.opened_at}"

    def request(self) -> dict[str, str]:
        """Return the input of the execution."""
        return {"claim_at": self.claim_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
