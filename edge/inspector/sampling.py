"""Which images go back for labelling, and how many: unsure ones, disagreements with the shadow model, a random
sample.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import TypedDict

from sightline.vision.verdict import Outcome

from .items import Item, Queue
from .messages import VerdictMessage

REVIEW, DISAGREEMENT, RANDOM = "review", "disagreement", "random"
INCOMING = "incoming/"  # the prefix that labelling reads
SLOT_SECONDS = 300
HOUR_SLOTS, DAY_SLOTS = 13, 289  # one more than fills the time, so that no hour and no day ever has more
LONGEST_REST = 86_400.0 + SLOT_SECONDS  # after it everything is free again


class KeptQuota(TypedDict):
    """What a process gives the next one: its own time and the wall clock's in seconds, and what it took by slot."""

    elapsed: float
    wall: float
    taken: dict[str, int]


class Quota:
    """How many images were taken in the last hour and the last day, over restarts.

    Time is what this process has run, plus, after a restart, what the wall clock says has passed since, but never less
    than nothing and never more than a day: a clock that jumps frees at most what a day of rest would.
    """

    def __init__(
        self, kept: str | None, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        before: KeptQuota = json.loads(kept) if kept else {"elapsed": 0.0, "wall": wall(), "taken": {}}
        self._clock, self._wall, self._start = clock, wall, clock()
        self._base = before["elapsed"] + min(max(wall() - before["wall"], 0.0), LONGEST_REST)
        self._taken = {int(slot): int(number) for slot, number in before["taken"].items()}

    def take(self, per_hour: float, per_day: float) -> bool:
        """Take one. Return False when the hour or the day has had as many already."""
        slot = int(self._elapsed() // SLOT_SECONDS)
        self._taken = {then: number for then, number in self._taken.items() if then > slot - DAY_SLOTS}
        if sum(self._taken.values()) >= per_day:
            return False
        if sum(number for then, number in self._taken.items() if then > slot - HOUR_SLOTS) >= per_hour:
            return False
        self._taken[slot] = self._taken.get(slot, 0) + 1
        return True

    def kept(self) -> str:
        """Return what the next process is to be given."""
        return json.dumps({"elapsed": self._elapsed(), "wall": self._wall(), "taken": self._taken})

    def _elapsed(self) -> float:
        return self._base + self._clock() - self._start


def reason(verdict: VerdictMessage, sample_rate: float) -> str:
    """Return why the image of this verdict is worth a label; empty when it is not.

    What a broken camera shows teaches nothing. The random sample is drawn by the verdict's id, so that an image that is
    inspected again after a crash is drawn again.
    """
    if "fault" in verdict:
        return ""
    if verdict["verdict"] == Outcome.REVIEW:
        return REVIEW
    return RANDOM if int(verdict["id"][:8], 16) < sample_rate * 2**32 else ""


def upload(thing: str, verdict: VerdictMessage, body: bytes, why: str) -> Item:
    """Return the image as labelling finds it. The same image has the same key: uploaded twice it is one object."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", verdict["image"])[-100:]
    key = f"{INCOMING}{thing}/{verdict['captured_at'][:10]}/{verdict['id'][:16]}-{name}"
    details = {
        "source": "device",
        "device": thing,
        "verdict": verdict["verdict"],
        "model-version": verdict["model_version"],
        "captured-at": verdict["captured_at"],
        "sampled": why,
    }
    return Item(Queue.UPLOADS, key, body, details)
