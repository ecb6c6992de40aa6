"""Store and forward: what must reach the cloud is on disk, in order and bounded, until it was handed over.

One database holds the messages, the images to upload, how far each source has been inspected, and what was counted.
A verdict, its image and the source's mark are written together or not at all: after a `kill -9` or a power cut an image
either has its verdict here, or is inspected again and gives a verdict with the same id.

When the disk takes nothing, inspection goes on: what comes waits in memory, bounded too, and is written when the disk
is well again. The oldest is dropped first, and every drop is counted. A database that is damaged is set aside, at the
start or at any later access, and a new one takes over.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TypeVar

from .database import Database, is_damage, set_aside
from .items import LIMITS, Batch, Counts, Item, Limit, Queue, added
from .log import Said, say
from .memory import Memory

OPEN_SECONDS = 600.0  # that a start on a full disk waits for room; images wait too
ROOM_TRIES = 8  # uploads that may be dropped to write one batch

T = TypeVar("T")


class Outbox:
    """The queues of one device. Any thread may use it; one process at a time.

    `failure` says why the disk takes nothing now, and `damage` what was lost with a database that is set aside; both
    are empty when all is well. `added` tells of new items.
    """

    def __init__(self, path: Path, limits: Mapping[Queue, Limit] = LIMITS) -> None:
        self.failure = ""
        self.damage = ""
        self.added = {queue: threading.Event() for queue in Queue}
        self._lock = threading.RLock()
        self._path = path
        self._limits = dict(limits)
        self._memory = Memory()
        self._sent = dict.fromkeys(Queue, 0)  # handed over, whether or not the disk let them be deleted
        self._given = dict.fromkeys(Queue, 0)  # the highest numbers that `next` has returned
        self._unsaved: Counts = {}  # counts that are not on disk yet
        self.database = self._opened()
        self._state = dict(self.database.state)

    def close(self) -> None:
        with self._lock:
            self.database.close()

    def limit_bytes(self, queue: Queue, size: int) -> None:
        """Keep at most `size` bytes of a queue, from the next item on."""
        self._limits[queue] = Limit(self._limits[queue].rows, size)

    def add(self, *items: Item, marks: dict[str, str] | None = None, state: dict[str, str] | None = None) -> None:
        """Keep all of this, together. Never fails: what the disk does not take waits in memory."""
        batch = Batch(list(items), marks or {}, state or {})
        with self._lock:
            self._state |= batch.state
            self._memory.add(batch)
            self._on_disk(lambda: self._write_waiting(ROOM_TRIES))
        for queue in {item.queue for item in items}:
            self.added[queue].set()

    def count(self, name: str, number: int = 1) -> None:
        """Count an event, on disk with the next thing that is written there."""
        with self._lock:
            self._unsaved = added(self._unsaved, {name: number})

    def forget_marks(self, names: list[str]) -> None:
        """Forget how far these sources have been inspected."""
        try:
            self._on_disk(lambda: self.database.forget_marks(names))
        except sqlite3.OperationalError as error:
            self.failure = str(error)

    def forget_damage(self) -> None:
        """Take the damage as told."""
        self.damage = ""

    def next(self, queue: Queue, limit: int = 100) -> list[Item]:
        """Return the oldest items that were not handed over, on disk first, then in memory."""
        with self._lock:
            found = self._on_disk(lambda: self.database.next(queue, self._sent[queue], limit))
            if found:
                self._given[queue] = max(self._given[queue], found[-1].number or 0)
                return found
            return list(islice(self._memory.items(queue), limit))

    def handed_over(self, items: Iterable[Item]) -> None:
        """Forget items that the cloud has. They come first in their queue."""
        with self._lock:
            for item in items:
                if item.number is None:
                    self._memory.forget(item)
                else:
                    self._sent[item.queue] = max(self._sent[item.queue], item.number)
            self._on_disk(self._catch_up)

    def retry(self) -> None:
        """Try the disk again, if it took nothing before."""
        with self._lock:
            if self.failure or self._memory:
                self._on_disk(self._catch_up)

    def size(self, queue: Queue) -> tuple[int, int]:
        """Return the rows and bytes that wait, in memory too."""
        with self._lock:
            waiting = [len(item.body) for item in self._memory.items(queue)]
            return self.database.rows[queue] + len(waiting), self.database.bytes[queue] + sum(waiting)

    def counts(self) -> Counts:
        """Return everything that was ever counted on this device."""
        with self._lock:
            return added(self.database.counts, self._unsaved)

    def mark(self, name: str) -> str | None:
        """Return how far a source was inspected, as it noted it with `add`."""
        return self.marks().get(name)

    def marks(self) -> dict[str, str]:
        """Return how far every source was inspected."""
        with self._lock:
            return self._on_disk(lambda: self.database.marks()) | self._memory.marks()

    def state(self, name: str) -> str | None:
        """Return a value that was kept with `add`."""
        with self._lock:
            return self._state.get(name)

    def _on_disk(self, do: Callable[[], T]) -> T:
        """Do it, on a new database when this one turns out to be damaged. For what changes nothing before it fails."""
        with self._lock:
            try:
                return do()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._renew(str(error))
                return do()

    def _opened(self) -> Database:
        """Open the database; one that can't be read is set aside, because a device that stands still loses more."""
        deadline = time.monotonic() + OPEN_SECONDS
        trouble = Said()
        while True:
            try:
                return Database(self._path, self._given)
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    self._set_aside(str(error))
                    continue
                if time.monotonic() > deadline:
                    raise
                trouble(f"the outbox can't be opened, waiting: {error}")
                time.sleep(0.2)

    def _set_aside(self, reason: str) -> None:
        name = set_aside(self._path).name
        self.damage = f"the outbox is damaged ({reason}) and set aside as {name}; what waited in it is not sent"
        say(self.damage)

    def _renew(self, reason: str) -> None:
        """Go on with a new database. Counts and state move there; the rest that waited is lost."""
        lost = {f"dropped_{queue}": rows for queue, rows in self.database.rows.items()}
        self._unsaved = added(added(self.database.counts, self._unsaved), lost)
        self.database.close()
        try:
            self._set_aside(reason)
            self.database = Database(self._path, self._given)
        except (OSError, sqlite3.Error) as error:
            self.damage = f"the outbox is damaged ({reason}); until a restart what comes is in memory only: {error}"
            say(self.damage)
            self.database = Database(":memory:", self._given)
        self._memory.add_first(Batch([], {}, dict(self._state)))

    def _catch_up(self) -> None:
        """Delete from the disk what was handed over, and write to it what waits in memory."""
        try:
            self._delete_sent()
        except sqlite3.OperationalError as error:
            self.failure = str(error)  # they are not sent again, and are deleted when the disk takes it
        else:
            self.failure = ""
            self._write_waiting(0)

    def _delete_sent(self) -> None:
        for queue, number in self._sent.items():
            self.database.delete_up_to(queue, number)

    def _write_waiting(self, room_tries: int) -> None:
        """Bring what waits in memory to the disk, oldest first, as far as the disk takes it."""
        while self._memory:
            try:
                if self.failure:
                    self._delete_sent()  # or it would be dropped, and counted, although it arrived
                self.database.write(self._memory.oldest, self._limits, self._unsaved)
            except sqlite3.OperationalError as error:
                self.failure, room_tries = str(error), room_tries - 1
                if room_tries < 0 or not self._make_room():
                    self._unsaved = added(self._unsaved, self._memory.bound())
                    return
            else:
                self.failure, self._unsaved = "", {}
                self._memory.drop_oldest()

    def _make_room(self) -> bool:
        """Delete the oldest upload that waits. Return False when there is none, or the disk does not even take that."""
        try:
            made = self.database.drop_oldest_upload(self._sent[Queue.UPLOADS], self._unsaved)
        except sqlite3.OperationalError:
            return False
        if made:
            self._unsaved = {}
        return made
