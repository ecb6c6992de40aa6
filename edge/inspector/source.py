"""Where images come from: a folder into which a camera program writes them, a video file, a camera or an RTSP stream."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from sightline.vision.decode import MAX_BYTES

from .outbox import Outbox
from .settings import Settings

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".mpg", ".webm")
SETTLE_SECONDS = 0.1  # a file that did not change for so long is whole
MOVED_SECONDS = 1.0
SCAN_SECONDS = 5.0  # between looks at a folder that did not change: some file systems don't tell
FORGET_EVERY = 1000  # images; then the marks of files that are gone are deleted


@dataclass(frozen=True)
class Frame:
    """One image. `marks` are kept with its verdict and tell the source after a restart that it is done."""

    name: str
    body: bytes
    captured_at: str  # ISO 8601, UTC
    marks: dict[str, str]


class Source(Protocol):
    """The one port to images. A source never raises for what is wrong with it; `trouble` says that."""

    trouble: str  # why no images come, when that is not in order
    missed: int  # images that came too fast and were let go

    def next(self) -> Frame | None:
        """The next image, each once and in order; None when there is none now."""

    def done(self, frame: Frame) -> None:
        """The verdict on `frame` is safe."""

    def close(self) -> None:
        """Let go of files, cameras and threads."""


class NoSource:
    """No images: what an inspector without a model looks at."""

    trouble, missed = "", 0

    def next(self) -> Frame | None:
        return None

    def done(self, frame: Frame) -> None:
        pass

    def close(self) -> None:
        pass


class FolderSource:
    """Image files, whole ones only, oldest first. A file that is written anew under its name is a new image."""

    def __init__(
        self, folder: Path, outbox: Outbox, *, delete: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.trouble, self.missed = "", 0
        self._folder, self._outbox, self._delete, self._clock = folder, outbox, delete, clock
        self._ready: deque[tuple[int, str, str]] = deque()  # time of change, name, mark
        self._growing: dict[str, tuple[str, float]] = {}  # mark and when it was first seen
        self._done: dict[str, str] | None = None  # marks of files that are there and are inspected
        self._scanned, self._changed, self._moved = float("-inf"), -1, float("-inf")
        self._since_forgotten = 0

    def next(self) -> Frame | None:
        if not self._ready:
            self._scan()
        while self._ready:
            changed, name, mark = self._ready.popleft()
            try:
                with (self._folder / name).open("rb") as file:
                    body = file.read(MAX_BYTES + 1)
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self.trouble = f"{name} can't be read: {error.strerror}"
                continue
            captured_at = datetime.fromtimestamp(changed / 1e9, UTC).isoformat()
            return Frame(name, body, captured_at, {self._mark_name(name): mark})
        return None

    def done(self, frame: Frame) -> None:
        assert self._done is not None
        self._done[frame.name] = frame.marks[self._mark_name(frame.name)]
        if self._delete:
            self._remove(frame.name)
        self._since_forgotten += 1
        if self._since_forgotten >= FORGET_EVERY:
            self._forget()

    def close(self) -> None:
        pass

    def _scan(self) -> None:
        """Look for new files, unless nothing can have changed since the last look."""
        now = self._clock()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            changed = self._folder.stat().st_mtime_ns
            if changed != self._changed:
                self._changed, self._moved = changed, now
            # For a while after a change: another one in the same tick of the file system's clock would not show.
            elif not self._growing and now - self._moved > MOVED_SECONDS and now - self._scanned < SCAN_SECONDS:
                return
            with os.scandir(self._folder) as found:
                entries = [(entry.name, entry.stat(follow_symlinks=False)) for entry in found if _image(entry)]
        except OSError as error:
            self.trouble = f"the folder {self._folder} can't be read: {error.strerror}"
            return
        self.trouble, self._scanned = "", now
        self._take(entries, now)

    def _take(self, entries: list[tuple[str, os.stat_result]], now: float) -> None:
        done = self._known({name for name, _ in entries})
        growing = {}
        found = []
        for name, stat in entries:
            mark = f"{stat.st_mtime_ns}:{stat.st_size}"
            if done.get(name) == mark:
                continue
            before = self._growing.get(name, ("", now))
            since = before[1] if before[0] == mark else now
            if before[0] == mark and now - since >= SETTLE_SECONDS:
                found.append((stat.st_mtime_ns, name, mark))
            else:
                growing[name] = (mark, since)
        self._growing = growing
        self._ready.extend(sorted(found))

    def _known(self, names: set[str]) -> dict[str, str]:
        """Marks of the files that are there, read once from the outbox, where they are kept over restarts."""
        if self._done is None:
            prefix = self._mark_name("")
            marks = self._outbox.marks()
            self._done = {name.removeprefix(prefix): mark for name, mark in marks.items() if name.startswith(prefix)}
            self._forget(names)
            if self._delete:
                for name, mark in list(self._done.items()):
                    if name in names and _mark(self._folder / name) == mark:
                        self._remove(name)
        return self._done

    def _forget(self, names: set[str] | None = None) -> None:
        """Drop the marks of files that are gone, so that they don't grow for ever."""
        assert self._done is not None
        self._since_forgotten = 0
        there = names if names is not None else {entry.name for entry in os.scandir(self._folder)}
        gone = [name for name in self._done if name not in there]
        self._outbox.forget_marks(self._mark_name(name) for name in gone)
        for name in gone:
            del self._done[name]

    def _remove(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            print(f"{name} is inspected and can't be deleted: {error.strerror}", file=sys.stderr, flush=True)

    def _mark_name(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _image(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(SUFFIXES) and entry.is_file(follow_symlinks=False)


def _mark(path: Path) -> str:
    try:
        stat = path.lstat()
    except OSError:
        return ""
    return f"{stat.st_mtime_ns}:{stat.st_size}"


def open_source(settings: Settings, outbox: Outbox) -> Source:
    """The source that the settings name: a folder, else what OpenCV opens. Raises InvalidSettingsError."""
    path = Path(settings.source)
    address = "://" in settings.source or settings.source.startswith("camera:")
    if not address and not path.is_file() and path.suffix.lower() not in VIDEO_SUFFIXES:
        return FolderSource(path, outbox, delete=settings.delete_inspected)
    from .video import open_video  # OpenCV is installed only where a video source is configured

    return open_video(settings, outbox)
