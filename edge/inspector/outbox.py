"""Store and forward: what must reach the cloud is on disk, in order and bounded, until it was handed over.

One SQLite file holds the messages, the images to upload, how far each source has been inspected, and what was counted.
A verdict, its image and the source's mark are written together or not at all: after a `kill -9` or a power cut an image
either has its verdict here, or is inspected again and gives a verdict with the same id.

When the disk takes nothing, inspection goes on: what comes waits in memory, bounded too, and is written when the disk
is well again. The oldest is dropped first, and every drop is counted. A database that is damaged is set aside, at the
start or at any later access, and a new one takes over.
"""

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from .log import Said, say

MESSAGES, UPLOADS = "messages", "uploads"
MEGABYTE = 1024 * 1024
MEMORY_ITEMS = 2_000  # messages that wait in memory while the disk takes nothing
BUSY_SECONDS = 5.0
OPEN_SECONDS = 600.0  # that a start on a full disk waits for room; images wait too
ROOM_TRIES = 8  # uploads that may be dropped to write one batch

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, details TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS uploads (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, details TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
"""
NUMBER = "INSERT INTO sqlite_sequence SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)"


@dataclass(frozen=True)
class Limit:
    """How much of one queue is kept."""

    rows: int
    bytes: int


LIMITS = {MESSAGES: Limit(200_000, 128 * MEGABYTE), UPLOADS: Limit(5_000, 512 * MEGABYTE)}


@dataclass(frozen=True)
class Item:
    """A message (`address`: topic) or an upload (`address`: object key, `details`: its metadata).

    `number` orders the items of a queue; None while one is in memory only.
    """

    queue: str
    address: str
    body: bytes
    details: dict[str, str] = field(default_factory=dict)
    number: int | None = None


def message(topic: str, value: dict[str, Any]) -> Item:
    return Item(MESSAGES, topic, json.dumps(value, separators=(",", ":")).encode())


@dataclass
class Batch:
    """What is written in one transaction."""

    items: list[Item]
    marks: dict[str, str]
    state: dict[str, str]


P = ParamSpec("P")
T = TypeVar("T")


def _whatever_the_disk_holds(
    method: Callable[Concatenate["Outbox", P], T],
) -> Callable[Concatenate["Outbox", P], T]:
    """Do it, on a new database when this one turns out to be damaged. For what changes nothing before it fails."""

    @wraps(method)
    def run(box: "Outbox", *args: P.args, **kwargs: P.kwargs) -> T:
        with box._lock:
            try:
                return method(box, *args, **kwargs)
            except sqlite3.DatabaseError as error:
                if not _damaged(error):
                    raise
                box._renew(str(error))
                return method(box, *args, **kwargs)

    return run


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """Its subclasses are what passes, as a full or slow disk, or our own mistakes."""
    return type(error) is sqlite3.DatabaseError


class Outbox:
    """The queues of one device. Any thread may use it; one process at a time."""

    def __init__(self, path: Path, limits: dict[str, Limit] | None = None) -> None:
        self._lock = threading.RLock()
        self.limits = limits or dict(LIMITS)
        self._memory: deque[Batch] = deque()
        self._sent = dict.fromkeys((MESSAGES, UPLOADS), 0)  # handed over, whether or not the disk let them be deleted
        self._given = dict.fromkeys((MESSAGES, UPLOADS), 0)  # the highest numbers that `next` has answered
        self._unsaved: dict[str, int] = {}  # counts that are not on disk yet
        self.added = {queue: threading.Event() for queue in self._sent}
        self.failure = ""  # why the disk takes nothing now; empty when it does
        self.damage = ""  # what was lost with a database that is set aside; whoever has told it may empty this
        self._state: dict[str, str] = {}
        self._path = path
        self._open()

    def _open(self) -> None:
        """Open the database; one that can't be read is set aside, because a device that stands still loses more."""
        deadline = time.monotonic() + OPEN_SECONDS
        trouble = Said()
        while True:
            try:
                return self._connect(self._path)
            except sqlite3.DatabaseError as error:
                if _damaged(error):
                    self._set_aside(str(error))
                    continue
                if time.monotonic() > deadline:
                    raise
                trouble(f"the outbox can't be opened, waiting: {error}")
                time.sleep(0.2)

    def _set_aside(self, reason: str) -> None:
        """Keep the damaged file for whoever wants to look at it, but only the newest such one."""
        broken = self._path.with_suffix(".broken")
        self._path.replace(broken)
        for rest in (f"{self._path.name}-wal", f"{self._path.name}-shm"):
            (self._path.parent / rest).unlink(missing_ok=True)
        self.damage = f"the outbox is damaged ({reason}) and set aside as {broken.name}; what waited in it is not sent"
        say(self.damage)

    def _renew(self, reason: str) -> None:
        """Go on with a new database. What is known here, counts and state, moves there; the rest that waited is
        lost.
        """
        lost = {f"dropped_{queue}": rows for queue, rows in self._rows.items()}
        self._unsaved = self._with(self._with(self._counts, self._unsaved), lost)
        kept = self._state
        self._db.close()
        try:
            self._set_aside(reason)
            self._connect(self._path)
        except (OSError, sqlite3.Error) as error:
            self.damage = f"the outbox is damaged ({reason}); until a restart what comes is in memory only: {error}"
            say(self.damage)
            self._connect(":memory:")
        self._state = kept
        self._memory.appendleft(Batch([], {}, dict(kept)))

    def _connect(self, path: Path | str) -> None:
        # Not FULL: a power cut may take the newest transactions, but whole ones, whose images are then inspected again.
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA journal_size_limit=4194304")
            db.executescript(SCHEMA)
            # A new database goes on with the numbers: what was given out is still to be forgotten by its number.
            db.executemany(NUMBER, [(queue, number, queue) for queue, number in self._given.items()])
            self._rows, self._bytes = {}, {}
            for queue in self._sent:
                found = db.execute(f"SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM {queue}").fetchone()  # noqa: S608
                self._rows[queue], self._bytes[queue] = int(found[0]), int(found[1])
            self._counts = {name: int(value) for name, value in db.execute("SELECT name, value FROM counters")}
            self._state = dict(db.execute("SELECT name, value FROM state").fetchall())
        except BaseException:
            db.close()
            raise
        self._db: sqlite3.Connection = db

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # ------------------------------------------------------------------------------------------------------------- add
    def add(self, *items: Item, marks: dict[str, str] | None = None, state: dict[str, str] | None = None) -> None:
        """Keep all of this, together. Never fails: what the disk does not take waits in memory."""
        batch = Batch(list(items), marks or {}, state or {})
        with self._lock:
            self._state |= batch.state
            if self._memory and not self._memory[-1].items:  # its items were handed over while the disk took nothing
                before = self._memory.pop()
                batch.marks, batch.state = before.marks | batch.marks, before.state | batch.state
            self._memory.append(batch)
            self._write_waiting(ROOM_TRIES)
        for queue in {item.queue for item in items}:
            self.added[queue].set()

    def retry(self) -> None:
        """Try the disk again, if it took nothing before."""
        with self._lock:
            if self.failure or self._memory:
                self._catch_up()

    @_whatever_the_disk_holds
    def _catch_up(self) -> None:
        """Out of the disk with what was handed over, in with what waits in memory."""
        try:
            self._delete_sent()
        except sqlite3.OperationalError as error:
            self.failure = str(error)  # they are not sent again, and are deleted when the disk takes it
        else:
            self.failure = ""
            self._write_waiting(0)

    @_whatever_the_disk_holds
    def _write_waiting(self, room_tries: int) -> None:
        """Bring what waits in memory to the disk, oldest first, as far as the disk takes it."""
        while self._memory:
            try:
                if self.failure:
                    self._delete_sent()  # or it would be dropped, and counted, although it arrived
                self._write(self._memory[0])
            except sqlite3.OperationalError as error:
                self.failure, room_tries = str(error), room_tries - 1
                if room_tries < 0 or not self._make_room():
                    self._bound_memory()
                    return
            else:
                self.failure = ""
                self._memory.popleft()

    def _write(self, batch: Batch) -> None:
        """One transaction: the batch in, and out what is then too much."""
        dropped: dict[str, tuple[int, int]] = {}
        with _transaction(self._db):
            for item in batch.items:
                row = (item.address, json.dumps(item.details), item.body)
                self._db.execute(f"INSERT INTO {item.queue} (address, details, body) VALUES (?, ?, ?)", row)  # noqa: S608
            for queue in {item.queue for item in batch.items}:
                coming = [len(item.body) for item in batch.items if item.queue == queue]
                dropped[queue] = self._drop_excess(queue, len(coming), sum(coming))
            for table, values in (("marks", batch.marks), ("state", batch.state)):
                self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", values.items())  # noqa: S608
            counts = self._with(self._unsaved, {f"dropped_{queue}": rows for queue, (rows, _) in dropped.items()})
            self._save_counts(counts)
        for item in batch.items:
            self._rows[item.queue] += 1
            self._bytes[item.queue] += len(item.body)
        for queue, (rows, size) in dropped.items():
            self._rows[queue] -= rows
            self._bytes[queue] -= size
        self._counted(counts)

    def _drop_excess(self, queue: str, rows: int, size: int) -> tuple[int, int]:
        """Delete the oldest of `queue` until it holds the limit with `rows` more of `size` bytes; how many, how
        large.
        """
        limit = self.limits[queue]
        rows += self._rows[queue] - limit.rows
        size += self._bytes[queue] - limit.bytes
        dropped, freed, last = 0, 0, 0
        if rows <= 0 and size <= 0:
            return 0, 0
        for number, length in self._db.execute(f"SELECT id, LENGTH(body) FROM {queue} ORDER BY id"):  # noqa: S608
            if dropped >= rows and freed >= size:
                break
            dropped, freed, last = dropped + 1, freed + length, number
        self._db.execute(f"DELETE FROM {queue} WHERE id <= ?", (last,))  # noqa: S608
        return dropped, freed

    def _make_room(self) -> bool:
        """Delete the oldest upload that waits; False when there is none, or when the disk does not even take that."""
        try:
            with _transaction(self._db):
                found = self._db.execute(
                    "SELECT id, LENGTH(body) FROM uploads WHERE id > ? ORDER BY id LIMIT 1", (self._sent[UPLOADS],)
                ).fetchone()
                if found is None:
                    return False
                self._db.execute("DELETE FROM uploads WHERE id = ?", found[:1])
                counts = self._with(self._unsaved, {"dropped_uploads": 1})
                self._save_counts(counts)
        except sqlite3.OperationalError:
            return False
        self._rows[UPLOADS] -= 1
        self._bytes[UPLOADS] -= int(found[1])
        self._counted(counts)
        return True

    def _bound_memory(self) -> None:
        """Images are too large to wait in memory, and messages may be only so many."""
        newest = self._memory[-1]
        images = [item for item in newest.items if item.queue == UPLOADS]
        newest.items = [item for item in newest.items if item.queue != UPLOADS]
        self._count("dropped_uploads", len(images))
        waiting = sum(len(batch.items) for batch in self._memory)
        for batch in self._memory:
            if waiting <= MEMORY_ITEMS:
                break
            excess = min(waiting - MEMORY_ITEMS, len(batch.items))
            del batch.items[:excess]  # its marks stay: the image was inspected
            self._count("dropped_messages", excess)
            waiting -= excess

    # ------------------------------------------------------------------------------------------------------------ send
    @_whatever_the_disk_holds
    def next(self, queue: str, limit: int = 100) -> list[Item]:
        """The oldest items that were not handed over, on disk first, then in memory."""
        rows = self._db.execute(
            f"SELECT id, address, details, body FROM {queue} WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
            (self._sent[queue], limit),
        ).fetchall()
        if rows:
            self._given[queue] = max(self._given[queue], rows[-1][0])
            return [Item(queue, address, body, json.loads(details), id_) for id_, address, details, body in rows]
        return [item for batch in self._memory for item in batch.items if item.queue == queue][:limit]

    def handed_over(self, items: Iterable[Item]) -> None:
        """The cloud has these: forget them. They come first in their queue."""
        with self._lock:
            for item in items:
                if item.number is None:
                    self._forget_in_memory(item)
                else:
                    self._sent[item.queue] = max(self._sent[item.queue], item.number)
            self._catch_up()

    def _forget_in_memory(self, item: Item) -> None:
        for batch in self._memory:
            if any(waiting is item for waiting in batch.items):
                batch.items = [waiting for waiting in batch.items if waiting is not item]

    def _delete_sent(self) -> None:
        for queue, number in self._sent.items():
            where = f"FROM {queue} WHERE id <= ?"
            rows, size = self._db.execute(
                f"SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) {where}", (number,)
            ).fetchone()
            if not rows:
                continue
            with _transaction(self._db):
                self._db.execute(f"DELETE {where}", (number,))
            self._rows[queue] -= rows
            self._bytes[queue] -= size

    # --------------------------------------------------------------------------------------------------- what is known
    def size(self, queue: str) -> tuple[int, int]:
        """Rows and bytes that wait, in memory too."""
        with self._lock:
            waiting = [len(item.body) for batch in self._memory for item in batch.items if item.queue == queue]
            return self._rows[queue] + len(waiting), self._bytes[queue] + sum(waiting)

    def count(self, name: str, number: int = 1) -> None:
        """Count an event, on disk with the next thing that is written there."""
        with self._lock:
            self._count(name, number)

    def counts(self) -> dict[str, int]:
        """Everything that was ever counted on this device: `dropped_messages`, `dropped_uploads`, …"""
        with self._lock:
            return self._with(self._counts, self._unsaved)

    def _count(self, name: str, number: int) -> None:
        if number:
            self._unsaved = self._with(self._unsaved, {name: number})

    @staticmethod
    def _with(counts: dict[str, int], more: dict[str, int]) -> dict[str, int]:
        return counts | {name: counts.get(name, 0) + number for name, number in more.items() if number}

    def _save_counts(self, counts: dict[str, int]) -> None:
        add = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
        self._db.executemany(add, counts.items())

    def _counted(self, counts: dict[str, int]) -> None:
        self._counts, self._unsaved = self._with(self._counts, counts), {}

    def mark(self, name: str) -> str | None:
        """How far a source was inspected, as it noted it with `add`."""
        return self.marks().get(name)

    @_whatever_the_disk_holds
    def marks(self) -> dict[str, str]:
        known = dict(self._db.execute("SELECT name, value FROM marks").fetchall())
        for batch in self._memory:
            known |= batch.marks
        return known

    @_whatever_the_disk_holds
    def forget_marks(self, names: list[str]) -> None:
        try:
            with _transaction(self._db):
                self._db.executemany("DELETE FROM marks WHERE name = ?", [(name,) for name in names])
        except sqlite3.OperationalError as error:
            self.failure = str(error)

    def state(self, name: str) -> str | None:
        """A value that was kept with `add`."""
        with self._lock:
            return self._state.get(name)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite rolls back by itself when the disk is full
            db.execute("ROLLBACK")
        raise
