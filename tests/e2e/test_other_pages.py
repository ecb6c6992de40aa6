"""A web page that somebody else wrote, open in the developer's browser beside the stack."""

import http.server
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext

from tests.console_line import Line

KNOWN_KEYS = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": "test/20261130/us-east-1/iam/aws4_request"}


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of another program's page on this machine."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Elsewhere</title>")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def creating(line: Line, user: str) -> str:
    """The address at which the emulator makes an IAM user, with the keys that everybody knows."""
    query = {"Action": "CreateUser", "Version": "2010-05-08", "UserName": user} | KNOWN_KEYS
    return f"{line.target.endpoint}/?{urllib.parse.urlencode(query)}"


def test_it_changes_nothing_in_the_stack(
    line: Line, open_context: Callable[..., BrowserContext], elsewhere: str
) -> None:
    page = open_context().new_page()
    page.goto(elsewhere)
    for method in ("POST", "GET"):
        page.evaluate(
            "([url, method]) => fetch(url, {method, mode: 'no-cors'})", [creating(line, f"by-{method}"), method]
        )
    page.evaluate(
        """url => new Promise(done => {
             const picture = new Image();
             picture.onload = picture.onerror = done;
             picture.src = url;
           })""",
        creating(line, "by-picture"),
    )
    with urllib.request.urlopen(urllib.request.Request(creating(line, "by-program"), method="POST")) as answer:
        assert answer.status == 200  # the same request of a program does it
    users = line.target.client("iam").list_users()["Users"]
    assert [user["UserName"] for user in users if user["UserName"].startswith("by-")] == ["by-program"]


def test_it_reads_nothing_of_the_stack(line: Line, open_context: Callable[..., BrowserContext], elsewhere: str) -> None:
    page = open_context().new_page()
    page.goto(elsewhere)
    read = "url => fetch(url).then(answer => answer.text()).catch(error => error.name)"
    assert page.evaluate(read, f"{line.target.endpoint}/_ministack/health") == "TypeError"
