"""The image ledger in DynamoDB. Every write may be repeated, come late or race another one: conditions decide."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from sightline.aws.clients import Aws
from sightline.aws.table import Table, Transaction
from sightline.clock import SKEW_SECONDS
from sightline.fields import Fields
from sightline.images import image
from sightline.images.box import Box
from sightline.images.counters import Change, Counters
from sightline.images.image import OPEN, Image, ImageStatus, Window
from sightline.images.places import PAUSE_SECONDS, TRIES, Places, image_key

BY_STATUS = "by_status"
BY_ATTENTION = "by_attention"
WRITERS = 16  # threads for writes of many single items; conditions rule out batch writes


def now() -> str:
    return image.as_text(image.now())


class Ledger:
    """The one truth about images: an item for each content hash, and one for each object key."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = Table(aws, table)
        self.places = Places(self.table)
        self.counters = Counters(self.table)

    def image(self, image_id: str) -> Image | None:
        return self.places.image(image_id)

    def image_at(self, bucket: str, key: str) -> Image | None:
        """Return the image that lies at an object key, None where there is none."""
        place = self.places.at(bucket, key)
        return self.image(place.image_id) if place and place.image_id else None

    def with_status(self, status: ImageStatus, limit: int | None = None) -> list[Image]:
        """Return images of a status, the one longest unchanged first. The index lags by moments behind the writes."""
        found = self.table.each(BY_STATUS, "#status = :status", {"status": status}, limit)
        return [Image.from_item(item) for item in found]

    def counts(self) -> dict[ImageStatus, int]:
        """Return the number of images of each status, as of this moment."""
        return self.counters.read() or {status: self._count_by_reading(status) for status in ImageStatus}

    def _count_by_reading(self, status: ImageStatus) -> int:
        """Count images that may be older than the counters. After the first sweep nobody has to."""
        return self.table.count(BY_STATUS, "#status = :status", {"status": status})

    def claim(self, job_id: str, limit: int, correlation_id: str) -> list[Image]:
        """Claim up to `limit` NEW images for one job; a second call of the same job returns its first claim too."""
        mine = self.claimed_by(job_id)
        fresh = self.with_status(ImageStatus.NEW, limit - len(mine)) if len(mine) < limit else []
        with ThreadPoolExecutor(WRITERS) as pool:
            claimed = list(pool.map(lambda found: self._claim(found, job_id, correlation_id, _is_new), fresh))
        images = {found.image_id: found for found in [*mine, *(found for found in claimed if found)]}
        return [images[image_id] for image_id in sorted(images)]

    def claim_for_labels(self, job_id: str, image_ids: Iterable[str], correlation_id: str) -> list[Image]:
        """Claim those of these images that are NEW or REJECTED, for a job that brings their labels. A second call
        returns the same ones.
        """

        def may(known: Image) -> bool:
            return _is_new(known) or (known.status is ImageStatus.REJECTED and known.claimed_by != job_id)

        def one(image_id: str) -> Image | None:
            known = self.image(image_id)
            if known is None or (known.status is ImageStatus.CLAIMED and known.claimed_by == job_id):
                return known
            return self._claim(known, job_id, correlation_id, may)

        with ThreadPoolExecutor(WRITERS) as pool:
            return [found for found in pool.map(one, image_ids) if found]

    def take_over(self, image_id: str, holder: str, job_id: str, correlation_id: str) -> Transaction:
        """Return the change, not yet made, that gives an image of one job to another. It needs `holder` to have it."""
        change = Transaction(self.table)
        change.update(
            image_key(image_id),
            "SET #claimed_by = :job, #correlation_id = :correlation, #updated_at = :now REMOVE #given_back_by",
            {
                "claimed": ImageStatus.CLAIMED,
                "holder": holder,
                "job": job_id,
                "correlation": correlation_id,
                "now": now(),
            },
            condition="#status = :claimed AND #claimed_by = :holder",
        )
        return change

    def claimed_by(self, job_id: str) -> list[Image]:
        return [found for found in self.with_status(ImageStatus.CLAIMED) if found.claimed_by == job_id]

    def claims(self) -> dict[str, datetime]:
        """Return the jobs that have images, each with the moment of its newest claim."""
        newest = dict[str, datetime]()
        for found in self.with_status(ImageStatus.CLAIMED):
            if found.claimed_by:
                newest[found.claimed_by] = max(found.updated_at, newest.get(found.claimed_by, found.updated_at))
        return newest

    def _claim(self, known: Image, job_id: str, correlation_id: str, may: Callable[[Image], bool]) -> Image | None:
        """Claim an image that was read lately, where `may` allows it. Return it, else None."""
        before = self._move(
            known.image_id,
            ImageStatus.CLAIMED,
            may,
            ", #claimed_by = :job, #correlation_id = :correlation REMOVE #attention",
            {"job": job_id, "correlation": correlation_id},
            known,
        )
        if before is None:
            return None
        claimed = replace(before, status=ImageStatus.CLAIMED, claimed_by=job_id, attention=False)
        return replace(claimed, correlation_id=correlation_id)

    def _move(
        self,
        image_id: str,
        after: ImageStatus,
        may: Callable[[Image], bool],
        expression: str,
        values: Mapping[str, object],
        known: Image | None = None,
    ) -> Image | None:
        """Give an image another status, with what `expression` says beside it, and count it there.

        `may` says whether that is right for the image as it is; what it may look at is in `_unchanged`. `known` is the
        image as it was read lately. Return it as it was before, None where `may` refuses or there is no such image.
        """
        for attempt in range(TRIES):
            found = known if known and attempt == 0 else self.image(image_id)
            if found is None or not may(found):
                return None
            change, (condition, seen) = Change(self.table), _unchanged(found)
            change.update(
                image_key(image_id),
                f"SET #status = :after, #updated_at = :now{expression}",
                {"after": after, "now": now(), **values, **seen},
                condition=condition,
            )
            change.move(image_id, found.status, after)
            if change.run():
                return found
            time.sleep(PAUSE_SECONDS * attempt)
        raise RuntimeError(f"image {image_id} is being written by others; try again in a moment")

    def release(self, job_id: str, *, asked: bool = False) -> int:
        """Give a job's images back to NEW. Return how many. `asked`: people were asked, so their answers are there."""
        images = self.claimed_by(job_id)
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(lambda found: self.give_back(found.image_id, job_id, asked=asked), images))

    def give_back(self, image_id: str, job_id: str, *, asked: bool = False) -> bool:
        """Give one image of a job back to NEW. Return False when it was not the job's."""
        before = ":job" if asked else "if_not_exists(#given_back_by, :job)"  # another one's answers stay its own
        given = self._move(
            image_id,
            ImageStatus.NEW,
            lambda known: known.status is ImageStatus.CLAIMED and known.claimed_by == job_id,
            f", #given_back_by = {before} REMOVE #claimed_by",
            {"job": job_id},
        )
        return given is not None

    def approve(self, job_id: str, image_id: str, *, rounds: int, label_ref: str, annotations: Sequence[Box]) -> bool:
        """End a claim with a label that people agree on. See `_settle` for what it returns."""
        label = {"label_ref": label_ref, "annotations": list(annotations)}
        return self._settle(job_id, image_id, ImageStatus.APPROVED, rounds, label, ", #attention, #why")

    def reject(
        self, job_id: str, image_id: str, *, rounds: int, why: str, annotations: Sequence[Box] | None = None
    ) -> bool:
        """End a claim without a label: an engineer has to look. `annotations` is the last label, if there is one."""
        last = {"annotations": list(annotations)} if annotations is not None else {}
        return self._settle(job_id, image_id, ImageStatus.REJECTED, rounds, {"attention": OPEN, "why": why, **last})

    def _settle(
        self,
        job_id: str,
        image_id: str,
        status: ImageStatus,
        rounds: int,
        given: Mapping[str, object],
        removed: str = "",
    ) -> bool:
        """End a claim. Return True also when this job did so before, False when the image was removed or released
        meanwhile.
        """

        def may(known: Image) -> bool:
            if known.status is ImageStatus.CLAIMED:
                return known.claimed_by == job_id
            # Given back when the job's execution ended, and nobody's since: the labels that it has are as good.
            return known.status is ImageStatus.NEW and known.given_back_by == job_id

        written = "".join(f", #{name} = :{name}" for name in given)
        settled = self._move(
            image_id,
            status,
            may,
            f", #rounds = :rounds, #claimed_by = :job{written} REMOVE #given_back_by{removed}",
            {"job": job_id, "rounds": rounds, **given},
        )
        known = None if settled else self.image(image_id)
        return bool(settled or (known and known.claimed_by == job_id and known.status is status))

    def attention(self, limit: int) -> list[Image]:
        """Return at most `limit` images that an engineer has to look at, the one longest unchanged first."""
        return [
            Image.from_item(item)
            for item in self.table.query(BY_ATTENTION, "#attention = :open", {"open": OPEN}, limit)
        ]

    def ask_attention(self, image_id: str, why: str) -> bool:
        """Offer an approved label for a second look. Return False when it is not approved, or when an engineer has
        accepted it before.
        """
        asked = self.table.update(
            image_key(image_id),
            "SET #attention = :open, #why = :why, #updated_at = :now",
            {"open": OPEN, "why": why, "now": now(), "approved": ImageStatus.APPROVED},
            condition="#status = :approved AND attribute_not_exists(#accepted_by)",
        )
        return asked is not None

    def relabel(self, image_id: str) -> bool:
        """Take an image off the engineer's list, to be labelled again: its last label and `why` stay for whoever does.
        Return False when it was not on the list.
        """
        return self._settle_attention(image_id, ImageStatus.NEW, {}, "#label_ref, #accepted_by")

    def accept(self, image_id: str, engineer: str, label_ref: str | None = None) -> bool:
        """Take an image off the engineer's list with its last label as right. `label_ref`: where that lies, if it was
        not approved before. Return False when the image was not on the list.
        """
        given = {"accepted_by": engineer} | ({"label_ref": label_ref} if label_ref else {})
        return self._settle_attention(image_id, ImageStatus.APPROVED, given, "#why")

    def drop(self, image_id: str, reason: str) -> bool:
        """Take an image off the engineer's list for good. Return False when it was not on the list."""
        return self._settle_attention(image_id, ImageStatus.QUARANTINED, {"reason": reason}, "#why")

    def _settle_attention(self, image_id: str, status: ImageStatus, given: Mapping[str, object], removed: str) -> bool:
        written = "".join(f", #{name} = :{name}" for name in given)
        settled = self._move(
            image_id,
            status,
            lambda known: known.attention and known.status in (ImageStatus.REJECTED, ImageStatus.APPROVED),
            f"{written} REMOVE #attention, #claimed_by, {removed}",
            given,
        )
        return settled is not None

    def freeze(self, image: Image) -> None:
        """Write an image's group and split, once: what is there stays."""
        self.table.update(
            image_key(image.image_id),
            "SET #group_id = :group, #split = :split",
            {"group": image.group_id, "split": image.split},
            condition="attribute_exists(pk) AND attribute_not_exists(#split)",
        )

    def open_window(self, seconds: int, instead_of: Window | None = None) -> Window:
        """Return the collecting window that is open now, opened for `seconds` where none is. `instead_of`: one whose
        execution has ended, which therefore collects no more. One that a wrong clock keeps open for longer is replaced.
        """
        moment = int(datetime.now(UTC).timestamp() * 1000)
        fresh: dict[str, object] = {"opened_at": moment, "closes_at": moment + seconds * 1000}
        opened = self.table.update(
            {"pk": "window"},
            "SET #opened_at = :opened_at, #closes_at = :closes_at",
            {
                **fresh,
                "now": moment,
                "latest": moment + (seconds + SKEW_SECONDS) * 1000,
                "ended": instead_of.opened_at if instead_of else -1,
            },
            condition="attribute_not_exists(pk) OR #closes_at < :now OR #closes_at > :latest OR #opened_at = :ended",
        )
        current = Fields(opened or self.table.get({"pk": "window"}) or fresh, "in the ledger's item 'window'")
        closes = datetime.fromtimestamp(current.whole("closes_at", 0) // 1000 + 1, UTC)
        return Window(opened_at=current.whole("opened_at", 0), claim_at=closes)


def _is_new(known: Image) -> bool:
    return known.status is ImageStatus.NEW


def _unchanged(known: Image) -> tuple[str, dict[str, object]]:
    """Return the condition that an image is as it was read, in what decides over its status, and the values of that."""
    seen: dict[str, str | None] = {
        "status": known.status,
        "claimed_by": known.claimed_by,
        "given_back_by": known.given_back_by,
        "attention": OPEN if known.attention else None,
        "key": known.key,
        "version_id": known.version_id,
    }
    clauses = [
        f"#{name} = :seen_{name}" if value else f"(attribute_not_exists(#{name}) OR #{name} = :nothing)"
        for name, value in seen.items()
    ]
    values: dict[str, object] = {f"seen_{name}": value for name, value in seen.items() if value}
    return " AND ".join(clauses), values if all(seen.values()) else {**values, "nothing": ""}
