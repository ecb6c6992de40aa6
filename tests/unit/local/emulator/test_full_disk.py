"""On a full disk the emulator refuses objects, and leaves no half of a worker behind."""

import asyncio
import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ministack import app
from ministack.core import lambda_runtime

from local import disk
from local.emulator import full_disk
from tests.unit.local.emulator.test_front_door import scope


def status(asked: dict[str, Any], home: Path) -> int:
    sent: list[dict[str, Any]] = []

    async def emulator(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"status": 200})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(full_disk.refusing_objects(emulator, home)(asked, None, send))
    return int(sent[0]["status"])


def test_an_object_is_refused_when_there_is_no_room_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=40_000_000))
    small, large = {"content_length": "7000000"}, {"content_length": "9000000"}
    presigned = scope("PUT", "/images/a", authorization="", **large)
    presigned["query_string"] = b"X-Amz-Credential=AKIA%2F20261130%2Fus-east-1%2Fs3%2Faws4_request"
    assert status(scope("PUT", "/images/a", **small), tmp_path) == 200
    assert status(scope("PUT", "/images/a", **large), tmp_path) == 507
    assert status(presigned, tmp_path) == 507
    assert status(scope("GET", "/images/a", **large), tmp_path) == 200
    other = "AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"
    assert status(scope("POST", "/", authorization=other, **large), tmp_path) == 200


def test_a_worker_that_finds_no_room_leaves_none_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(worker: Any) -> None:
        worker._tmpdir.mkdir()
        (worker._tmpdir / "code.zip").write_bytes(b"half")
        cause = OSError(errno.ENOSPC, "No space left on device")
        raise RuntimeError("Failed to extract layer arn:aws:lambda:…") from cause

    monkeypatch.setattr(app, "app", app.app)
    monkeypatch.setattr(lambda_runtime.Worker, "_spawn", unpack)
    full_disk.register(tmp_path)
    worker: Any = SimpleNamespace(_tmpdir=tmp_path / "worker")
    with pytest.raises(disk.DiskFullError, match="500 MB needed; free some and run again"):
        lambda_runtime.Worker._spawn(worker)
    assert not worker._tmpdir.exists()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(disk.DiskFullError, match=r"1 MB free in .*, 64 MB needed"):
        lambda_runtime.Worker._spawn(worker)
