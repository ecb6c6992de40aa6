"""Compare what lies in the bucket with what the ledger says, in the order of the keys, and say where they differ.

Both sides are read as lists: neither is looked at object by object, and nothing but a page of each is in memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.table import Table
from sightline.clock import SKEW_SECONDS
from sightline.fields import Fields
from sightline.images.image import as_text, now
from sightline.images.places import BY_LIST, ObjectVersion, Place, object_lists

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ListObjectVersionsRequestTypeDef

SWEEP_KEY = {"pk": "sweep"}
PAGE = 500  # entries of one list of the index that are read at a time
PERIOD = timedelta(hours=23)  # a sweep begins so long after the last one began, at the earliest
SKEW = timedelta(seconds=SKEW_SECONDS)  # one that began later than that from now was begun by a wrong clock
COUNTED = timedelta(days=7)  # the images are counted again so long after they were counted, at the earliest


@dataclass(frozen=True, slots=True)
class Compared:
    """One object key at which something lies, by the bucket or by the ledger."""

    key: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a sweep has come. One that was broken off goes on after the last key."""

    began_at: datetime
    after: str = ""  # the last key that was compared
    compared: int = 0  # objects
    queued: int = 0  # of those, how many differ
    has_ended: bool = False
    counted_at: datetime | None = None  # when the images' counters were compared with the images, in any sweep

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        fields = Fields(item, "in the ledger's item 'sweep'")
        return cls(
            began_at=fields.moment("began_at"),
            after=fields.text("after", ""),
            compared=fields.whole("compared", 0),
            queued=fields.whole("queued", 0),
            has_ended=fields.flag("has_ended"),
            counted_at=fields.moment("counted_at") if "counted_at" in item else None,
        )

    def to_item(self) -> dict[str, object]:
        item: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        counted = {"counted_at": as_text(self.counted_at) if self.counted_at else None}
        return {**SWEEP_KEY, **item, "began_at": as_text(self.began_at), **counted}

    def on(self, compared: Compared) -> Self:
        """Return the sweep one key further."""
        return replace(self, after=compared.key, compared=self.compared + 1, queued=self.queued + compared.differs)

    def at_end(self) -> Self:
        return replace(self, has_ended=True)

    @property
    def is_counting_due(self) -> bool:
        """Whether the images are to be counted when the sweep has ended."""
        return self.counted_at is None or now() - self.counted_at >= COUNTED

    def counted(self) -> Self:
        return replace(self, counted_at=now())


class Sweeping:
    """The sweep of one bucket."""

    def __init__(self, aws: Aws, table: Table, bucket: str) -> None:
        self.aws, self.table, self.bucket = aws, table, bucket

    def current(self, *, begin: bool) -> Sweep | None:
        """Return the sweep to go on with: a new one where `begin` says so, or the last one began long ago. None: it has
        ended, and the images are counted.
        """
        item, moment = self.table.get(SWEEP_KEY), now()
        last = Sweep.from_item(item) if item else None
        if (
            begin
            or last is None
            or last.began_at - moment > SKEW
            or (last.has_ended and moment - last.began_at >= PERIOD)
        ):
            fresh = Sweep(began_at=moment, counted_at=last.counted_at if last and not begin else None)
            self.table.put(fresh.to_item())
            return fresh
        return None if last.has_ended and not last.is_counting_due else last

    def save(self, sweep: Sweep) -> None:
        """Note how far a sweep has come, unless a newer one has begun."""
        values = {name: value for name, value in sweep.to_item().items() if name != "pk" and value is not None}
        self.table.update(
            SWEEP_KEY,
            "SET " + ", ".join(f"#{name} = :{name}" for name in values),
            values,
            condition="#began_at = :began_at",
        )

    def compare(self, after: str) -> Iterator[Compared]:
        """Give every key after `after` at which something lies, by the bucket or by the ledger, in their order."""
        bucket, ledger = self._objects(after), self._places(after)
        there, known = next(bucket, None), next(ledger, None)
        while there or known:
            if known is None or (there and there[0] < known.key):
                assert there
                yield Compared(there[0], differs=True)
                there = next(bucket, None)
            elif there is None or known.key < there[0]:
                yield Compared(known.key, differs=True)
                known = next(ledger, None)
            else:
                yield Compared(known.key, differs=bool(known.refused) or not known.holds(there[1]))
                there, known = next(bucket, None), next(ledger, None)

    def _objects(self, after: str) -> Iterator[tuple[str, ObjectVersion]]:
        """Give what lies in the bucket. Where a delete marker is the newest version, nothing does."""
        request: ListObjectVersionsRequestTypeDef = {"Bucket": self.bucket, "Prefix": names.INCOMING}
        if after:
            request["KeyMarker"] = after
        while True:
            page = self.aws.s3.list_object_versions(**request)
            for version in page.get("Versions", []):
                is_folder = version["Key"].endswith("/") and version["Size"] == 0
                if version["IsLatest"] and not is_folder:
                    yield version["Key"], ObjectVersion.of(version)
            if not page["IsTruncated"]:
                return
            request["KeyMarker"] = page["NextKeyMarker"]
            request.pop("VersionIdMarker", None)
            if marker := page.get("NextVersionIdMarker"):
                request["VersionIdMarker"] = marker

    def _places(self, after: str) -> Iterator[Place]:
        """Give the rows of objects, those of all lists in one order."""
        lists = [
            self.table.each(
                BY_LIST,
                "#list = :list AND #key > :after",
                {"list": name, "after": after or names.INCOMING},  # the value of a key is never empty
                Limit=PAGE,
            )
            for name in object_lists(self.bucket)
        ]
        for item in heapq.merge(*lists, key=lambda item: str(item["key"])):
            fields = Fields(item, f"in the ledger's item {item['pk']!r:.90}")
            yield Place(
                self.bucket,
                fields.text("key"),
                version_id=fields.text("version_id", ""),
                etag=fields.text("etag", ""),
                image_id=fields.text("image_id", ""),
                refused=fields.text("refused", ""),
            )
