"""Which images go back for labelling, and how many: unsure ones, disagreements with the shadow model, a random
sample.
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from .outbox import UPLOADS, Item

REVIEW, DISAGREEMENT, RANDOM = "review", "disagreement", "random"
INCOMING = "incoming/"  # the prefix that labelling reads
SLOT_SECONDS = 300
HOUR_SLOTS, DAY_SLOTS = 13, 289  # one more than fills the time, so that no hour and no day ever has more
LONGEST_REST = 86_400.0 + SLOT_SECONDS  # after it everything is free again


class Quota:
    """How many images were taken in the last hour and the last day, over restarts.

    Time is what this process has run, plus, after a restart, what the wall clock says has passed since, but never less
    than nothing and never more than a day: a clock that jumps frees at most what a day of rest would.
    """

    def __init__(
        self, kept: str | None, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        before: dict[str, Any] = json.loads(kept) if kept else {"elapsed": 0.0, "wall": wall(), "taken": {}}
        self._clock, self._wall, self._start = clock, wall, clock()
        self._base = before["elapsed"] + min(max(wall() - before["wall"], 0.0), LONGEST_REST)
        self._taken = {int(slot): int(number) for slot, number in before["taken"].items()}

    def take(self, per_hour: float, per_day: float) -> bool:
        """Take one, unless the hour or the day has had as many already."""
        slot = int(self._elapsed() // SLOT_SECONDS)
        self._taken = {then: number for then, number in self._taken.items() if then > slot - DAY_SLOTS}
        if sum(self._taken.values()) >= per_day:
            return False
        if sum(number for then, number in self._taken.items() if then > slot - HOUR_SLOTS) >= per_hour:
            return False
        self._taken[slot] = self._taken.get(slot, 0) + 1
        return True

    def kept(self) -> str:
        """What the next process is to be given."""
        return json.dumps({"elapsed": self._elapsed(), "wall": self._wall(), "taken": self._taken})

    def _elapsed(self) -> float:
        return self._base + self._clock() - self._start


def reason(verdict: dict[str, Any], sample_rate: float) -> str:
    """Why the image of this verdict is worth a label; empty when it is not.

    What a broken camera shows teaches nothing. The random sample is drawn by the verdict's id, so that an image that is
    inspected again after a crash is drawn again.
    """
    if "fault" in verdict:
        return ""
    if verdict["verdict"] == "review":
        return REVIEW
    return RANDOM if int(verdict["id"][:8], 16) < sample_rate * 2**32 else ""


def upload(thing: str, verdict: dict[str, Any], body: bytes, why: str) -> Item:
    """The image as labelling finds it. The same image always has the same key: uploaded twice it is one object."""
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
    return Item(UPLOADS, key, body, details)
