"""How many images there are of each status, known without reading them.

The transaction that gives an image another status counts it, too: either both happen or neither, so a repeated or late
write counts nothing. Each image is counted in one of SHARDS items, always the same one, so that many images can change
at once: two transactions on one item get in each other's way.
"""

import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sightline.aws.table import Table, Transaction
from sightline.fields import Fields
from sightline.images.image import ImageStatus, as_text, now

SHARDS = 64  # at most 100, which one request reads
IMAGE = "image#"


def shard_of(image_id: str) -> int:
    """Return the number of the item in which an image is counted."""
    return zlib.crc32(image_id.encode()) % SHARDS


def count_key(number: int) -> dict[str, str]:
    return {"pk": f"count#{number:02}"}


class Change(Transaction):
    """Writes to the ledger that are done all or not at all, with the counting of what they change."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._moved: dict[int, Counter[ImageStatus]] = defaultdict(Counter)

    def move(self, image_id: str, before: ImageStatus | None, after: ImageStatus | None) -> None:
        """Count an image that gets another status. None: it has no row before, or none afterwards.

        The transaction must hold the condition that its status is `before`.
        """
        if before is not after:
            moved = self._moved[shard_of(image_id)]
            moved.update([after] if after else [])
            moved.subtract([before] if before else [])

    def run(self) -> bool:
        """Return False when a condition did not hold, and nothing was written or counted."""
        for number, moved in self._moved.items():
            added = ", ".join(f"#{status} :{status}" for status in moved)
            values = {status.value: change for status, change in moved.items()}
            self.update(count_key(number), f"ADD {added}, #revision :one", {**values, "one": 1})
        return super().run()


@dataclass(frozen=True, slots=True)
class Shard:
    """The images that are counted in one item."""

    images: Mapping[ImageStatus, int]
    revision: int  # grows with each change
    is_whole: bool  # all images were counted: also those that are older than the counting

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        fields = Fields(item, f"in the ledger's item {item['pk']!r}")
        return cls(
            # Below 0 where images are older than the counting.
            {status: fields.whole(status.value, -(2**53), default=0) for status in ImageStatus},
            fields.whole("revision", 0, default=0),
            is_whole="counted_at" in item,
        )


@dataclass(frozen=True, slots=True)
class Recounted:
    """What a recount has found."""

    images: int  # that were read
    corrected: int  # shards that were wrong
    is_whole: bool  # every shard was counted, now or before


class Counters:
    """The counted images of one ledger."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def read(self) -> dict[ImageStatus, int] | None:
        """Return the number of images of each status; None as long as there has been no recount."""
        shards = self._shards().values()
        if not all(shard.is_whole for shard in shards):
            return None
        return {status: sum(shard.images[status] for shard in shards) for status in ImageStatus}

    def recount(self, until: float = float("inf")) -> Recounted:
        """Count the images by reading all of them, and correct what differs. `until`: of time.monotonic().

        Nobody has to wait: what was read counts only where the shard's revision is the same before and afterwards. A
        shard that changes meanwhile is corrected by a later recount.
        """
        before, read = self._shards(), {number: Counter[ImageStatus]() for number in range(SHARDS)}
        for item in self.table.scan(["pk", "status"], "begins_with(#pk, :image)", {"image": IMAGE}):
            fields = Fields(item, f"in the ledger's item {item['pk']!r:.90}")
            image_id = fields.text("pk").removeprefix(IMAGE)
            read[shard_of(image_id)][fields.choice("status", ImageStatus)] += 1
            if time.monotonic() > until:
                return Recounted(0, 0, is_whole=False)
        corrected, is_whole = 0, True
        for number, shard in before.items():
            found = {status: read[number][status] for status in ImageStatus}
            if shard.is_whole and shard.images == found:
                continue
            if self._correct(number, shard, found):
                corrected += shard.is_whole
            else:
                is_whole = is_whole and shard.is_whole
        return Recounted(sum(counts.total() for counts in read.values()), corrected, is_whole)

    def _correct(self, number: int, seen: Shard, images: Mapping[ImageStatus, int]) -> bool:
        """Write what was read. Return False when an image of the shard has changed since `seen`."""
        written = {status.value: count for status, count in images.items()} | {"counted_at": as_text(now())}
        corrected = self.table.update(
            count_key(number),
            f"SET {', '.join(f'#{name} = :{name}' for name in written)} ADD #revision :one",
            {**written, "one": 1} | ({"seen": seen.revision} if seen.revision else {}),
            condition="#revision = :seen" if seen.revision else "attribute_not_exists(#revision)",
        )
        return corrected is not None

    def _shards(self) -> dict[int, Shard]:
        found = {item["pk"]: item for item in self.table.get_all([count_key(number) for number in range(SHARDS)])}
        keys = {number: count_key(number)["pk"] for number in range(SHARDS)}
        return {number: Shard.from_item(found.get(pk, {"pk": pk})) for number, pk in keys.items()}
