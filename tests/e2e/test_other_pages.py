"""A web page that somebody else wrote, open in the developer's browser beside the stack, while somebody works there.

The page is given more than it could have: addresses that root signed. Each of its ways must fail at the door all the
same, and a program that asks at the same kind of address shows that nothing else stopped it.
"""

import http.server
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scripts.chromium import ARGUMENTS, find_chromium
from tests.console_line import Line

WAIT_MS = 1500
OTHER = "attacker.example"  # a name that its owner lets lead to this machine
ELEMENT = """url => new Promise(done => {{
  const element = document.createElement("{name}");
  element.onload = element.onerror = () => done();
  element.{attribute} = url;
  {more}
  document.body.append(element);
  setTimeout(done, {wait});
}})"""


def element(name: str, attribute: str, more: str = "") -> str:
    return ELEMENT.format(name=name, attribute=attribute, more=more, wait=WAIT_MS)


FORM = """url => new Promise(done => {
  document.body.innerHTML = '<iframe name="answer"></iframe><form target="answer" method="post"></form>';
  const form = document.querySelector("form");
  form.action = url;
  document.querySelector("iframe").onload = () => done();
  form.submit();
  setTimeout(done, 1500);
})"""
WAYS = {
    "post": "url => fetch(url, {method: 'POST', mode: 'no-cors'}).catch(() => null)",
    "get": "url => fetch(url, {mode: 'no-cors'}).catch(() => null)",
    "asking-first": "url => fetch(url, {method: 'POST', headers: {'X-Own': '1'}}).catch(() => null)",
    "beacon": f"url => new Promise(done => {{ navigator.sendBeacon(url); setTimeout(done, {WAIT_MS}) }})",
    "events": f"url => new Promise(done => {{ new EventSource(url).onerror = done; setTimeout(done, {WAIT_MS}) }})",
    "form": FORM,
    "frame": element("iframe", "src"),
    "sandboxed-frame": element("iframe", "src", "element.sandbox = 'allow-scripts';"),
    "picture": element("img", "src"),
    "script": element("script", "src"),
    "style": element("link", "href", "element.rel = 'stylesheet';"),
    "window": f"url => new Promise(done => {{ window.open(url); setTimeout(done, {WAIT_MS}) }})",
}
SOCKET = """url => new Promise(done => {
  const socket = new WebSocket(url, "mqtt");
  socket.onopen = () => done("open");
  socket.onerror = socket.onclose = () => done("refused");
})"""
READ = "url => fetch(url).then(answer => answer.text()).catch(error => error.name)"


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of another program's page on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Elsewhere</title>")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def signed(line: Line, service: str, url: str, method: str = "GET") -> str:
    """An address that root signed for any use within a minute."""
    request = AWSRequest(method, url)
    keys = line.target.session.get_credentials()
    SigV4QueryAuth(keys, service, line.target.session.region_name, expires=60).add_auth(request)
    return str(request.url)


def creating(line: Line, user: str, method: str = "GET", host: str = "127.0.0.1") -> str:
    """The signed address at which the emulator makes an IAM user."""
    query = urllib.parse.urlencode({"Action": "CreateUser", "Version": "2010-05-08", "UserName": user})
    return signed(line, "iam", f"http://{host}:{port_of(line)}/?{query}", method)


def port_of(line: Line) -> int:
    return urllib.parse.urlsplit(line.target.endpoint).port or 0


def made(line: Line) -> list[str]:
    users = line.target.client("iam").list_users()["Users"]
    return sorted(user["UserName"] for user in users if user["UserName"].startswith("by-"))


def test_no_way_of_another_page_changes_anything_and_who_works_goes_on(
    line: Line,
    open_context: Callable[..., BrowserContext],
    signed_in: Callable[..., Page],
    elsewhere: str,
) -> None:
    own = signed_in("anna")
    page = open_context().new_page()
    for way, script in WAYS.items():
        page.goto(elsewhere)
        method = "POST" if way in ("post", "asking-first", "beacon", "form") else "GET"
        page.evaluate(script, creating(line, f"by-{way}", method))
    for method in ("GET", "POST"):
        url = creating(line, f"by-program-{method}", method)
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            assert answer.status == 200
    assert made(line) == ["by-program-GET", "by-program-POST"]
    own.reload()
    expect(own.get_by_role("heading", name="Jobs")).to_be_visible()


def test_another_page_reads_nothing_and_hears_nothing(
    line: Line, open_context: Callable[..., BrowserContext], elsewhere: str
) -> None:
    page = open_context().new_page()
    page.goto(elsewhere)
    assert page.evaluate(READ, f"{line.target.endpoint}/_ministack/health") == "TypeError"
    host = f"data-ats.iot.us-east-1.localhost:{port_of(line)}"
    url = signed(line, "iotdevicegateway", f"http://{host}/mqtt").replace("http:", "ws:")
    assert page.evaluate(SOCKET, url) == "refused"


def test_a_name_that_leads_here_makes_no_page_ours(line: Line, chromium: Browser) -> None:
    """DNS rebinding: the browser takes the page for one of the emulator's own. This one lets it ask."""
    rules = [f"--host-resolver-rules=MAP {OTHER} 127.0.0.1", "--disable-features=LocalNetworkAccessChecks"]
    browser = chromium.browser_type.launch(executable_path=find_chromium(), args=[*ARGUMENTS, *rules])
    try:
        page, there = browser.new_page(), f"http://{OTHER}:{port_of(line)}/"
        page.route(f"{there}page", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.goto(f"{there}page")
        said = page.evaluate(READ, creating(line, "by-name", host=OTHER))
        assert said == f"Refused: the host '{OTHER}:{port_of(line)}' is not this machine's.\n"
    finally:
        browser.close()
    assert "by-name" not in made(line)


def test_a_page_that_was_uploaded_is_none_of_ours(line: Line, open_context: Callable[..., BrowserContext]) -> None:
    """A file is served from where the page is; its scripts must not run there."""
    s3, bucket = line.target.aws.s3, "pages-of-others"
    s3.create_bucket(Bucket=bucket)
    body = b"<!doctype html><title>Mine</title><script>document.title = origin</script>"
    s3.put_object(Bucket=bucket, Key="page.html", Body=body, ContentType="text/html")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "page.html"})
    page = open_context().new_page()
    page.goto(url)
    expect(page).to_have_title("Mine")
