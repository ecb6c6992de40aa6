"""A record is whole or not there, whatever kills the one who writes it."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from local.emulator.keeping import journal
from local.emulator.keeping.journal import Journal, file_of, records


def test_what_was_written_is_there_in_order_from_a_file_on(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.write("before there is a file")
    for number in (9, 10, 11):
        written.begin(number)
        written.write(number)
        with written.together():
            written.write({"a": number})
            written.write({"b": number})
    assert list(records(tmp_path, 10)) == [10, {"a": 10}, {"b": 10}, 11, {"a": 11}, {"b": 11}]


def test_wherever_a_record_is_cut_off_those_before_it_stay_and_no_half_is_read(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.begin(1)
    written.write("first")
    whole = len(file_of(tmp_path, 1).read_bytes())
    with written.together():  # a transaction
        written.write("one row")
        written.write("another row")
    body = file_of(tmp_path, 1).read_bytes()
    for length in range(whole, len(body)):
        file_of(tmp_path, 1).write_bytes(body[:length])
        assert list(records(tmp_path, 1)) == ["first"]
    file_of(tmp_path, 1).write_bytes(body)
    assert list(records(tmp_path, 1)) == ["first", "one row", "another row"]


def test_a_full_disk_refuses_the_record_and_keeps_those_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, write = Journal(tmp_path), os.write
    written.begin(1)
    written.write("before")

    def half(file: int, data: bytes) -> int:
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:10])

    with monkeypatch.context() as full:
        full.setattr(journal.os, "write", half)
        with pytest.raises(OSError, match="No space left"):
            written.write("while it is full")
    written.write("after")
    assert list(records(tmp_path, 1)) == ["before", "after"]


def test_a_change_that_fails_leaves_what_was_done(tmp_path: Path) -> None:
    written = Journal(tmp_path)
    written.begin(1)

    def change() -> Any:
        with written.together():
            written.write("done")
            raise KeyError

    with pytest.raises(KeyError):
        change()
    assert list(records(tmp_path, 1)) == ["done"]
