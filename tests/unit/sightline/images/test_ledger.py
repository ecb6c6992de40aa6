"""The ledger under whatever comes in any order, late and twice, beside a model of it that has neither."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from moto import mock_aws

from sightline.aws.table import from_item
from sightline.images.events import ObjectEvent, pad_sequencer
from sightline.images.image import Image, ImageStatus, Split
from sightline.images.ledger import Ledger, Outcome
from tests.fake_cloud import Cloud, cloud
from tests.images import BOX, TABLE, approved, enter, image, ledger

__all__ = ["cloud"]  # a fixture

NEW, CLAIMED, APPROVED, REJECTED, QUARANTINED, REMOVED = ImageStatus
PHOTOS = [f"{number:064x}" for number in range(3)]
GONE = ""  # instead of a photo: the object is deleted


def event(
    key: str, number: int, *, deleted: bool = False, version: str | None = None, erased: bool = False
) -> ObjectEvent:
    """Event `number` of the bucket."""
    return ObjectEvent(
        bucket="images",
        key=key,
        version_id=version or f"v{number}",
        bytes=0 if deleted else 4096,
        sequencer=pad_sequencer(f"{number:x}"),
        deleted=deleted,
        erased=erased,
        time="2026-11-20T09:00:00+00:00",
    )


def add(to: Ledger, photo: str, given: ObjectEvent) -> Outcome:
    found = image(image_id=photo, key=given.key, version_id=given.version_id)
    return to.add(given, found)


@dataclass
class Known:
    """What the model knows of an image."""

    status: ImageStatus = NEW
    keys: set[str] = field(default_factory=set)
    claimed_by: str | None = None
    label_ref: str | None = None
    attention: bool = False
    accepted_by: str | None = None
    split: Split | None = None


def known_of(stored: Image) -> Known:
    return Known(**{name: getattr(stored, name) for name in Known.__dataclass_fields__} | {"keys": set(stored.keys)})


@dataclass(frozen=True)
class Lies:
    """What the model knows of an object."""

    number: int
    version: str
    photo: str


KEYS = ["incoming/a.jpg", "incoming/b.jpg", "incoming/c.jpg"]
keys = st.sampled_from(KEYS)
photos = st.sampled_from(PHOTOS)
jobs = st.sampled_from(["job-1", "job-2"])
any_event = st.integers(0, 99)


class LedgerMachine(RuleBasedStateMachine):
    """Everything that people, devices, workflows and engineers do to images."""

    def __init__(self, cloud: Cloud, real: Ledger) -> None:
        super().__init__()
        self.cloud, self.real = cloud, real
        self.images: dict[str, Known] = {}
        self.places: dict[str, Lies] = {}
        self.events: list[tuple[ObjectEvent, str]] = []  # in the order in which S3 made them

    @initialize()
    def begin(self) -> None:
        self.cloud.empty(TABLE)
        for number, (key, photo) in enumerate(zip(KEYS, PHOTOS, strict=True), start=1):
            self._happens(event(key, number), photo, arrives=True)

    # Objects

    @rule(key=keys, photo=photos, arrives=st.booleans())
    def uploaded(self, key: str, photo: str, arrives: bool) -> None:
        self._happens(event(key, len(self.events) + 1), photo, arrives)

    @rule(key=keys, arrives=st.booleans())
    def deleted(self, key: str, arrives: bool) -> None:
        self._happens(event(key, len(self.events) + 1, deleted=True), GONE, arrives)

    @rule(which=any_event, arrives=st.booleans())
    def erased(self, which: int, arrives: bool) -> None:
        uploads = [given for given, photo in self.events if photo]
        one = uploads[which % len(uploads)]
        number = len(self.events) + 1
        self._happens(event(one.key, number, deleted=True, version=one.version_id, erased=True), GONE, arrives)

    @rule(which=any_event)
    def arrives_late_or_again(self, which: int) -> None:
        self._arrives(*self.events[which % len(self.events)])

    def _happens(self, given: ObjectEvent, photo: str, arrives: bool) -> None:
        self.events.append((given, photo))
        if arrives:
            self._arrives(given, photo)

    def _arrives(self, given: ObjectEvent, photo: str) -> None:
        number = int(given.sequencer, 16)
        before = self.places.get(given.key)
        is_elsewhere = given.erased and given.version_id != (before.version if before else None)
        if is_elsewhere or (before and number < before.number):
            expected = Outcome.STALE
        elif photo:
            expected = Outcome.KNOWN if photo in self.images else Outcome.NEW
        else:
            expected = Outcome.REMOVED
        assert (add(self.real, photo, given) if photo else self.real.remove(given)) == expected
        if expected is Outcome.STALE:
            return
        if before and before.photo not in (GONE, photo):
            self._leaves(before.photo, given.key)
        if photo:
            known = self.images.setdefault(photo, Known())
            known.keys.add(given.key)
            if known.status is REMOVED:
                known.status = APPROVED if known.label_ref else NEW
        self.places[given.key] = Lies(number, str(given.version_id), photo)

    def _leaves(self, photo: str, key: str) -> None:
        known = self.images[photo]
        known.keys.discard(key)
        if not known.keys and known.status is not QUARANTINED:
            known.status, known.claimed_by, known.attention = REMOVED, None, False

    # Jobs

    @rule(job=jobs, limit=st.integers(1, 3))
    def claims(self, job: str, limit: int) -> None:
        mine, new = self._with(CLAIMED, job), self._with(NEW)
        for _ in range(2):
            claimed = {found.image_id for found in self.real.claim(job, limit, "run")}
            assert mine <= claimed <= mine | new
            assert len(claimed) == max(len(mine), min(limit, len(mine | new)))
            mine, new = claimed, new - claimed
        for photo in mine:
            self.images[photo].status, self.images[photo].claimed_by = CLAIMED, job

    @rule(job=jobs, asked=st.sets(photos))
    def brings_labels(self, job: str, asked: set[str]) -> None:
        expected = set()
        for photo in asked & self.images.keys():
            known = self.images[photo]
            rejected = known.status is REJECTED and known.claimed_by != job
            if rejected or known.status is NEW or photo in self._with(CLAIMED, job):
                known.status, known.claimed_by, known.attention = CLAIMED, job, False
                expected.add(photo)
        for _ in range(2):
            assert {found.image_id for found in self.real.claim_for_labels(job, sorted(asked), "run")} == expected

    @rule(job=jobs)
    def releases(self, job: str) -> None:
        mine = self._with(CLAIMED, job)
        assert (self.real.release(job), self.real.release(job)) == (len(mine), 0)
        for photo in mine:
            self.images[photo].status, self.images[photo].claimed_by = NEW, None

    @rule(job=jobs, photo=photos)
    def gives_back(self, job: str, photo: str) -> None:
        is_mine = photo in self._with(CLAIMED, job)
        assert self.real.give_back(photo, job) is is_mine
        if is_mine:
            self.images[photo].status, self.images[photo].claimed_by = NEW, None

    @rule(job=jobs, photo=photos, claims=st.booleans(), approves=st.booleans())
    def settles(self, job: str, photo: str, claims: bool, approves: bool) -> None:
        if claims:
            self.brings_labels(job, {photo})
        label = f"s3://artifacts/{job}"
        if approves:
            settled = self._settles(job, photo, APPROVED, label_ref=label, attention=False)
        else:
            settled = self._settles(job, photo, REJECTED, attention=True)
        for _ in range(2):
            if approves:
                done = self.real.approve(job, photo, rounds=1, label_ref=label, annotations=[BOX])
            else:
                done = self.real.reject(job, photo, rounds=2, why="no agreement")
            assert done is settled

    def _settles(self, job: str, photo: str, status: ImageStatus, **given: Any) -> bool:
        if photo in self._with(CLAIMED, job):
            self._set(photo, status=status, **given)
        return photo in self._with(status, job)

    # Engineers

    @rule(photo=photos)
    def is_doubted(self, photo: str) -> None:
        expected = photo in self._with(APPROVED) and self.images[photo].accepted_by is None
        for _ in range(2):
            assert self.real.ask_attention(photo, "small box") is expected
        if expected:
            self.images[photo].attention = True

    @rule(photo=photos, action=st.sampled_from(["relabel", "accept", "drop"]))
    def is_settled(self, photo: str, action: str) -> None:
        label = "s3://artifacts/accepted"
        if action == "relabel":
            self._is_settled(photo, self.real.relabel, status=NEW, label_ref=None, accepted_by=None)
        elif action == "accept":
            done = {"status": APPROVED, "label_ref": label, "accepted_by": "eve"}
            self._is_settled(photo, lambda photo: self.real.accept(photo, "eve", label), **done)
        else:
            self._is_settled(photo, lambda photo: self.real.drop(photo, "blurred"), status=QUARANTINED)

    def _is_settled(self, photo: str, settle: Callable[[str], bool], **done: Any) -> None:
        is_listed = photo in self.images and self.images[photo].attention
        assert (settle(photo), settle(photo)) == (is_listed, False)
        if is_listed:
            self._set(photo, attention=False, claimed_by=None, **done)

    @rule(photo=photos, split=st.sampled_from(Split))
    def is_frozen(self, photo: str, split: Split) -> None:
        self.real.freeze(image(image_id=photo, group_id="g", split=split))
        if photo in self.images and self.images[photo].split is None:
            self.images[photo].split = split

    def _with(self, status: ImageStatus, job: str | None = None) -> set[str]:
        return {
            photo
            for photo, known in self.images.items()
            if known.status is status and (job is None or known.claimed_by == job)
        }

    def _set(self, photo: str, **changes: Any) -> None:
        self.images[photo] = replace(self.images[photo], **changes)

    @invariant()
    def every_image_is_what_the_model_says(self) -> None:
        items = [item for item in self.cloud.scan(TABLE) if item["pk"].startswith("image#")]
        stored = {one.image_id: one for one in map(Image.from_item, items)}
        assert {photo: known_of(one) for photo, one in stored.items()} == self.images
        for one in stored.values():
            self._is_read_from_where_it_lies(one)
            # An engineer is asked what can be settled, and everything that nobody else will.
            assert one.status is not REJECTED or one.attention
            assert not one.attention or one.status in (REJECTED, APPROVED)

    def _is_read_from_where_it_lies(self, one: Image) -> None:
        assert one.keys == {key for key, lies in self.places.items() if lies.photo == one.image_id}
        assert one.keys or one.status in (REMOVED, QUARANTINED)
        if one.keys:
            lies = self.places[one.key]
            assert (lies.photo, lies.version) == (one.image_id, one.version_id)

    def teardown(self) -> None:
        counted = Counter(known.status for known in self.images.values())
        assert self.real.counts() == {status: counted[status] for status in ImageStatus}
        assert {one.image_id for one in self.real.attention(9)} == {
            photo for photo, known in self.images.items() if known.attention
        }


class Tables(Cloud):
    """The cloud, whose tables can be looked through and emptied."""

    def scan(self, name: str) -> list[dict[str, Any]]:
        return [from_item(item) for item in self.dynamodb.scan(TableName=name)["Items"]]

    def empty(self, name: str) -> None:
        for item in self.scan(name):
            self.dynamodb.delete_item(TableName=name, Key={"pk": {"S": item["pk"]}})


@pytest.fixture
def tables() -> Iterator[Tables]:
    with mock_aws():
        yield Tables()


def test_whatever_happens_to_images_in_whatever_order_none_is_lost(tables: Tables) -> None:
    real = ledger()
    run_state_machine_as_test(
        lambda: LedgerMachine(tables, real), settings=settings(max_examples=9, stateful_step_count=25)
    )


A, B = "incoming/a.jpg", "incoming/b.jpg"
PHOTO = PHOTOS[1]


@pytest.fixture
def real(cloud: Cloud) -> Ledger:
    return ledger()


def place(of: Ledger) -> tuple[str, str | None] | None:
    found = of.image(PHOTO)
    return (found.key, found.version_id) if found else None


def test_an_image_whose_object_was_erased_is_read_from_its_other_object(real: Ledger) -> None:
    add(real, PHOTO, event(A, 1))
    add(real, PHOTO, event(B, 2))
    assert place(real) == (A, "v1")
    real.remove(event(A, 3, deleted=True, version="v1", erased=True))
    assert place(real) == (B, "v2")


def test_an_image_whose_object_was_uploaded_again_is_read_from_the_new_version(real: Ledger) -> None:
    add(real, PHOTO, event(A, 1))
    add(real, PHOTO, event(A, 2))
    assert real.remove(event(A, 3, deleted=True, version="v1", erased=True)) == Outcome.STALE
    assert place(real) == (A, "v2")


def test_an_object_that_is_forgotten_leaves_nothing_and_its_events_come_again_in_vain(real: Ledger) -> None:
    add(real, PHOTO, event(A, 1))
    real.forget("images", A, PHOTO)
    real.forget("images", A, PHOTO)
    assert real.remove(event(A, 2, deleted=True, version="v1", erased=True)) == Outcome.STALE
    assert (real.image(PHOTO), real.last_sequencer("images", A)) == (None, None)


def test_an_image_with_another_object_is_not_forgotten(real: Ledger) -> None:
    add(real, PHOTO, event(A, 1))
    add(real, PHOTO, event(B, 2))
    real.forget("images", A, PHOTO)
    kept = real.image(PHOTO)
    assert kept is not None
    assert (kept.keys, kept.status) == ({B}, NEW)


def test_an_image_that_comes_back_under_another_name_is_read_from_there(real: Ledger) -> None:
    add(real, PHOTO, event(A, 1))
    real.remove(event(A, 2, deleted=True))
    assert real.image_at("images", A) is None
    add(real, PHOTO, event(B, 3))
    assert place(real) == (B, "v3")
    found = real.image_at("images", B)
    assert found is not None
    assert (found.image_id, found.status) == (PHOTO, NEW)
    assert (real.last_sequencer("images", B), real.last_sequencer("images", "c")) == (pad_sequencer("3"), None)


def rejected(real: Ledger) -> None:
    """Image 1 waits for an engineer."""
    add(real, PHOTO, event(A, 1))
    real.claim("job-1", 1, "run")
    real.reject("job-1", PHOTO, rounds=2, why="no agreement", annotations=[BOX])
    assert [one.image_id for one in real.attention(9)] == [PHOTO]


def test_an_image_for_which_labels_are_brought_is_nothing_for_an_engineer_any_more(real: Ledger) -> None:
    rejected(real)
    assert [one.image_id for one in real.claim_for_labels("import", [PHOTO], "run")] == [PHOTO]
    assert real.attention(9) == []
    real.give_back(PHOTO, "import")
    found = real.image(PHOTO)
    assert found is not None
    assert (found.status, found.attention, found.annotations, found.why) == (NEW, False, (BOX,), "no agreement")


def test_an_image_that_was_removed_is_nothing_for_an_engineer_any_more(real: Ledger) -> None:
    rejected(real)
    real.remove(event(A, 2, deleted=True))
    assert real.attention(9) == []
    add(real, PHOTO, event(A, 3))
    assert ([one.image_id for one in real.with_status(NEW)], real.attention(9)) == ([PHOTO], [])


def test_the_image_longest_unchanged_comes_first_and_no_more_than_asked(real: Ledger) -> None:
    hours = {1: 12, 2: 10, 3: 11}
    enter(
        *[replace(image(number), updated_at=datetime(2026, 11, 20, hour, tzinfo=UTC)) for number, hour in hours.items()]
    )
    numbers = [int(one.image_id, 16) for one in real.with_status(NEW)]
    assert (numbers, len(real.with_status(NEW, 2)), real.with_status(NEW, 0)) == ([2, 3, 1], 2, [])


def test_what_is_frozen_is_written_once_and_makes_no_image(real: Ledger) -> None:
    enter(approved(1))
    for photo, split in ((PHOTO, Split.TEST), (PHOTO, Split.TRAIN), (PHOTOS[2], Split.TRAIN)):
        real.freeze(image(image_id=photo, group_id=f"of {split}", split=split))
    found = real.image(PHOTO)
    assert found is not None
    assert (found.group_id, found.split, real.image(PHOTOS[2])) == ("of test", Split.TEST, None)


def test_a_window_is_open_until_it_closes_and_then_another_one_is(real: Ledger) -> None:
    closed = real.open_window(-1)
    opened = real.open_window(60)
    assert opened.name != closed.name
    assert real.open_window(3600) == real.open_window(1) == opened
    assert opened.claim_at.microsecond == 0
