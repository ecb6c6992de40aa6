"""Who may talk to the emulator: programs that have its keys, and the page that it serves itself. No other web page.

A browser sends requests to this port for any page that asks it to. A name that resolves to 127.0.0.1 makes such a page
ours in its eyes. So each request must be meant for this machine by name, and one that a browser sends for a page must
be for a page from here.

Whoever has an account on this machine reaches the port, too. So a request must be signed, but on the routes that AWS
leaves open; the emulator checks the signature and what its keys may do. Its own routes are root's.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from local.account import ACCOUNT

Scope = Mapping[str, Any]
Handler = Callable[..., Awaitable[None]]

NAMES = ("127.0.0.1", "[::1]", "localhost")
PAGES = "/_aws/execute-api/"  # what a link on another page may lead to
# A photo's address is on the page's own host here: what was uploaded there must not run as if it were the page.
NO_PAGE = [(b"content-security-policy", b"sandbox; default-src 'none'"), (b"x-content-type-options", b"nosniff")]
OWN = ("/_ministack/", "/_localstack/", "/_aws/")  # what AWS does not have
OPEN_FILES = ("/_ministack/health", "/_ministack/iot/ca.pem")
RESPONSES = "/_ministack/cfn-response/"  # where custom resources answer, at an address that only they were told
WELL_KNOWN = re.compile(r"/[\w-]+/\.well-known/(jwks\.json|openid-configuration)")
CROSS_ORIGIN = b"access-control-"  # the headers that let other pages read answers


def register() -> None:
    """Put the door before the emulator of this process."""
    from ministack import app

    app.app = closed(app.app)
    app._is_ecr_registry_path = lambda _path: False  # Docker's protocol, which it serves to everybody


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
                message = {**message, "headers": [*headers, *([] if is_page(scope) else NO_PAGE)]}
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
    if not is_open(scope, host) and not is_signed(scope, headers):
        return "it is not signed; .sightline/aws has the keys"
    if is_own(scope) and not is_from_root(scope):
        return "it is for the root user"
    return ""


def is_ours(host: str) -> bool:
    """Return whether a Host header names this machine; subdomains of localhost are the names of services."""
    name = host.lower()
    if not name.endswith("]"):
        head, colon, port = name.rpartition(":")
        name = head if colon and port.isdecimal() else name
    return name in NAMES or name.endswith(".localhost")


def is_page(scope: Scope) -> bool:
    """Return whether an answer is the page's or its API's, which have headers of their own."""
    return str(scope["path"]).startswith(PAGES)


def is_open(scope: Scope, host: str) -> bool:
    """Return whether a route takes requests without a signature, as on AWS: the page and its API, the keys with which
    tokens are checked, the authority of certificates, and operations that the emulator itself knows to be open.
    """
    method, path = scope.get("method", "GET"), str(scope["path"])
    if scope["type"] == "websocket":
        return False
    if is_page(scope) or ".execute-api." in host:
        return True
    if method == "GET":
        return path in OPEN_FILES or WELL_KNOWN.fullmatch(path) is not None
    return (method == "POST" and path == "/") or (method == "PUT" and path.startswith(RESPONSES))


def is_signed(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Return whether a request claims to be signed; whether it is, the emulator checks."""
    query = scope.get("query_string", b"").decode("latin-1")
    return headers.get("authorization", "").startswith("AWS4-") or "X-Amz-Signature=" in query


def is_own(scope: Scope) -> bool:
    """Return whether a route is the emulator's own: it empties everything, say, and looks at no signature itself."""
    path = str(scope["path"])
    return path.startswith(OWN) and not path.startswith((PAGES, RESPONSES)) and path not in OPEN_FILES


def is_from_root(scope: Scope) -> bool:
    """Return whether root has signed a request that has no body."""
    from ministack.core import iam_evaluator

    path, query = scope.get("raw_path") or str(scope["path"]).encode(), scope.get("query_string", b"")
    iam_evaluator.pin_signed_request(
        scope["method"], path.decode("latin-1"), parse_qs(query.decode("latin-1")), scope["headers"]
    )
    signed = iam_evaluator._signed_request.get()
    found = signed and iam_evaluator.authenticate(signed.access_key_id, ACCOUNT)
    return getattr(found, "principal_type", "") == "Root"


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
