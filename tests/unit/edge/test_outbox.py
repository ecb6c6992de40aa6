"""The outbox: nothing is lost, order is kept, and what is too much is dropped oldest first and counted."""

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.inspector.forwarder import Forwarder, RefusedError
from edge.inspector.items import Item, Limit, Queue, message
from edge.inspector.outbox import Outbox
from tests.fake_device import Broker
from tests.project import ROOT


def numbered(*numbers: int) -> list[Item]:
    return [message("topic", {"number": number}) for number in numbers]


def image(name: str, size: int = 1000) -> Item:
    return Item(Queue.UPLOADS, name, bytes(size), {"verdict": "review"})


def drained(box: Outbox, broker: Broker | None = None) -> list[int]:
    """Hand everything over; the numbers that arrive."""
    broker = broker or Broker()
    Forwarder(box, Queue.MESSAGES, lambda item: broker.publish(item.address, item.body)).forward()
    return [value["number"] for _, value in broker.taken]


def limits(rows: int = 1000, size: int = 1_000_000) -> dict[Queue, Limit]:
    return {Queue.MESSAGES: Limit(rows, size), Queue.UPLOADS: Limit(rows, size)}


def fill(box: Outbox, pages: int = 0) -> None:
    """Make the disk full for this database: it may not grow (by more than `pages` pages)."""
    used = box.database.connection.execute("PRAGMA page_count").fetchone()[0]
    box.database.connection.execute(f"PRAGMA max_page_count = {used + pages}")


def empty(box: Outbox) -> None:
    box.database.connection.execute("PRAGMA max_page_count = 1073741823")


def test_what_is_not_taken_is_kept_in_order_over_a_restart(tmp_path: Path) -> None:
    broker, box = Broker(), Outbox(tmp_path / "box")
    broker.up = False
    for item in numbered(0, 1, 2):
        box.add(item)
    assert drained(box, broker) == []
    box.close()
    again = Outbox(tmp_path / "box")
    assert drained(again) == [0, 1, 2]
    assert again.size(Queue.MESSAGES) == (0, 0)


def test_a_full_queue_drops_the_oldest_and_counts_them_for_ever(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box", limits(rows=3))
    for item in numbered(*range(5)):
        box.add(item)
    assert box.counts() == {"dropped_messages": 2}
    box.close()
    again = Outbox(tmp_path / "box", limits(rows=3))
    assert again.counts() == {"dropped_messages": 2}
    assert drained(again) == [2, 3, 4]


def test_images_are_bounded_by_their_bytes_and_never_cost_a_verdict(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box", limits(size=2500))
    for number, item in enumerate(numbered(*range(4))):
        box.add(item, image(f"{number}.jpg"))
    assert [item.address for item in box.next(Queue.UPLOADS)] == ["2.jpg", "3.jpg"]
    assert box.size(Queue.UPLOADS) == (2, 2000)
    assert box.counts() == {"dropped_uploads": 2}
    assert drained(box) == [0, 1, 2, 3]


def test_an_image_keeps_its_metadata(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    box.add(image("incoming/a.jpg"))
    assert box.next(Queue.UPLOADS)[0].details == {"verdict": "review"}


def test_what_is_refused_for_good_is_dropped_and_counted(tmp_path: Path) -> None:
    def refuse(item: Item) -> bool:
        raise RefusedError("no")

    box = Outbox(tmp_path / "box")
    box.add(*numbered(1, 2))
    assert Forwarder(box, Queue.MESSAGES, refuse).forward() == (True, 2)
    assert box.counts() == {"refused_messages": 2}


def test_marks_and_state_are_kept_with_the_verdict(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    box.add(*numbered(1), marks={"a.jpg": "1:2"}, state={"quota": "{}"})
    box.close()
    again = Outbox(tmp_path / "box")
    assert (again.marks(), again.mark("a.jpg"), again.state("quota")) == ({"a.jpg": "1:2"}, "1:2", "{}")
    again.forget_marks(["a.jpg"])
    assert again.mark("a.jpg") is None


def test_a_full_disk_stops_nothing_and_loses_nothing_when_it_recovers(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    box.add(*numbered(0))
    fill(box)
    for item in numbered(*range(1, 400)):
        box.add(item, marks={"last": "full"}, state={"key": "full"})
    assert "full" in box.failure
    assert (box.mark("last"), box.state("key"), box.size(Queue.MESSAGES)[0]) == ("full", "full", 400)
    empty(box)
    box.retry()
    assert box.failure == ""
    box.close()
    again = Outbox(tmp_path / "box")
    assert drained(again) == list(range(400))
    assert again.mark("last") == "full"
    assert again.counts() == {}


def test_verdicts_leave_while_the_disk_is_full(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    box.add(*numbered(0))
    fill(box)
    for item in numbered(*range(1, 400)):
        box.add(item)
    broker = Broker()
    assert drained(box, broker) == list(range(400))
    assert drained(box, broker) == list(range(400))  # none of them again
    box.add(*numbered(400))
    assert drained(box) == [400]


def test_more_than_fits_into_memory_is_dropped_oldest_first_and_counted_when_the_disk_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.inspector.memory.MEMORY_ITEMS", 200)
    box = Outbox(tmp_path / "box")
    fill(box)
    box.add(image("too-large.jpg", 100_000))
    more = 600
    for item in numbered(*range(more)):
        box.add(item)
    kept = box.size(Queue.MESSAGES)[0]
    assert box.counts() == {"dropped_uploads": 1, "dropped_messages": more - kept}
    empty(box)
    box.retry()
    box.close()
    again = Outbox(tmp_path / "box")
    assert again.counts() == {"dropped_uploads": 1, "dropped_messages": more - kept}
    numbers = drained(again)
    assert len(numbers) == kept
    assert numbers[-200:] == list(range(more - 200, more))
    assert numbers == sorted(numbers)


def test_a_verdict_on_a_full_disk_takes_the_room_of_the_oldest_image(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    for number in range(5):
        box.add(image(f"{number}.jpg", 50_000))
    fill(box)
    for item in numbered(*range(400)):
        box.add(item)
    dropped = box.counts()["dropped_uploads"]
    assert 1 <= dropped < 5
    assert [item.address for item in box.next(Queue.UPLOADS)] == [f"{number}.jpg" for number in range(dropped, 5)]
    assert (box.failure, drained(box)) == ("", list(range(400)))


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    box = Outbox(tmp_path / "box")
    assert (tmp_path / "box.broken").read_bytes().startswith(b"not a database")
    assert "set aside as box.broken" in box.damage
    box.add(*numbered(1))
    assert drained(box) == [1]


def damage(path: Path) -> None:
    """Random bytes over all but the first page, as a dying memory card leaves them."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(random.Random(1).randbytes(size - 4096))


def test_a_database_that_is_damaged_inside_is_set_aside_at_the_start(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    for number in range(50):
        box.add(*numbered(number), image(f"{number}.jpg"))
    box.close()
    damage(tmp_path / "box")
    box = Outbox(tmp_path / "box")
    assert "malformed" in box.damage
    box.add(*numbered(1), marks={"a": "1"})
    assert (drained(box), box.marks(), box.failure) == ([1], {"a": "1"}, "")


def test_a_database_that_gets_damaged_is_replaced_and_what_is_lost_is_counted(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box")
    box.count("over_quota", 7)
    for number in range(50):
        box.add(*numbered(number), state={"in_service": "1.0.3"})
    given = box.next(Queue.MESSAGES, 3)
    box.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    box.database.connection.execute("PRAGMA cache_size = 0")
    damage(tmp_path / "box")
    assert box.next(Queue.MESSAGES) == []
    assert "malformed" in box.damage
    box.add(*numbered(50, 51), marks={"a": "1"})
    box.handed_over(given)  # these numbers were of the old database
    assert (drained(box), box.marks(), box.failure) == ([50, 51], {"a": "1"}, "")
    box.close()
    again = Outbox(tmp_path / "box")
    assert again.counts() == {"over_quota": 7, "dropped_messages": 50}
    assert again.state("in_service") == "1.0.3"


@pytest.mark.parametrize("access", ["add", "marks", "forget_marks", "handed_over", "next"])
def test_no_access_to_a_damaged_database_raises(tmp_path: Path, access: str) -> None:
    box = Outbox(tmp_path / "box")
    for number in range(50):
        box.add(*numbered(number), marks={f"{number}.jpg": "1:1"})
    given = box.next(Queue.MESSAGES, 3)
    box.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    box.database.connection.execute("PRAGMA cache_size = 0")
    damage(tmp_path / "box")
    do: dict[str, Any] = {
        "add": lambda: box.add(*numbered(50)),
        "marks": box.marks,
        "forget_marks": lambda: box.forget_marks(["1.jpg"]),
        "handed_over": lambda: box.handed_over(given),
        "next": lambda: box.next(Queue.MESSAGES),
    }
    do[access]()
    assert box.damage


def test_without_room_for_a_new_database_it_is_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Outbox(tmp_path / "box")
    for number in range(50):
        box.add(*numbered(number))
    box.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    box.database.connection.execute("PRAGMA cache_size = 0")
    damage(tmp_path / "box")

    def fail(*_: Any) -> None:
        raise OSError("read-only file system")

    monkeypatch.setattr("edge.inspector.outbox.set_aside", fail)
    assert box.next(Queue.MESSAGES) == []
    box.add(*numbered(51), state={"quota": "{}"})
    assert (drained(box), box.state("quota")) == ([51], "{}")
    assert "in memory only: read-only file system" in box.damage


def test_whatever_a_delivery_raises_it_is_tried_again_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge.inspector.forwarder.FIRST_SECONDS", 0.01)
    box, tries = Outbox(tmp_path / "box"), []

    def deliver(item: Item) -> bool:
        tries.append(item)
        if len(tries) < 4:
            raise AttributeError("a bug in a library")
        return True

    box.add(*numbered(1))
    forwarder = Forwarder(box, Queue.MESSAGES, deliver)
    forwarder.start()
    forwarder.drain(10)
    forwarder.stop()
    assert (len(tries), box.size(Queue.MESSAGES)) == (4, (0, 0))
    assert capsys.readouterr().err.splitlines() == ["the messages wait: AttributeError: a bug in a library"]


@settings(max_examples=25)
@given(
    actions=st.lists(st.sampled_from(["add", "send", "down", "up", "full", "well", "restart"]), max_size=60),
    rows=st.integers(3, 30),
)
def test_whatever_happens_order_is_kept_and_what_does_not_arrive_is_counted(
    actions: list[str], rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("box") / "box"
    box, broker, number, full = Outbox(path, limits(rows=rows)), Broker(), 0, False
    for action in actions:
        if action == "add":
            box.add(*numbered(number))
            number += 1
        elif action == "send":
            drained(box, broker)
        elif action in ("down", "up"):
            broker.up = action == "up"
        elif action == "full":
            fill(box)
            full = True
        elif action == "well" or full:  # a restart with a full disk may lose what is in memory only
            empty(box)
            box.retry()
            full = False
        else:
            box.close()
            box = Outbox(path, limits(rows=rows))
    broker.up = True
    empty(box)
    box.retry()
    arrived = drained(box, broker)
    assert [value for value, _ in itertools.groupby(arrived)] == sorted(set(arrived))
    assert len(set(arrived)) + box.counts().get("dropped_messages", 0) == number
    assert box.size(Queue.MESSAGES) == (0, 0)
    box.close()


def test_a_killed_process_has_lost_nothing_that_it_had_kept(tmp_path: Path) -> None:
    program = f"""
        import sys
        from pathlib import Path
        from edge.inspector.items import message
        from edge.inspector.outbox import Outbox
        box = Outbox(Path({str(tmp_path / "box")!r}))
        for number in range(100000):
            box.add(message("topic", {{"number": number}}), marks={{"last": str(number)}})
            print(number, flush=True)
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'sightline'}"}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout
    for _ in range(300):
        last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    box = Outbox(tmp_path / "box")
    numbers = drained(box)
    assert numbers == list(range(len(numbers)))
    assert numbers[-1] >= last
    assert box.mark("last") == str(numbers[-1])


def test_a_locked_database_is_a_disk_that_takes_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("edge.inspector.database.BUSY_SECONDS", 0.05)
    box = Outbox(tmp_path / "box")
    other = sqlite3.connect(tmp_path / "box", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    box.add(*numbered(1))
    assert "locked" in box.failure
    other.execute("ROLLBACK")
    other.close()
    box.retry()
    assert (box.failure, drained(box)) == ("", [1])


def test_what_was_handed_over_while_the_disk_took_nothing_does_not_count_as_dropped(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("edge.inspector.database.BUSY_SECONDS", 0.05)
    box = Outbox(tmp_path / "box", limits(rows=2))
    box.add(image("0.jpg"))
    box.add(image("1.jpg"))
    other = sqlite3.connect(tmp_path / "box", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    box.handed_over(box.next(Queue.UPLOADS))
    assert "locked" in box.failure
    other.execute("ROLLBACK")
    other.close()
    box.add(image("2.jpg"))
    box.add(image("3.jpg"))
    assert [item.address for item in box.next(Queue.UPLOADS)] == ["2.jpg", "3.jpg"]
    assert (box.failure, box.size(Queue.UPLOADS), box.counts()) == ("", (2, 2000), {})


def test_the_disk_counts_as_well_again_when_what_was_handed_over_is_deleted(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("edge.inspector.database.BUSY_SECONDS", 0.05)
    box = Outbox(tmp_path / "box")
    box.add(*numbered(1))
    other = sqlite3.connect(tmp_path / "box", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    box.handed_over(box.next(Queue.MESSAGES))
    box.retry()
    assert "locked" in box.failure
    other.execute("ROLLBACK")
    other.close()
    box.retry()
    assert (box.failure, box.size(Queue.MESSAGES)) == ("", (0, 0))
