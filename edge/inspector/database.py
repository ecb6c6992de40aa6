"""The outbox on disk: one SQLite file. Every method is one transaction, and raises what SQLite raises."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .items import Batch, Counts, Item, Limit, Queue, added

BUSY_SECONDS = 5.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, details TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS uploads (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT, details TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
"""
NUMBER = "INSERT INTO sqlite_sequence SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)"
ADD = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"


class Database:
    """An opened file. `state` and `counts` are what it holds, `rows` and `bytes` how much waits in each queue."""

    def __init__(self, path: Path | str, given: Mapping[Queue, int]) -> None:
        """Open the file, or make it.

        `given` is the highest number of each queue that was ever given out. A new database goes on with the numbers:
        what was given out is still to be deleted by its number.
        """
        # Not FULL: a power cut may take the newest transactions, but whole ones, whose images are then inspected again.
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA journal_size_limit=4194304")
            db.executescript(SCHEMA)
            db.executemany(NUMBER, [(queue, number, queue) for queue, number in given.items()])
            found = {queue: _size(db, queue) for queue in Queue}
            self.counts: Counts = {name: int(value) for name, value in db.execute("SELECT name, value FROM counters")}
            self.state: dict[str, str] = dict(db.execute("SELECT name, value FROM state").fetchall())
        except BaseException:
            db.close()
            raise
        self.rows = {queue: rows for queue, (rows, _) in found.items()}
        self.bytes = {queue: size for queue, (_, size) in found.items()}
        self.connection = db

    def close(self) -> None:
        self.connection.close()

    def write(self, batch: Batch, limits: Mapping[Queue, Limit], counts: Counts) -> None:
        """Write the batch and `counts`, and delete what is then more than the limits, oldest first."""
        dropped: dict[Queue, tuple[int, int]] = {}
        with self._transaction():
            for item in batch.items:
                row = (item.address, json.dumps(item.details), item.body)
                self.connection.execute(
                    f"INSERT INTO {item.queue} (address, details, body) VALUES (?, ?, ?)",  # noqa: S608
                    row,
                )
            for queue in {item.queue for item in batch.items}:
                coming = [len(item.body) for item in batch.items if item.queue == queue]
                dropped[queue] = self._drop_excess(queue, limits[queue], len(coming), sum(coming))
            for table, values in (("marks", batch.marks), ("state", batch.state)):
                self.connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", values.items())  # noqa: S608
            counts = added(counts, {f"dropped_{queue}": rows for queue, (rows, _) in dropped.items()})
            self.connection.executemany(ADD, counts.items())
        for item in batch.items:
            self._grew(item.queue, 1, len(item.body))
        for queue, (rows, size) in dropped.items():
            self._grew(queue, -rows, -size)
        self.counts = added(self.counts, counts)

    def _drop_excess(self, queue: Queue, limit: Limit, rows: int, size: int) -> tuple[int, int]:
        """Delete the oldest until there is room for `rows` more of `size` bytes. Return how many, and their bytes."""
        rows += self.rows[queue] - limit.rows
        size += self.bytes[queue] - limit.bytes
        dropped, freed, last = 0, 0, 0
        if rows <= 0 and size <= 0:
            return 0, 0
        for number, length in self.connection.execute(f"SELECT id, LENGTH(body) FROM {queue} ORDER BY id"):  # noqa: S608
            if dropped >= rows and freed >= size:
                break
            dropped, freed, last = dropped + 1, freed + length, number
        self.connection.execute(f"DELETE FROM {queue} WHERE id <= ?", (last,))  # noqa: S608
        return dropped, freed

    def drop_oldest_upload(self, after: int, counts: Counts) -> bool:
        """Delete the oldest upload with a number above `after`, and write `counts`. Return False when there is none."""
        oldest = "SELECT id, LENGTH(body) FROM uploads WHERE id > ? ORDER BY id LIMIT 1"
        with self._transaction():
            found = self.connection.execute(oldest, (after,)).fetchone()
            if found is None:
                return False
            self.connection.execute("DELETE FROM uploads WHERE id = ?", found[:1])
            counts = added(counts, {f"dropped_{Queue.UPLOADS}": 1})
            self.connection.executemany(ADD, counts.items())
        self._grew(Queue.UPLOADS, -1, -int(found[1]))
        self.counts = added(self.counts, counts)
        return True

    def next(self, queue: Queue, after: int, limit: int) -> list[Item]:
        """Return the oldest items with numbers above `after`."""
        rows = self.connection.execute(
            f"SELECT id, address, details, body FROM {queue} WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
            (after, limit),
        ).fetchall()
        return [Item(queue, address, body, json.loads(details), number) for number, address, details, body in rows]

    def delete_up_to(self, queue: Queue, number: int) -> None:
        """Delete the items with these numbers."""
        rows, size = _size(self.connection, queue, "WHERE id <= ?", number)
        if not rows:
            return
        with self._transaction():
            self.connection.execute(f"DELETE FROM {queue} WHERE id <= ?", (number,))  # noqa: S608
        self._grew(queue, -rows, -size)

    def marks(self) -> dict[str, str]:
        """Return how far each source has been inspected."""
        return dict(self.connection.execute("SELECT name, value FROM marks").fetchall())

    def forget_marks(self, names: Collection[str]) -> None:
        with self._transaction():
            self.connection.executemany("DELETE FROM marks WHERE name = ?", [(name,) for name in names])

    def _grew(self, queue: Queue, rows: int, size: int) -> None:
        self.rows[queue] += rows
        self.bytes[queue] += size

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done inside, or nothing of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # SQLite rolls back by itself when the disk is full
                self.connection.execute("ROLLBACK")
            raise


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether the file is damaged. The error's subclasses pass, as a full or slow disk, or are our mistakes."""
    return type(error) is sqlite3.DatabaseError


def set_aside(path: Path) -> Path:
    """Keep a damaged file for whoever wants to look at it, but only the newest such one. Return where it is now."""
    broken = path.with_suffix(".broken")
    path.replace(broken)
    for rest in (f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / rest).unlink(missing_ok=True)
    return broken


def _size(db: sqlite3.Connection, queue: Queue, where: str = "", *values: int) -> tuple[int, int]:
    """Return the rows and bytes of a queue."""
    found = db.execute(f"SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM {queue} {where}", values).fetchone()  # noqa: S608
    return int(found[0]), int(found[1])
