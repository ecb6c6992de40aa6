"""What waits to be handed over to the cloud: messages and images, in two queues."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sightline.vision.python39 import StrEnum

MEGABYTE = 1024 * 1024


class Queue(StrEnum):
    """A queue of the outbox; the value names its table and its counters."""

    MESSAGES = "messages"
    UPLOADS = "uploads"


@dataclass(frozen=True)
class Limit:
    """How much of one queue is kept."""

    rows: int
    bytes: int


LIMITS = {Queue.MESSAGES: Limit(200_000, 128 * MEGABYTE), Queue.UPLOADS: Limit(5_000, 512 * MEGABYTE)}


@dataclass(frozen=True)
class Item:
    """A message (`address`: topic, below the device's own) or an upload (`address`: object key, `details`: metadata).

    `number` orders the items of a queue; None while one is in memory only.
    """

    queue: Queue
    address: str
    body: bytes
    details: dict[str, str] = field(default_factory=dict)
    number: int | None = None


@dataclass
class Batch:
    """What is written in one transaction: items, how far sources have been inspected, and other state."""

    items: list[Item]
    marks: dict[str, str]
    state: dict[str, str]


Counts = dict[str, int]
"""What was counted on this device, by name: `dropped_messages`, `over_quota`, …"""


def message(topic: str, value: Mapping[str, object]) -> Item:
    """Return the item of a message in JSON."""
    return Item(Queue.MESSAGES, topic, json.dumps(value, separators=(",", ":")).encode())


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> Counts:
    """Return `counts` with `more` added to them."""
    return {**counts, **{name: counts.get(name, 0) + number for name, number in more.items() if number}}
