"""No web page but the emulator's own, and no name but this machine's."""

import asyncio
from typing import Any

import pytest

from local.emulator import front_door

PAGE = "/_aws/execute-api/abc/$default/"
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


def scope(method: str = "POST", path: str = "/", kind: str = "http", **headers: str) -> dict[str, Any]:
    known = {"host": "127.0.0.1:4566", "authorization": SIGNED}
    given = known | {name.replace("_", "-"): value for name, value in headers.items()}
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    return {"type": kind, "method": method, "path": path, "headers": pairs}


def answer(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What the door lets through to the one who asks; the emulator behind it lets every page read its answers."""
    sent: list[dict[str, Any]] = []

    async def emulator(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"Access-Control-Allow-Origin", b"*"), (b"x-id", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"well"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(front_door.closed(emulator)(asked, None, send))
    return sent


@pytest.mark.parametrize(
    "asked",
    [
        scope(),  # a program
        scope(host="localhost:4566"),
        scope(host="[::1]:4566"),
        scope(host="127.0.0.1"),
        scope(host="data-ats.iot.us-east-1.localhost:4566"),
        scope(origin="http://127.0.0.1:4566", sec_fetch_site="same-origin"),  # the page itself
        scope("GET", PAGE, sec_fetch_site="none", sec_fetch_mode="navigate"),  # the address bar
        scope("GET", PAGE, **LINK),
    ],
)
def test_programs_and_the_page_itself_pass_and_no_page_may_read_the_answer(asked: dict[str, Any]) -> None:
    start, body = answer(asked)
    own = [pair for pair in start["headers"] if pair not in front_door.NO_PAGE]
    assert (start["status"], own, body["body"]) == (200, [(b"x-id", b"1")], b"well")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (scope(host="attacker.example:4566"), "the host 'attacker.example:4566' is not this machine's"),
        (scope(host="127.0.0.1.attacker.example"), "is not this machine's"),
        (scope(host="attacker.example:80@127.0.0.1"), "is not this machine's"),
        (scope(host=""), "the host '' is not this machine's"),
        (scope(origin="https://attacker.example"), "a page of 'https://attacker.example'"),
        (scope(origin="null"), "a page of 'null'"),  # a sandboxed frame
        (scope(origin="http://127.0.0.1:8080"), "a page of 'http://127.0.0.1:8080'"),  # another program's page
        (scope(origin="http://localhost:4566"), "a page of"),
        (scope("OPTIONS", origin="https://attacker.example"), "a page of"),  # asks whether it may
        (scope("GET", sec_fetch_site="cross-site", sec_fetch_mode="no-cors"), "another page"),  # an image's address
        (scope("GET", sec_fetch_site="same-site", sec_fetch_mode="no-cors"), "another page"),
        (scope("GET", **LINK), "another page"),  # a link to /?Action=…
        (scope("POST", PAGE, **LINK), "another page"),  # a form
        (scope("GET", PAGE, **{**LINK, "sec-fetch-dest": "iframe"}), "another page"),
    ],
)
def test_what_another_page_sends_is_refused(asked: dict[str, Any], reason: str) -> None:
    start, body = answer(asked)
    assert start["status"] == 403
    assert reason in body["body"].decode()


def test_two_hosts_are_no_host() -> None:
    asked = scope()
    asked["headers"].append((b"Host", b"127.0.0.1"))
    assert answer(asked)[0]["status"] == 403


def test_a_web_socket_of_another_page_is_closed_before_it_opens() -> None:
    assert answer(scope(kind="websocket", origin="https://attacker.example")) == [
        {"type": "websocket.close", "code": 1008}
    ]


@pytest.mark.parametrize(("path", "runs"), [(PAGE, True), ("/photos/page.html", False), ("/_ministack/health", False)])
def test_only_the_page_may_run_scripts_on_its_host(path: str, runs: bool) -> None:
    start, _ = answer(scope("GET", path))
    policies = [value for name, value in start["headers"] if name == b"content-security-policy"]
    assert policies == ([] if runs else [b"sandbox; default-src 'none'"])


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (scope("GET", PAGE, authorization="Bearer token"), 200),  # the API asks for the token itself
        (scope("POST", PAGE + "session", authorization=""), 200),
        (scope("GET", "/", host="abc.execute-api.localhost:4566", authorization=""), 200),
        (scope("POST", "/", authorization=""), 200),  # signing in: the emulator knows which operations are open
        (scope("GET", "/us-east-1_abc/.well-known/jwks.json", authorization=""), 200),
        (scope("GET", "/_ministack/health", authorization=""), 200),
        (scope("GET", "/_ministack/iot/ca.pem", authorization=""), 200),
        (scope("PUT", "/_ministack/cfn-response/0000-1111", authorization=""), 200),
        (scope("GET", "/photos", authorization=""), 403),
        (scope("PUT", "/photos/incoming/a.jpg", authorization=""), 403),
        (scope("GET", "/photos/.well-known/../a.jpg", authorization=""), 403),
        (scope("POST", "/2015-03-31/functions/f/invocations", authorization="Bearer token"), 403),
        (scope("POST", "/v2/repository/blobs/uploads/", authorization=""), 403),
        (scope("GET", "/mqtt", kind="websocket", authorization=""), 403),
        (scope("POST", "/_ministack/reset"), 403),  # the emulator itself looks at no signature there
        (scope("POST", "/_ministack/config"), 403),
        (scope("GET", "/_ministack/ses/messages"), 403),
        (scope("POST", "/_aws/lambda-url/abc/"), 403),
    ],
)
def test_only_what_is_open_on_aws_is_taken_without_a_signature(asked: dict[str, Any], status: int) -> None:
    [start, *_] = answer(asked)
    assert start.get("status", 403) == status


def test_an_address_may_be_signed_instead_of_a_header() -> None:
    asked = scope("GET", "/photos/a.jpg", authorization="")
    asked["query_string"] = b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0"
    assert answer(asked)[0]["status"] == 200
