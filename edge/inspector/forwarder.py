"""Handing over what waits in the outbox, in a thread of its own: a slow network never holds up an inspection."""

import random
import threading
import time
from collections.abc import Callable

from .items import Item, Queue
from .log import Said, one_line, say
from .outbox import Outbox

FIRST_SECONDS, LAST_SECONDS = 0.5, 30.0  # between tries while the cloud does not take anything
IDLE_SECONDS = 1.0


class RefusedError(Exception):
    """The cloud will never take this item; the message says why."""


class Forwarder:
    """One queue of the outbox, its items one after the other; `deliver` returns False when that is not possible now."""

    def __init__(self, outbox: Outbox, queue: Queue, deliver: Callable[[Item], bool], *, batch: int = 100) -> None:
        self.queue = queue
        self._outbox, self._deliver, self._batch = outbox, deliver, batch
        self._added, self._stopping = outbox.added[queue], threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"forward-{queue}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the item at hand; what is not handed over stays on disk."""
        self._stopping.set()
        self._added.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def drain(self, seconds: float) -> None:
        """Wait until nothing waits, at most `seconds`."""
        deadline = time.monotonic() + seconds
        while self._outbox.size(self.queue)[0] and time.monotonic() < deadline:
            time.sleep(0.02)

    def _run(self) -> None:
        wait, trouble = FIRST_SECONDS, Said()
        while not self._stopping.is_set():
            self._added.clear()
            try:
                whole, some = self.forward()
                trouble("")
            except Exception as error:  # whatever one delivery or the disk answers, the thread tries again
                trouble(f"the {self.queue} wait: {one_line(error)}")
                whole, some = False, 0
            if whole:
                wait = FIRST_SECONDS
                self._added.wait(IDLE_SECONDS)
            else:
                wait = FIRST_SECONDS if some else min(wait * 2, LAST_SECONDS)
                self._stopping.wait(wait * random.uniform(0.5, 1.0))

    def forward(self) -> tuple[bool, int]:
        """Hand over what waits until one is not taken. Return whether all were, and how many."""
        sent = 0
        while items := self._outbox.next(self.queue, self._batch):
            taken: list[Item] = []
            try:
                for item in items:
                    if self._stopping.is_set() or not self._taken(item):
                        return False, sent
                    taken.append(item)
                    sent += 1
            finally:
                self._outbox.handed_over(taken)
        return True, sent

    def _taken(self, item: Item) -> bool:
        try:
            return self._deliver(item)
        except RefusedError as error:
            say(f"{item.address} is refused and dropped: {error}")
            self._outbox.count(f"refused_{self.queue}")
            return True
