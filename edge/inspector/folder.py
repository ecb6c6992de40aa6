"""Images from a folder into which a camera program writes them."""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sightline.vision.decode import MAX_BYTES

from .log import say
from .outbox import Outbox
from .source import Frame, moment

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
UNFINISHED = (".tmp", ".part")  # how camera programs call files that they rename when they are whole
SETTLE_SECONDS = 0.1  # a file that did not change for so long is whole
WHOLE_SECONDS = 5.0  # a damaged one is not before so long: over a network, writers pause
MOVED_SECONDS = 1.0
SCAN_SECONDS = 5.0  # between looks at a folder that did not change: some file systems don't tell
FORGET_EVERY = 1000  # images; then the marks of files that are gone are deleted
SUFFIXES_SAID = 10  # of files that are no images


@dataclass(frozen=True)
class File:
    """An image file of a folder. `name` is text, whatever bytes `file` is made of; another `mark` is another
    content.
    """

    file: str
    name: str
    changed: int  # nanoseconds
    mark: str


class FolderSource:
    """Image files, whole ones only, oldest first. A file that is written anew under its name is a new image."""

    def __init__(
        self, folder: Path, outbox: Outbox, *, delete: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.trouble = ""
        self._folder, self._outbox, self._delete, self._clock = folder, outbox, delete, clock
        self._ready: deque[File] = deque()
        self._waiting: dict[str, tuple[str, float]] = {}  # mark, and when the file counts as whole if that stays
        self._damaged: dict[str, str] = {}  # marks of files that could not be decoded once
        self._unreadable: dict[str, str] = {}  # why files that are there can't be read
        self._done: dict[str, str] | None = None  # marks of files that are there and are inspected
        self._scanned, self._changed, self._moved = float("-inf"), -1, float("-inf")
        self._since_forgotten = 0
        self._skipped: set[str] = set()  # suffixes of files that are no images

    def take_missed(self) -> int:
        return 0  # a file waits until it is inspected

    def next(self) -> Frame | None:
        if not self._ready:
            self._scan()
        while self._ready:
            image = self._ready.popleft()
            body = self._read(image)
            if body is not None:
                marks = {self._mark_name(image.name): image.mark}
                may_grow = self._damaged.get(image.name) != image.mark
                return Frame(image.name, body, moment(image.changed / 1e9), marks, image.file, may_grow)
        return None

    def put_back(self, frame: Frame) -> None:
        mark = self._damaged[frame.name] = frame.marks[self._mark_name(frame.name)]
        self._waiting[frame.name] = (mark, self._clock() + WHOLE_SECONDS)

    def done(self, frame: Frame) -> None:
        assert self._done is not None
        mark = self._done[frame.name] = frame.marks[self._mark_name(frame.name)]
        if self._delete:
            self._remove(frame.file, mark)
        self._since_forgotten += 1
        if self._since_forgotten >= FORGET_EVERY:
            with contextlib.suppress(OSError):  # the folder is gone, which the next scan says
                self._forget({shown_name(name) for name in os.listdir(self._folder)})  # noqa: PTH208

    def close(self) -> None:
        pass

    def _read(self, image: File) -> bytes | None:
        """The file's bytes; None when it is gone, or can't be read, which is trouble until it can be, or is gone."""
        body = None
        try:
            with (self._folder / image.file).open("rb") as file:
                body = file.read(MAX_BYTES + 1)
            self._unreadable.pop(image.name, None)
        except FileNotFoundError:
            self._unreadable.pop(image.name, None)
        except OSError as error:
            self._unreadable[image.name] = f"{image.name} can't be read: {error.strerror}"
        self.trouble = next(iter(self._unreadable.values()), "")
        return body

    def _scan(self) -> None:
        """Look for new files, unless nothing can have changed since the last look."""
        now = self._clock()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            changed = self._folder.stat().st_mtime_ns
            if changed != self._changed:
                self._changed, self._moved = changed, now
            # For a while after a change: another one in the same tick of the file system's clock would not show.
            elif not self._waiting and now - self._moved > MOVED_SECONDS and now - self._scanned < SCAN_SECONDS:
                return
            files = self._files()
        except OSError as error:
            self.trouble = f"the folder {self._folder} can't be read: {error.strerror}"
            if isinstance(error, PermissionError):
                self.trouble += f"; give it to the inspector's user: sudo chown {user()} {self._folder}"
            return
        self._scanned = now
        names = {file.name for file in files}
        self._damaged = {name: mark for name, mark in self._damaged.items() if name in names}
        self._unreadable = {name: why for name, why in self._unreadable.items() if name in names}
        self.trouble = next(iter(self._unreadable.values()), "")
        self._take(files, self._known(files), now)

    def _files(self) -> list[File]:
        files = []
        with os.scandir(self._folder) as found:
            for entry in found:
                if not entry.is_file(follow_symlinks=False):
                    continue
                if not entry.name.lower().endswith(SUFFIXES):
                    self._skip(entry.name)
                    continue
                with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                    stat = entry.stat(follow_symlinks=False)
                    files.append(File(entry.name, shown_name(entry.name), stat.st_mtime_ns, _mark(stat)))
        return files

    def _skip(self, name: str) -> None:
        """Say of one file of each kind that it is left alone."""
        suffix = Path(name).suffix.lower()
        if suffix in UNFINISHED or suffix in self._skipped or len(self._skipped) >= SUFFIXES_SAID:
            return
        self._skipped.add(suffix)
        say(f"{shown_name(name)} is left alone, like all files that do not end in {', '.join(SUFFIXES)}")

    def _take(self, files: list[File], done: dict[str, str], now: float) -> None:
        """Put those that did not change for long enough in line."""
        waiting = {}
        for file in files:
            if done.get(file.name) == file.mark:
                continue
            mark, ready_at = self._waiting.get(file.name, ("", now))
            if mark != file.mark:
                waiting[file.name] = (file.mark, now + SETTLE_SECONDS)
            elif now < ready_at:
                waiting[file.name] = (mark, ready_at)
            else:
                self._ready.append(file)
        self._waiting = waiting
        self._ready = deque(sorted(self._ready, key=lambda file: (file.changed, file.name)))

    def _known(self, files: list[File]) -> dict[str, str]:
        """Marks of the files that are there, read once from the outbox, where they are kept over restarts."""
        if self._done is None:
            prefix = self._mark_name("")
            marks = self._outbox.marks()
            self._done = {name.removeprefix(prefix): mark for name, mark in marks.items() if name.startswith(prefix)}
            self._forget({file.name for file in files})
            if self._delete:
                for file in files:
                    if self._done.get(file.name) == file.mark:
                        self._remove(file.file, file.mark)
        return self._done

    def _forget(self, there: set[str]) -> None:
        """Drop the marks of files that are gone, so that they don't grow for ever."""
        assert self._done is not None
        self._since_forgotten = 0
        gone = [name for name in self._done if name not in there]
        self._outbox.forget_marks([self._mark_name(name) for name in gone])
        for name in gone:
            del self._done[name]

    def _remove(self, file: str, mark: str) -> None:
        """Delete a file that was inspected with this mark; with another one it is a new image."""
        try:
            if _mark((self._folder / file).lstat()) == mark:
                (self._folder / file).unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            say(f"{shown_name(file)} is inspected and can't be deleted: {error.strerror}")

    def _mark_name(self, name: str) -> str:
        return f"{self._folder}/{name}"


def shown_name(name: str) -> str:
    """A file's name as text: what is not UTF-8 in it is written as \\xe9, because messages and the outbox hold text."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _mark(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns}:{stat.st_size}"


def user() -> str:
    """Return the name of the user that the inspector runs as, the number for one without a name."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
