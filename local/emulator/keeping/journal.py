"""Records in a file, each whole or not there, in the order in which they were written.

A record is in the system's hands when `write` returns: it is there after whatever kills this process. Only a power cut
can take it.
"""

import os
import pickle
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD = struct.Struct("<II")  # length and CRC-32 of what follows


class Journal:
    """The journal of a folder, a new file for each copy of the whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()  # held while what belongs together is changed
        self._file = -1
        self._together: list[object] | None = None

    def begin(self, number: int) -> None:
        """Write to the file of this number from now on."""
        with self.lock:
            before, self._file = self._file, os.open(file_of(self.folder, number), os.O_WRONLY | os.O_CREAT, 0o600)
            if before >= 0:
                os.close(before)

    def write(self, record: object) -> None:
        """Add a record; inside `together`, at its end."""
        with self.lock:
            if self._together is not None:
                self._together.append(record)
            elif self._file >= 0:
                self._append([record])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let the records of this block be there all or none."""
        with self.lock:
            self._together = []
            try:
                yield
            finally:
                records, self._together = self._together, None
                if records and self._file >= 0:
                    self._append(records)

    def _append(self, records: list[object]) -> None:
        body = pickle.dumps(records)
        data = HEAD.pack(len(body), zlib.crc32(body)) + body
        start = os.lseek(self._file, 0, os.SEEK_CUR)
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:  # a full disk: what was begun must not hide what comes later
            os.ftruncate(self._file, start)
            os.lseek(self._file, start, os.SEEK_SET)
            raise


def file_of(folder: Path, number: int) -> Path:
    return folder / f"journal-{number:010d}"


def records(folder: Path, first: int) -> Iterator[object]:
    """Return what was written since the file `first`. A record that was cut off is none."""
    for path in sorted(folder.glob("journal-*")):
        if path < file_of(folder, first):
            continue
        data = path.read_bytes()
        at = 0
        while at + HEAD.size <= len(data):
            length, crc = HEAD.unpack_from(data, at)
            body = data[at + HEAD.size : at + HEAD.size + length]
            if len(body) < length or zlib.crc32(body) != crc:
                break
            yield from pickle.loads(body)  # noqa: S301 (nobody else may write into the folder)
            at += HEAD.size + length
