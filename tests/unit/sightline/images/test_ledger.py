"""The ledger under whatever comes in any order, late and twice, beside a model of it that has neither."""

import time
from collections import Counter
from collections.abc import Callable
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

from sightline.aws.table import from_item
from sightline.images import counters, places
from sightline.images.counters import Recounted
from sightline.images.image import Image, ImageStatus, Split
from sightline.images.ledger import Ledger
from sightline.images.places import ObjectVersion, Outcome, Place
from tests.fake_cloud import Cloud, cloud
from tests.given_aws import GivenAws
from tests.images import BOX, TABLE, approved, enter, image, ledger
from tests.memory_cloud import MemoryTables

__all__ = ["cloud"]  # a fixture

NEW, CLAIMED, APPROVED, REJECTED, QUARANTINED, REMOVED = ImageStatus
PHOTOS = [f"{number:064x}" for number in range(3)]


def put(to: Ledger, key: str, photo: str, number: int) -> Outcome | None:
    """Say that a photo lies at a key, in version `number`."""
    before, version = to.places.at("images", key), ObjectVersion(f"v{number}", f"e{number}")
    found = image(image_id=photo, key=key, version_id=version.version_id)
    return to.places.write(before, (before or Place("images", key)).taken(version, photo), found)


def take(of: Ledger, key: str) -> Outcome | None:
    """Say that nothing lies at a key any more."""
    before = of.places.at("images", key)
    assert before
    return of.places.write(before, before.emptied())


@dataclass
class Known:
    """What the model knows of an image."""

    status: ImageStatus = NEW
    keys: set[str] = field(default_factory=set)
    claimed_by: str | None = None
    given_back_by: str | None = None
    label_ref: str | None = None
    attention: bool = False
    accepted_by: str | None = None
    split: Split | None = None


def known_of(stored: Image, copies: set[str]) -> Known:
    assert len(copies) == stored.copies
    known = {name: getattr(stored, name) for name in Known.__dataclass_fields__}
    return Known(**known | {"keys": set(stored.keys) | copies})


KEYS = ["incoming/a.jpg", "incoming/b.jpg", "incoming/c.jpg", "incoming/d.jpg"]
keys = st.sampled_from(KEYS)
photos = st.sampled_from(PHOTOS)
jobs = st.sampled_from(["job-1", "job-2"])


class LedgerMachine(RuleBasedStateMachine):
    """Everything that people, devices, workflows and engineers do to images."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = MemoryTables()
        self.real = Ledger(GivenAws(dynamodb=self.tables), TABLE)
        self.images: dict[str, Known] = {}
        self.lying: dict[str, tuple[str, str]] = {}  # photo and version, by key
        self.seen: list[Place] = []  # rows of keys as they were read at some time
        self.number = 0

    @initialize()
    def begin(self) -> None:
        for key, photo in zip(KEYS[:3], PHOTOS, strict=True):
            self.is_seen(key, photo)

    # Objects

    @rule(key=keys, photo=photos)
    def is_seen(self, key: str, photo: str) -> None:
        self.number += 1
        expected = Outcome.KNOWN if photo in self.images else Outcome.NEW
        assert put(self.real, key, photo, self.number) == expected
        self._read(key)
        self._leaves(key, photo)
        known = self.images.setdefault(photo, Known())
        known.keys.add(key)
        if known.status is REMOVED:
            known.status = APPROVED if known.label_ref else NEW
        self.lying[key] = (photo, f"v{self.number}")

    @rule(key=keys)
    def is_gone(self, key: str) -> None:
        if self.real.places.at("images", key) is not None:
            assert take(self.real, key) == Outcome.REMOVED
            self._read(key)
            self._leaves(key)

    @rule(which=st.integers(0, 99), photo=photos)
    def is_written_by_one_who_has_read_the_row_before_it_changed(self, which: int, photo: str) -> None:
        before = self.seen[which % len(self.seen)]
        if before != self.real.places.at("images", before.key):
            after = before.taken(ObjectVersion("old", "old"), photo)
            assert self.real.places.write(before, after, image(image_id=photo, key=before.key)) is None

    def _read(self, key: str) -> None:
        place = self.real.places.at("images", key)
        assert place
        self.seen.append(place)

    def _leaves(self, key: str, photo: str = "") -> None:
        """Whatever else lay there than `photo` does not any more."""
        before, _ = self.lying.pop(key, ("", ""))
        if before in ("", photo):
            return
        known = self.images[before]
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
            self._is_given_back(photo, job)

    @rule(job=jobs, photo=photos)
    def gives_back(self, job: str, photo: str) -> None:
        is_mine = photo in self._with(CLAIMED, job)
        assert self.real.give_back(photo, job) is is_mine
        if is_mine:
            self._is_given_back(photo, job)

    def _is_given_back(self, photo: str, job: str) -> None:
        known = self.images[photo]
        known.status, known.claimed_by, known.given_back_by = NEW, None, known.given_back_by or job

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
        """Also an image that the job gave back and nobody has had since."""
        known = self.images.get(photo)
        given_back = known and known.status is NEW and known.given_back_by == job
        if known and (given_back or photo in self._with(CLAIMED, job)):
            self._set(photo, status=status, claimed_by=job, given_back_by=None, **given)
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

    @rule()
    def are_counted_anew(self) -> None:
        assert self.real.counters.recount() == Recounted(len(self.images), corrected=0, is_whole=True)

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
        rows: list[dict[str, Any]] = [from_item(item) for item in self.tables.scan(TableName=TABLE)["Items"]]
        stored = {item["image_id"]: Image.from_item(item) for item in rows if item["pk"].startswith("image#")}
        copies = {photo: {item["key"] for item in rows if item["pk"].startswith(f"copy#{photo}#")} for photo in stored}
        assert {photo: known_of(one, copies[photo]) for photo, one in stored.items()} == self.images
        counted = Counter(known.status for known in self.images.values())
        counting = [item for item in rows if item["pk"].startswith("count#")]
        assert {one: sum(item.get(one, 0) for item in counting) for one in ImageStatus} == {
            one: counted[one] for one in ImageStatus
        }
        for one in stored.values():
            assert len(one.keys) <= 2
            assert one.keys or not one.copies
            self._is_read_from_where_it_lies(one)
            # An engineer is asked what can be settled, and everything that nobody else will.
            assert one.status is not REJECTED or one.attention
            assert not one.attention or one.status in (REJECTED, APPROVED)

    def _is_read_from_where_it_lies(self, one: Image) -> None:
        assert one.keys or one.status in (REMOVED, QUARANTINED)
        if one.keys:
            assert self.lying[one.key] == (one.image_id, one.version_id)

    def teardown(self) -> None:
        counted = Counter(known.status for known in self.images.values())
        assert self.real.counts() == {status: counted[status] for status in ImageStatus}
        assert {one.image_id for one in self.real.attention(9)} == {
            photo for photo, known in self.images.items() if known.attention
        }


def test_whatever_happens_to_images_in_whatever_order_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MAX_KEYS", 2)  # so that there are copies without room
    monkeypatch.setattr(counters, "SHARDS", 2)  # so that images are counted together
    run_state_machine_as_test(LedgerMachine, settings=settings(max_examples=25, stateful_step_count=30))


A, B = "incoming/a.jpg", "incoming/b.jpg"
PHOTO = PHOTOS[1]


@pytest.fixture
def real(cloud: Cloud) -> Ledger:
    return ledger()


def place(of: Ledger) -> tuple[str, str | None] | None:
    found = of.image(PHOTO)
    return (found.key, found.version_id) if found else None


def test_an_image_whose_object_is_gone_is_read_from_its_other_object(real: Ledger) -> None:
    put(real, A, PHOTO, 1)
    put(real, B, PHOTO, 2)
    assert place(real) == (A, "v1")
    take(real, A)
    assert place(real) == (B, "v2")


class Crossed(MemoryTables):
    """A table in which something happens just before the next transaction."""

    happens: Callable[[], object] | None = None

    def transact_write_items(self, **asked: Any) -> dict[str, Any]:
        happens, self.happens = self.happens, None
        if happens:
            happens()
        return super().transact_write_items(**asked)


@pytest.mark.parametrize("becomes", ["the same", "another", "nothing"])
def test_an_object_changes_at_the_moment_in_which_its_image_is_to_be_read_from_there(becomes: str) -> None:
    tables = Crossed()
    real = Ledger(GivenAws(dynamodb=tables), TABLE)
    for number, key in enumerate(KEYS[:3], start=1):
        put(real, key, PHOTO, number)
    tables.happens = lambda: take(real, A)
    if becomes == "nothing":
        take(real, B)
    else:
        put(real, B, PHOTO if becomes == "the same" else PHOTOS[2], 9)
    assert tables.happens is None
    assert place(real) == ((B, "v9") if becomes == "the same" else (KEYS[2], "v3"))


def test_an_image_whose_object_was_uploaded_again_is_read_from_the_new_version(real: Ledger) -> None:
    put(real, A, PHOTO, 1)
    put(real, A, PHOTO, 2)
    assert place(real) == (A, "v2")


def test_an_object_that_is_forgotten_leaves_nothing(real: Ledger) -> None:
    put(real, A, PHOTO, 1)
    real.places.forget("images", A, PHOTO)
    real.places.forget("images", A, PHOTO)
    assert (real.image(PHOTO), real.places.at("images", A)) == (None, None)


def test_an_image_with_another_object_is_not_forgotten(real: Ledger) -> None:
    put(real, A, PHOTO, 1)
    put(real, B, PHOTO, 2)
    real.places.forget("images", A, PHOTO)
    kept = real.image(PHOTO)
    assert kept is not None
    assert (kept.keys, kept.status) == ({B}, NEW)


def test_an_image_that_comes_back_under_another_name_is_read_from_there(real: Ledger) -> None:
    put(real, A, PHOTO, 1)
    take(real, A)
    assert real.image_at("images", A) is None
    put(real, B, PHOTO, 3)
    assert place(real) == (B, "v3")
    found = real.image_at("images", B)
    assert found is not None
    assert (found.image_id, found.status) == (PHOTO, NEW)
    assert (real.places.at("images", B) is None, real.places.at("images", "c")) == (False, None)


def rejected(real: Ledger) -> None:
    """Image 1 waits for an engineer."""
    put(real, A, PHOTO, 1)
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
    take(real, A)
    assert real.attention(9) == []
    put(real, A, PHOTO, 3)
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


def test_a_window_whose_execution_was_stopped_gives_way_to_one_other(real: Ledger) -> None:
    stopped = real.open_window(3600)
    time.sleep(0.002)
    opened = real.open_window(3600, instead_of=stopped)
    assert opened != stopped
    assert real.open_window(3600, instead_of=stopped) == real.open_window(3600) == opened
