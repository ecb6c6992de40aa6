"""The image ledger in DynamoDB. Every write may be repeated, come late or race another one: conditions decide."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from sightline.aws.clients import Aws
from sightline.aws.table import Table
from sightline.images import image as ledger
from sightline.images.image import ObjectEvent

BY_STATUS = "by_status"
BY_ATTENTION = "by_attention"
PLACE_TRIES = 5  # events of one key at one moment; more come again from the queue
WRITERS = 16  # threads for writes of many single items; conditions rule out batch writes


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def image_key(image_id: str) -> dict[str, str]:
    return {"pk": f"image#{image_id}"}


def object_key(bucket: str, key: str) -> dict[str, str]:
    return {"pk": f"object#{bucket}/{key}"}


class Ledger:
    """The one truth about images; see docs/architecture.md for the attributes."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = Table(aws, table)

    def image(self, image_id: str) -> dict[str, Any] | None:
        return self.table.get(image_key(image_id))

    def last_sequencer(self, bucket: str, key: str) -> str | None:
        item = self.table.get(object_key(bucket, key))
        return item["sequencer"] if item else None

    def add(self, event: ObjectEvent, image: dict[str, Any]) -> str:
        """Enter the image that `event` brought; answer `new`, `known` (the same bytes were there) or `stale`.

        The object's item is written last: whatever fails before, the repeated event does all of it again.
        """
        image_id, outcome = image["image_id"], "known"
        for _ in range(PLACE_TRIES):
            before = self._place(event)
            if ledger.is_stale(event, before.get("sequencer")):
                if before["image_id"] != image_id:
                    self._leave(image_id, event.key)  # it may have been entered before the later event was seen
                return "stale"
            entered = {**image_key(image_id), **image, "keys": {event.key}, "rounds": 0, "updated_at": now()}
            if self.table.put_new(entered) is None:
                outcome = "new"
            else:
                self._return(image, event.key)
            if before.get("image_id") not in (None, "", image_id):
                self._leave(before["image_id"], event.key)
            if self._write_place(event, before, image_id):
                return outcome
        raise RuntimeError(f"{event.key!r} in {event.bucket!r} is being written by others; the event comes again")

    def remove(self, event: ObjectEvent) -> str:
        """The object of `event` is gone; an image without any object left is REMOVED. Answers `removed` or `stale`."""
        for _ in range(PLACE_TRIES):
            before = self._place(event)
            elsewhere = event.erased and before.get("version_id") != event.version_id  # an older version was erased
            if elsewhere or ledger.is_stale(event, before.get("sequencer")):
                return "stale"
            if before.get("image_id"):
                self._leave(before["image_id"], event.key)
            if self._write_place(event, before, ""):
                return "removed"
        raise RuntimeError(f"{event.key!r} in {event.bucket!r} is being written by others; the event comes again")

    def _place(self, event: ObjectEvent) -> dict[str, Any]:
        return self.table.get(object_key(event.bucket, event.key)) or {}

    def _write_place(self, event: ObjectEvent, before: dict[str, Any], image_id: str) -> bool:
        """Say which image lies at the event's key ("" for none). False when `before` is not there any more."""
        values = {"sequencer": event.sequencer, "version_id": event.version_id or "", "image_id": image_id}
        condition = "attribute_not_exists(pk)"
        if before:
            condition = "#sequencer = :seen AND #image_id = :seen_image"
            values |= {"seen": before["sequencer"], "seen_image": before["image_id"]}
        written = self.table.update(
            object_key(event.bucket, event.key),
            "SET #sequencer = :sequencer, #version_id = :version_id, #image_id = :image_id",
            values,
            condition=condition,
        )
        return written is not None

    def _return(self, image: dict[str, Any], key: str) -> None:
        """A known image lies under `key` too; a REMOVED one becomes what it was, and is read from there from now on."""
        known = self.table.update(image_key(image["image_id"]), "ADD #keys :keys", {"keys": {key}}) or {}
        if known["status"] != ledger.REMOVED:
            return
        place = {"bucket": image["bucket"], "key": image["key"], "version_id": image.get("version_id") or ""}
        self.table.update(
            image_key(image["image_id"]),
            "SET #status = :after, #updated_at = :now, #bucket = :bucket, #key = :key, #version_id = :version_id",
            {"removed": ledger.REMOVED, "after": ledger.status_on_return(known), "now": now(), **place},
            condition="#status = :removed",
        )

    def _leave(self, image_id: str, key: str) -> None:
        self.table.update(image_key(image_id), "DELETE #keys :keys", {"keys": {key}}, condition="attribute_exists(pk)")
        self.table.update(
            image_key(image_id),
            "SET #status = :removed, #updated_at = :now REMOVE #claimed_by",
            {"removed": ledger.REMOVED, "now": now(), "quarantined": ledger.QUARANTINED},
            condition="attribute_exists(pk) AND attribute_not_exists(#keys)"
            " AND NOT #status = :quarantined AND NOT #status = :removed",
        )

    def with_status(self, status: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Images of a status, the one longest unchanged first. The index lags by moments behind the writes."""
        return self.table.query(BY_STATUS, "#status = :status", {"status": status}, limit)

    def count(self, status: str) -> int:
        return self.table.count(BY_STATUS, "#status = :status", {"status": status})

    def claim(self, job_id: str, limit: int) -> list[dict[str, Any]]:
        """Claim up to `limit` NEW images for one job; a second call of the same job returns its first claim too."""
        mine = self.claimed_by(job_id)
        fresh = self.with_status(ledger.NEW, limit - len(mine)) if len(mine) < limit else []
        with ThreadPoolExecutor(WRITERS) as pool:
            claimed = list(pool.map(lambda image: self._claim(image["image_id"], job_id), fresh))
        images = {image["image_id"]: image for image in [*mine, *(image for image in claimed if image)]}
        return [images[image_id] for image_id in sorted(images)]

    def claim_for_labels(self, job_id: str, image_ids: list[str]) -> list[dict[str, Any]]:
        """Claim those of these images that are NEW or REJECTED, for a job that brings their labels; again: the same
        ones.
        """

        def one(image_id: str) -> dict[str, Any] | None:
            values = {"claimed": ledger.CLAIMED, "job": job_id, "new": ledger.NEW, "rejected": ledger.REJECTED}
            return self.table.update(
                image_key(image_id),
                "SET #status = :claimed, #claimed_by = :job, #updated_at = :now",
                {**values, "now": now()},
                condition="(#status = :claimed AND #claimed_by = :job) OR #status = :new"
                " OR (#status = :rejected AND NOT #claimed_by = :job)",
            )

        with ThreadPoolExecutor(WRITERS) as pool:
            return [image for image in pool.map(one, image_ids) if image]

    def claimed_by(self, job_id: str) -> list[dict[str, Any]]:
        return [image for image in self.with_status(ledger.CLAIMED) if image.get("claimed_by") == job_id]

    def _claim(self, image_id: str, job_id: str) -> dict[str, Any] | None:
        return self.table.update(
            image_key(image_id),
            "SET #status = :claimed, #claimed_by = :job, #updated_at = :now",
            {"claimed": ledger.CLAIMED, "job": job_id, "new": ledger.NEW, "now": now()},
            condition="#status = :new",
        )

    def release(self, job_id: str) -> int:
        """Give a job's images back to NEW; answer how many."""
        images = self.claimed_by(job_id)
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(map(bool, pool.map(lambda image: self.give_back(image["image_id"], job_id), images)))

    def give_back(self, image_id: str, job_id: str) -> dict[str, Any] | None:
        """Give one image of a job back to NEW; None when it was not the job's."""
        return self.table.update(
            image_key(image_id),
            "SET #status = :new, #updated_at = :now REMOVE #claimed_by",
            {"new": ledger.NEW, "claimed": ledger.CLAIMED, "job": job_id, "now": now()},
            condition="#status = :claimed AND #claimed_by = :job",
        )

    def settle(self, job_id: str, image_id: str, status: str, *, rounds: int, **fields: Any) -> bool:
        """End a claim with APPROVED (and `label_ref`, `annotations`) or REJECTED. True also when this job did so
        before.

        REJECTED comes with `attention`, `why` and the last `annotations`, if any. False: the image was removed or
        released meanwhile.
        """
        key, values = image_key(image_id), {"after": status, "job": job_id, "rounds": rounds}
        given = "".join(f", #{name} = :{name}" for name in fields)
        left = " REMOVE #attention, #why" if status == ledger.APPROVED else ""
        claimed = self.table.update(
            key,
            f"SET #status = :after, #rounds = :rounds, #updated_at = :now{given}{left}",
            {**values, **fields, "claimed": ledger.CLAIMED, "now": now()},
            condition="#claimed_by = :job AND #status = :claimed",
        )
        # Done before: the same is written again, so that updated_at tells the first time.
        again = "#claimed_by = :job AND #status = :after"
        return bool(claimed or self.table.update(key, "SET #rounds = :rounds", values, condition=again))

    def attention(self, limit: int) -> list[dict[str, Any]]:
        """At most `limit` images that an engineer has to look at, the one longest unchanged first."""
        return self.table.query(BY_ATTENTION, "#attention = :open", {"open": "OPEN"}, limit)

    def ask_attention(self, image_id: str, why: str) -> bool:
        """Offer an approved label for a second look; False when it is not approved, or an engineer has accepted it
        before.
        """
        asked = self.table.update(
            image_key(image_id),
            "SET #attention = :open, #why = :why, #updated_at = :now",
            {"open": "OPEN", "why": why, "now": now(), "approved": ledger.APPROVED},
            condition="#status = :approved AND attribute_not_exists(#accepted_by)",
        )
        return asked is not None

    def settle_attention(self, image_id: str, status: str, **fields: Any) -> dict[str, Any] | None:
        """Take an image off the engineer's list with `status`: NEW to be labelled again, APPROVED, or QUARANTINED.

        NEW keeps the last `annotations` and `why`, for whoever labels it. None: the image was not on the list.
        """
        gone = "#attention, #claimed_by" + (", #label_ref, #accepted_by" if status == ledger.NEW else ", #why")
        given = "".join(f", #{name} = :{name}" for name in fields)
        return self.table.update(
            image_key(image_id),
            f"SET #status = :after, #updated_at = :now{given} REMOVE {gone}",
            {"after": status, "now": now(), "open": "OPEN", "rejected": ledger.REJECTED, "approved": ledger.APPROVED}
            | fields,
            condition="#attention = :open AND (#status = :rejected OR #status = :approved)",
        )

    def freeze(self, image_id: str, group_id: str, split: str) -> None:
        """Write an image's group and split, once: what is there stays."""
        self.table.update(
            image_key(image_id),
            "SET #group_id = :group, #split = :split",
            {"group": group_id, "split": split},
            condition="attribute_exists(pk) AND attribute_not_exists(#split)",
        )

    def open_window(self, seconds: int) -> dict[str, Any]:
        """The collecting window that is open now, opened where none is.

        Answers `{"name", "claim_at"}`: the execution's name, and the moment (ISO 8601, UTC) at which it claims images.
        """
        moment = int(datetime.now(UTC).timestamp() * 1000)
        fresh = {"opened_at": moment, "closes_at": moment + seconds * 1000}
        opened = self.table.update(
            {"pk": "window"},
            "SET #opened_at = :opened_at, #closes_at = :closes_at",
            {**fresh, "now": moment},
            condition="attribute_not_exists(pk) OR #closes_at < :now",
        )
        current = opened or self.table.get({"pk": "window"}) or fresh
        closes = datetime.fromtimestamp(current["closes_at"] // 1000 + 1, UTC)  # never before the window has closed
        return {"name": f"window-{current['opened_at']}", "claim_at": closes.strftime("%Y-%m-%dT%H:%M:%SZ")}
