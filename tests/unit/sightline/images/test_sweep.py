"""What the sweep and the copies of one picture cost, by the units that the emulator's table counts."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sightline.aws.table import Table, to_item
from sightline.images import places
from sightline.images.image import Image
from sightline.images.places import ObjectVersion, Outcome, Place, Places, object_key, object_list
from sightline.images.sweep import Sweeping
from tests.given_aws import GivenAws
from tests.images import TABLE, image
from tests.memory_cloud import MemoryBucket, MemoryTables

LIST, READ = 0.005 / 1000, 0.125 / 1e6  # US dollars for a list and for a unit of a read, us-east-1


class Counting(MemoryBucket):
    """The bucket, which counts its lists."""

    lists = 0

    def list_object_versions(self, **asked: Any) -> dict[str, Any]:
        self.lists += 1
        return super().list_object_versions(**asked)


class Weighing(MemoryTables):
    """The table, which counts the units of a query as AWS does: by the bytes that were read. The emulator does not."""

    def query(self, **asked: Any) -> dict[str, Any]:
        answer = super().query(**asked)
        read = sum(
            len(name) + len(next(iter(value.values()))) for item in answer["Items"] for name, value in item.items()
        )
        self.units["read"] += max(1, math.ceil(read / 4096)) / 2
        return answer


def row(key: str, version: str, etag: str) -> dict[str, object]:
    return {
        **object_key("images", key),
        "revision": 1,
        "version_id": version,
        "etag": etag.strip('"'),
        "image_id": f"{hash(key) % 2**256:064x}",
        "list": object_list("images", key),
        "key": key,
    }


def swept(number: int) -> tuple[int, float]:
    """Sweep a bucket of objects that the ledger knows. Return how often it was listed, and the units that were read."""
    s3, tables = Counting(), Weighing()
    for one in range(number):
        key = f"incoming/line-{one % 7}/2026-11-{one % 28:02}/{one:08}.jpg"
        version = s3.put_object(Key=key, Body=b"photo")
        tables.put_item(TableName=TABLE, Item=to_item(row(key, version["VersionId"], version["ETag"])))
    aws = GivenAws(s3=s3, dynamodb=tables)
    tables.units.clear()
    compared = list(Sweeping(aws, Table(aws, TABLE), "images").compare(""))
    assert (len(compared), sum(one.differs for one in compared)) == (number, 0)
    return s3.lists, tables.units["read"]


def test_a_sweep_lists_thousand_objects_at_a_time_and_reads_no_row_by_itself() -> None:
    lists, units = swept(2500)
    assert lists == 3
    assert units / 2500 < 0.05


@pytest.mark.slow
def test_what_a_sweep_of_a_million_objects_costs(capsys: pytest.CaptureFixture[str]) -> None:
    lists, units = swept(20_000)
    million = 50 * (lists * LIST + units * READ)
    with capsys.disabled():
        print(f"\n20,000 objects: {lists} lists, {units:.0f} units read; a million: {million:.4f} US dollars")
    assert million < 0.02


def frozen(copies: int) -> Callable[[], tuple[float, int]]:
    """Enter copies of one picture. Return what says the units of the next copy and the bytes of the image's item."""
    tables = MemoryTables()
    ledger = Places(Table(GivenAws(dynamodb=tables), TABLE))

    def enter(number: int) -> None:
        key = f"incoming/line-1/{number:08}.jpg"
        found = replace(PICTURE, key=key, version_id=f"v{number}", keys=frozenset())
        place = Place("images", key).taken(ObjectVersion(f"v{number}", f"e{number}"), found.image_id)
        assert ledger.write(None, place, found) in (Outcome.NEW, Outcome.KNOWN)

    for number in range(copies):
        enter(number)
    tables.units.clear()

    def next_copy() -> tuple[float, int]:
        enter(copies)
        stored = ledger.table.get(places.image_key(PICTURE.image_id))
        return tables.units["TransactWriteItems"], len(repr(stored))

    return next_copy


PICTURE: Image = image(1)


def test_the_hundredth_copy_of_a_picture_costs_what_the_thirtieth_does() -> None:
    assert frozen(30)()[0] == frozen(100)()[0]


@pytest.mark.slow
def test_the_ten_thousandth_copy_of_a_picture_costs_what_the_thirtieth_does(capsys: pytest.CaptureFixture[str]) -> None:
    few, many = frozen(30)(), frozen(10_000)()
    with capsys.disabled():
        print(f"\na copy: {few[0]} units after 30 copies, {many[0]} after 10,000; the item: {few[1]}, {many[1]} bytes")
    assert few[0] == many[0]
    assert many[1] - few[1] < 10
