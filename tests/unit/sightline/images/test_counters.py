"""Images are counted as they change, and a recount finds what was counted wrong without stopping anybody."""

from collections.abc import Callable
from typing import Any

import pytest

from sightline.images.counters import SHARDS, Recounted, count_key, shard_of
from sightline.images.image import ImageStatus
from sightline.images.ledger import Ledger
from sightline.images.places import image_key
from tests.given_aws import GivenAws
from tests.images import TABLE, approved, image
from tests.memory_cloud import MemoryTables

NEW, CLAIMED, APPROVED, REJECTED, QUARANTINED, REMOVED = ImageStatus
IMAGES = 40


class ReadTables(MemoryTables):
    """A table in which something happens while it is read from one end to the other."""

    happens: Callable[[], object] | None = None
    queries = 0

    def scan(self, **asked: Any) -> dict[str, Any]:
        found = super().scan(**asked)
        happens, self.happens = self.happens, None
        if happens:
            happens()
        return found

    def query(self, **asked: Any) -> dict[str, Any]:
        self.queries += 1
        return super().query(**asked)


@pytest.fixture
def tables() -> ReadTables:
    return ReadTables()


@pytest.fixture
def old(tables: ReadTables) -> Ledger:
    """The ledger of a stack that is older than its counters."""
    made = Ledger(GivenAws(dynamodb=tables), TABLE)
    for one in [*map(image, range(IMAGES)), approved(IMAGES)]:
        made.table.put({**image_key(one.image_id), **one.to_item()})
    return made


def counted(ledger: Ledger) -> dict[ImageStatus, int]:
    return {status: number for status, number in ledger.counts().items() if number}


def test_images_of_before_are_counted_by_reading_until_a_recount(old: Ledger, tables: ReadTables) -> None:
    old.claim("job-1", 10, "run")
    expected = {NEW: IMAGES - 10, CLAIMED: 10, APPROVED: 1}
    assert (counted(old), old.counters.read()) == (expected, None)
    assert old.counters.recount() == Recounted(IMAGES + 1, corrected=0, is_whole=True)
    tables.queries = 0
    assert (counted(old), tables.queries) == (expected, 0)
    old.release("job-1")
    assert counted(old) == {NEW: IMAGES, APPROVED: 1}


def test_counters_that_are_wrong_are_corrected(old: Ledger) -> None:
    old.counters.recount()
    old.table.update(count_key(shard_of(image(3).image_id)), "ADD #NEW :wrong", {"wrong": 5})
    assert counted(old) == {NEW: IMAGES + 5, APPROVED: 1}
    assert old.counters.recount() == Recounted(IMAGES + 1, corrected=1, is_whole=True)
    assert counted(old) == {NEW: IMAGES, APPROVED: 1}
    assert old.counters.recount() == Recounted(IMAGES + 1, corrected=0, is_whole=True)


def test_what_changes_during_a_recount_is_left_to_the_next_one(old: Ledger, tables: ReadTables) -> None:
    tables.happens = lambda: old.claim("job-1", 1, "run")
    assert old.counters.recount() == Recounted(IMAGES + 1, corrected=0, is_whole=False)
    assert (old.counters.read(), counted(old)) == (None, {NEW: IMAGES - 1, CLAIMED: 1, APPROVED: 1})
    tables.happens = lambda: old.release("job-1")
    assert old.counters.recount().is_whole is False
    assert old.counters.recount().is_whole
    tables.happens = lambda: old.claim("job-2", 2, "run")  # counted shards stay right, whoever is in between
    assert old.counters.recount() == Recounted(IMAGES + 1, corrected=0, is_whole=True)
    assert counted(old) == {NEW: IMAGES - 2, CLAIMED: 2, APPROVED: 1}


def test_an_image_that_changes_there_and_back_during_a_recount_is_not_counted_wrong(
    old: Ledger, tables: ReadTables
) -> None:
    old.counters.recount()
    read = tables.scan

    def scan(**asked: Any) -> dict[str, Any]:
        old.claim("job-1", 5, "run")
        found = read(**asked)
        old.release("job-1")
        return found

    tables.scan = scan  # type: ignore[method-assign]
    assert old.counters.recount().corrected == 0
    assert counted(old) == {NEW: IMAGES, APPROVED: 1}


def test_a_recount_without_time_has_counted_nothing(old: Ledger) -> None:
    assert old.counters.recount(until=0) == Recounted(0, 0, is_whole=False)
    assert old.counters.read() is None


def test_images_are_spread_over_all_counters() -> None:
    numbers = [shard_of(image(number).image_id) for number in range(100 * SHARDS)]
    assert {min(numbers), max(numbers)} == {0, SHARDS - 1}
    assert max(numbers.count(number) for number in range(SHARDS)) < 200
