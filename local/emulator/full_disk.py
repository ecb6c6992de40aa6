"""What the emulator does on a full disk: it takes no object that it can't keep, and starts no worker half.

AWS has no full disk. Here an upload that was taken without room for what comes after it would never be registered.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from local import disk
from local.emulator.front_door import Handler, Scope

STATUS = 507  # clients don't send it again by themselves


def register(home: Path) -> None:
    """Let the emulator of this process look at the disk of `home`."""
    from ministack import app
    from ministack.core import lambda_runtime

    app.app = refusing_objects(app.app, home)
    spawn = lambda_runtime.Worker._spawn

    def spawn_if_there_is_room(worker: Any) -> None:
        disk.require(home, disk.FUNCTION_BYTES)
        try:
            spawn(worker)
        except Exception as error:
            if not disk.is_full(error):
                raise
            shutil.rmtree(worker._tmpdir, ignore_errors=True)
            raise disk.full(home, disk.STACK_BYTES) from error

    lambda_runtime.Worker._spawn = spawn_if_there_is_room


def refusing_objects(app: Handler, home: Path) -> Handler:
    """Return `app` (ASGI), which refuses objects that the disk has no room for."""

    async def with_a_look(scope: Scope, receive: Handler, send: Handler) -> None:
        if scope["type"] == "http" and is_object(scope):
            needed = disk.OBJECT_BYTES + size(dict(scope["headers"]))
            if disk.free(home) < needed:
                return await refuse(send, str(disk.full(home, needed)))
        return await app(scope, receive, send)

    return with_a_look


def is_object(scope: Scope) -> bool:
    """Return whether a request brings an object or a part of one."""
    if scope["method"] not in ("PUT", "POST"):
        return False
    signed = dict(scope["headers"]).get(b"authorization", b"") + scope.get("query_string", b"")
    return b"/s3/aws4_request" in signed or b"%2Fs3%2Faws4_request" in signed


def size(headers: Mapping[bytes, bytes]) -> int:
    """Return how many bytes a request says that it brings."""
    text = headers.get(b"content-length", b"0")
    return int(text) if text.isdigit() and len(text) < 16 else 0


async def refuse(send: Handler, message: str) -> None:
    """Answer as S3 does, with a code of our own."""
    body = f"<Error><Code>{disk.CODE}</Code><Message>{escape(message)}</Message></Error>".encode()
    headers = [(b"content-type", b"application/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": body})
