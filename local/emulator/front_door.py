"""Who may talk to the emulator: programs of this machine, and the page that it serves itself. No other web page.

A browser sends requests to this port for any page that asks it to, with keys that everybody knows in the address. A
name that resolves to 127.0.0.1 makes such a page ours in its eyes. So each request must be meant for this machine by
name, and one that a browser sends for a page must be for a page from here.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = Mapping[str, Any]
Handler = Callable[..., Awaitable[None]]

NAMES = ("127.0.0.1", "[::1]", "localhost")
PAGES = "/_aws/execute-api/"  # what a link on another page may lead to
CROSS_ORIGIN = b"access-control-"  # the headers that let other pages read answers


def register() -> None:
    """Put the door before the emulator of this process."""
    from ministack import app

    app.app = closed(app.app)


def closed(app: Handler) -> Handler:
    """Return `app` (ASGI) for those who may talk to it; the others get 403 and one line."""

    async def behind_the_door(scope: Scope, receive: Handler, send: Handler) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await app(scope, receive, send)
        reason = refusal(scope)
        if reason:
            return await refuse(scope, send, reason)

        async def without_leave(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if not pair[0].lower().startswith(CROSS_ORIGIN)]
                message = {**message, "headers": headers}
            await send(message)

        return await app(scope, receive, without_leave)

    return behind_the_door


def refusal(scope: Scope) -> str:
    """Return why a request is refused, nothing when it may pass."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key in headers and key in ("host", "origin"):
            return f"there are two headers {key}"
        headers[key] = text
    host = headers.get("host", "")
    if not is_ours(host):
        return f"the host {host!r:.100} is not this machine's"
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        return f"it comes from a page of {origin!r:.100}"
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_link(scope, headers):
        return "it comes from another page"
    return ""


def is_ours(host: str) -> bool:
    """Return whether a Host header names this machine; subdomains of localhost are the names of services."""
    name = host.lower()
    if not name.endswith("]"):
        head, colon, port = name.rpartition(":")
        name = head if colon and port.isdecimal() else name
    return name in NAMES or name.endswith(".localhost")


def is_link(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Return whether somebody followed a link to a page of ours, which changes nothing."""
    opened = scope.get("method") == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return opened and headers.get("sec-fetch-dest") == "document" and str(scope["path"]).startswith(PAGES)


async def refuse(scope: Scope, send: Handler, reason: str) -> None:
    """Answer 403 with the reason, and close a web socket before it opens."""
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1008})
    body = f"Refused: {reason}.\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    return await send({"type": "http.response.body", "body": body})
