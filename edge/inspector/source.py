"""The port to images, and what comes through it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

FIRST, LAST = datetime.min.replace(tzinfo=timezone.utc), datetime.max.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Frame:
    """One image. `marks` are kept with its verdict and tell the source after a restart that it is done."""

    name: str
    body: bytes
    captured_at: str  # ISO 8601, UTC
    marks: dict[str, str]
    file: str = ""  # its name as the folder has it, which need not be text
    may_grow: bool = False  # damaged, it is not whole yet perhaps


class Source(Protocol):
    """The one port to images. A source never raises for what is wrong with it; `trouble` says that."""

    trouble: str  # why no images come, when that is not in order

    def take_missed(self) -> int:
        """Return how many images came too fast and were let go since the last call."""

    def next(self) -> Frame | None:
        """The next image, each once and in order; None when there is none now."""

    def put_back(self, frame: Frame) -> None:
        """`frame` may grow and can't be decoded: it comes again later, and has no verdict now."""

    def done(self, frame: Frame) -> None:
        """The verdict on `frame` is safe."""

    def close(self) -> None:
        """Let go of files, cameras and threads."""


class NoSource:
    """No images: what an inspector without a model looks at."""

    def __init__(self, trouble: str = "") -> None:
        self.trouble = trouble

    def take_missed(self) -> int:
        return 0

    def next(self) -> Frame | None:
        return None

    def put_back(self, frame: Frame) -> None:
        pass

    def done(self, frame: Frame) -> None:
        pass

    def close(self) -> None:
        pass


def moment(seconds: float) -> str:
    """A file's time in ISO 8601, UTC. Times that the calendar does not reach are its last or first one."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    except (ValueError, OverflowError, OSError):
        return (LAST if seconds > 0 else FIRST).isoformat()
