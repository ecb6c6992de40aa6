"""A full disk is one line that says where, how much, and what to do. What was taken has room for what follows."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from client import pipeline, sweeping
from client.target import Target
from local import application, disk, stack
from local.demo.demo import Demo
from tests.command import run


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`room(5_000_000)`: this many bytes are free from now on, wherever one looks."""
    free = [10**12]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free[0]))
    return lambda left: free.__setitem__(0, left)


def no_space(name: Path | None = None) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([str(name)] if name else []))


def test_the_stack_is_not_started_without_room_for_it(room: Callable[[int], None], tmp_path: Path) -> None:
    room(60_000_000)
    with pytest.raises(
        disk.DiskFullError, match=r"disk full: 60 MB free in .*, 500 MB needed; free some and run again"
    ):
        stack.up(root=tmp_path)
    assert not stack.is_running(tmp_path)
    assert not (tmp_path / "stack.json").exists()
    with pytest.raises(disk.DiskFullError, match="1000 MB needed"):
        Demo(tmp_path, tmp_path / "report", None, None, keep=False).run()


def test_a_build_that_fills_the_disk_says_so_and_is_not_believed(
    room: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "BUILT", tmp_path / "built")
    (tmp_path / "built" / "build").mkdir(parents=True)
    (tmp_path / "built" / "sources.sha256").write_text("those before")
    room(900_000_000)
    with pytest.raises(disk.DiskFullError, match=r"900 MB free in .*built, 1500 MB needed"):
        application.build(tmp_path, "new")
    room(10**12)
    sam = tmp_path / "sam"
    sam.write_text("#!/bin/sh\necho 'Error: [Errno 28] No space left on device: x'\nexit 1\n")
    sam.chmod(0o700)
    monkeypatch.setattr(application.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(disk.DiskFullError, match="disk full: "):
        application.build(tmp_path, "new")
    assert not (tmp_path / "built" / "sources.sha256").exists()


def test_nothing_is_uploaded_without_room_to_register_it(
    room: Callable[[int], None], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))  # would fail on any use
    room(200_000_000)
    code, _, error = run(capsys, monkeypatch, "--home", str(tmp_path), "upload", str(tmp_path))
    assert (code, error) == (
        1,
        f"sightline: disk full: 200 MB free in {tmp_path}, 334 MB needed; free some and run again\n",
    )


def test_an_upload_that_can_not_be_registered_does_not_say_that_all_is_well(
    room: Callable[[int], None], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    monkeypatch.setattr(Target, "find", lambda *_: Target({"ImagesBucketName": "images"}, None))
    monkeypatch.setattr(sweeping, "is_handled", lambda *_: False)

    def uploaded(*_: object, **__: object) -> int:
        room(3_000_000)
        return 1

    monkeypatch.setattr(pipeline, "upload", uploaded)
    code, _, error = run(capsys, monkeypatch, "--home", str(tmp_path), "upload", str(tmp_path))
    assert (code, "uploaded" in error) == (1, False)
    assert error.strip() == f"sightline: disk full: 3 MB free in {tmp_path}, 64 MB needed; free some and run again"


def test_a_full_disk_is_told_wherever_it_is_met(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = ClientError({"Error": {"Code": disk.CODE, "Message": "disk full: here"}}, "PutObject")

    def failing(error: Exception, cause: Exception | None) -> Callable[..., NoReturn]:
        def models(_: Target) -> NoReturn:
            raise error from cause

        return models

    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))
    for error, cause, said in (
        (no_space(tmp_path / "report.html"), None, f"MB free in {tmp_path}, 32 MB needed; free some and run again"),
        (no_space(), None, "MB free in .sightline, 32 MB needed; free some and run again"),
        (S3UploadFailedError("Failed to upload"), refusal, "disk full: here"),
        (OSError("something else"), None, "something else"),
    ):
        monkeypatch.setattr("client.models.listed", failing(error, cause))
        code, _, line = run(capsys, monkeypatch, "models", "list")
        assert (code, line.count("\n"), said in line) == (1, 1, True), line
