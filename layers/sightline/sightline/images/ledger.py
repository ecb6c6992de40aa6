"""The image ledger in DynamoDB. Every write may be repeated, come late or race another one: conditions decide."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sightline.aws.clients import Aws
from sightline.aws.table import Table, Transaction
from sightline.fields import Fields
from sightline.images import image
from sightline.images.box import Box
from sightline.images.image import OPEN, Image, ImageStatus, Window
from sightline.images.places import Places, image_key

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

    def image(self, image_id: str) -> Image | None:
        return self.places.image(image_id)

    def image_at(self, bucket: str, key: str) -> Image | None:
        """Return the image that lies at an object key, None where there is none."""
        place = self.places.at(bucket, key)
        return self.image(place.image_id) if place and place.image_id else None

    def with_status(self, status: ImageStatus, limit: int | None = None) -> list[Image]:
        """Return images of a status, the one longest unchanged first. The index lags by moments behind the writes."""
        found = self.table.query(BY_STATUS, "#status = :status", {"status": status}, limit)
        return [Image.from_item(item) for item in found]

    def count(self, status: ImageStatus) -> int:
        return self.table.count(BY_STATUS, "#status = :status", {"status": status})

    def counts(self) -> dict[ImageStatus, int]:
        """Return the number of images of each status."""
        return {status: self.count(status) for status in ImageStatus}

    def claim(self, job_id: str, limit: int, correlation_id: str) -> list[Image]:
        """Claim up to `limit` NEW images for one job; a second call of the same job returns its first claim too."""
        mine = self.claimed_by(job_id)
        fresh = self.with_status(ImageStatus.NEW, limit - len(mine)) if len(mine) < limit else []
        with ThreadPoolExecutor(WRITERS) as pool:
            claimed = list(pool.map(lambda found: self._claim(found.image_id, job_id, correlation_id), fresh))
        images = {found.image_id: found for found in [*mine, *(found for found in claimed if found)]}
        return [images[image_id] for image_id in sorted(images)]

    def claim_for_labels(self, job_id: str, image_ids: Iterable[str], correlation_id: str) -> list[Image]:
        """Claim those of these images that are NEW or REJECTED, for a job that brings their labels. A second call
        returns the same ones.
        """

        def one(image_id: str) -> Image | None:
            return self._claim(
                image_id,
                job_id,
                correlation_id,
                condition="(#status = :claimed AND #claimed_by = :job) OR #status = :new"
                " OR (#status = :rejected AND NOT #claimed_by = :job)",
                rejected=ImageStatus.REJECTED,
            )

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

    def _claim(
        self,
        image_id: str,
        job_id: str,
        correlation_id: str,
        *,
        condition: str = "#status = :new",
        **named: ImageStatus,
    ) -> Image | None:
        """Claim an image if the condition holds, which may use `named` statuses. Return it, else None."""
        claimed = self.table.update(
            image_key(image_id),
            "SET #status = :claimed, #claimed_by = :job, #correlation_id = :correlation, #updated_at = :now"
            " REMOVE #attention",
            {
                "claimed": ImageStatus.CLAIMED,
                "job": job_id,
                "correlation": correlation_id,
                "new": ImageStatus.NEW,
                "now": now(),
                **named,
            },
            condition=condition,
        )
        return Image.from_item(claimed) if claimed else None

    def release(self, job_id: str, *, asked: bool = False) -> int:
        """Give a job's images back to NEW. Return how many. `asked`: people were asked, so their answers are there."""
        images = self.claimed_by(job_id)
        with ThreadPoolExecutor(WRITERS) as pool:
            return sum(pool.map(lambda found: self.give_back(found.image_id, job_id, asked=asked), images))

    def give_back(self, image_id: str, job_id: str, *, asked: bool = False) -> bool:
        """Give one image of a job back to NEW. Return False when it was not the job's."""
        before = ":job" if asked else "if_not_exists(#given_back_by, :job)"  # another one's answers stay its own
        given = self.table.update(
            image_key(image_id),
            f"SET #status = :new, #updated_at = :now, #given_back_by = {before} REMOVE #claimed_by",
            {"new": ImageStatus.NEW, "claimed": ImageStatus.CLAIMED, "job": job_id, "now": now()},
            condition="#status = :claimed AND #claimed_by = :job",
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
        key, values = image_key(image_id), {"after": status, "job": job_id, "rounds": rounds}
        written = "".join(f", #{name} = :{name}" for name in given)
        claimed = self.table.update(
            key,
            f"SET #status = :after, #rounds = :rounds, #updated_at = :now, #claimed_by = :job{written}"
            f" REMOVE #given_back_by{removed}",
            {**values, **given, "claimed": ImageStatus.CLAIMED, "new": ImageStatus.NEW, "now": now()},
            # Given back when the job's execution ended, and nobody's since: the labels that it has are as good.
            condition="(#claimed_by = :job AND #status = :claimed) OR (#given_back_by = :job AND #status = :new)",
        )
        # Done before: the same is written again, so that updated_at tells the first time.
        again = "#claimed_by = :job AND #status = :after"
        return bool(claimed or self.table.update(key, "SET #rounds = :rounds", values, condition=again))

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
        states = {"rejected": ImageStatus.REJECTED, "approved": ImageStatus.APPROVED}
        settled = self.table.update(
            image_key(image_id),
            f"SET #status = :after, #updated_at = :now{written} REMOVE #attention, #claimed_by, {removed}",
            {"after": status, "now": now(), "open": OPEN, **states, **given},
            condition="#attention = :open AND (#status = :rejected OR #status = :approved)",
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
        execution has ended, which therefore collects no more.
        """
        moment = int(datetime.now(UTC).timestamp() * 1000)
        fresh: dict[str, object] = {"opened_at": moment, "closes_at": moment + seconds * 1000}
        opened = self.table.update(
            {"pk": "window"},
            "SET #opened_at = :opened_at, #closes_at = :closes_at",
            {**fresh, "now": moment, "ended": instead_of.opened_at if instead_of else -1},
            condition="attribute_not_exists(pk) OR #closes_at < :now OR #opened_at = :ended",
        )
        current = Fields(opened or self.table.get({"pk": "window"}) or fresh, "in the ledger's item 'window'")
        closes = datetime.fromtimestamp(current.whole("closes_at", 0) // 1000 + 1, UTC)
        return Window(opened_at=current.whole("opened_at", 0), claim_at=closes)
