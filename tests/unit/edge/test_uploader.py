"""Uploads: signed as AWS's own SDK signs them, kept while the cloud is away, dropped only when it will never take
them.
"""

import base64
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.inspector.forwarder import RefusedError
from edge.inspector.items import Item, Queue
from edge.inspector.sigv4 import Credentials, encoded, sign
from edge.inspector.uploader import Uploader, fetch_credentials
from local.device.token_exchange import TokenExchange
from tests.fake_device import session_keys

ITEM = Item(Queue.UPLOADS, "incoming/line 1/ä+b.jpg", b"the image", {"device": "line-1", "verdict": "review"})
AT = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


@settings(max_examples=25)
@given(
    key=st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=40),
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20),
    body=st.binary(max_size=100),
    token=st.sampled_from(["", "a/token+="]),
)
def test_signatures_are_those_of_botocore(key: str, value: str, body: bytes, token: str) -> None:
    url = "https://s3.eu-central-1.amazonaws.com/bucket/" + encoded(key)
    headers = {"Content-Type": "application/octet-stream", "X-Amz-Meta-Device": value}
    digest = hashlib.sha256(body).hexdigest()
    ours = sign("PUT", url, headers, digest, Credentials("AKID", "secret", token), "eu-central-1", AT)
    request = AWSRequest("PUT", url, data=body, headers=headers)
    request.context["timestamp"] = AT.strftime("%Y%m%dT%H%M%SZ")

    class Signer(S3SigV4Auth):
        def _modify_request_before_signing(self, request: Any) -> None:
            super()._modify_request_before_signing(request)
            request.headers["X-Amz-Date"] = request.context["timestamp"]

    signer: Any = Signer(BotoCredentials("AKID", "secret", token or None), "s3", "eu-central-1")
    request.headers["X-Amz-Content-SHA256"] = digest
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["Authorization"].rsplit("Signature=", 1)[1] == signer.signature(text, request)
    assert signer.signed_headers(signer.headers_to_sign(request)) in ours["Authorization"]


class Bucket:
    """An S3 of one bucket on this machine: keeps what is put, answers what it is told to."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.answers: list[tuple[int, datetime | None]] = []
        bucket = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code, clock = bucket.answers.pop(0) if bucket.answers else (200, None)
                if code == 200:
                    bucket.objects[unquote(self.path)] = (body, {k.lower(): v for k, v in self.headers.items()})
                self.send_response_only(code)
                self.send_header("Date", format_datetime(clock or datetime.now(UTC), usegmt=True))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    made, tokens = Bucket(), TokenExchange(session_keys)
    for name, value in tokens.environment.items():
        monkeypatch.setenv(name, value)
    yield made
    made.server.shutdown()
    made.server.server_close()
    tokens.close()


def test_an_image_is_put_with_its_metadata_and_checksum(bucket: Bucket) -> None:
    assert Uploader("images", "us-east-1", bucket.url).deliver(ITEM) is True
    ((path, (body, headers)),) = bucket.objects.items()
    assert (path, body) == ("/images/incoming/line 1/ä+b.jpg", b"the image")
    assert (headers["x-amz-meta-device"], headers["x-amz-meta-verdict"]) == ("line-1", "review")
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(b"the image").digest()).decode()
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")


@pytest.mark.parametrize("code", [500, 503, 403, 404, 429])
def test_what_may_pass_is_tried_again(bucket: Bucket, code: int) -> None:
    uploader = Uploader("images", "us-east-1", bucket.url)
    bucket.answers = [(code, None)]
    assert [uploader.deliver(ITEM), uploader.deliver(ITEM)] == [False, True]


def test_what_will_never_be_taken_is_refused(bucket: Bucket) -> None:
    bucket.answers = [(400, None)]
    with pytest.raises(RefusedError, match="S3 answers 400"):
        Uploader("images", "us-east-1", bucket.url).deliver(ITEM)


def test_a_wrong_clock_is_set_by_what_s3_says(bucket: Bucket) -> None:
    uploader = Uploader("images", "us-east-1", bucket.url)
    ahead = datetime.now(UTC) + timedelta(days=40)
    bucket.answers = [(403, ahead)]
    assert uploader.deliver(ITEM) is False
    assert uploader.deliver(ITEM) is True
    ((_, headers),) = bucket.objects.values()
    assert headers["x-amz-date"].startswith(f"{ahead:%Y%m%dT%H}")


def test_without_network_or_token_service_images_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raising=False)
    monkeypatch.delenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", raising=False)
    assert Uploader("images", "us-east-1", "http://127.0.0.1:9").deliver(ITEM) is False
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "file:///etc/passwd")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "x")
    assert Uploader("images", "us-east-1").deliver(ITEM) is False


def test_credentials_are_fetched_once_and_only_with_the_token(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = []
    real = fetch_credentials
    monkeypatch.setattr("edge.inspector.uploader.fetch_credentials", lambda: fetched.append(1) or real())
    uploader = Uploader("images", "us-east-1", bucket.url)
    assert [uploader.deliver(ITEM), uploader.deliver(ITEM)] == [True, True]
    assert len(fetched) == 1
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "another")
    assert Uploader("images", "us-east-1", bucket.url).deliver(ITEM) is False


class Line:
    """A server that answers each connection with these bytes, whatever it is asked, and then with silence."""

    def __init__(self, *answers: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self._serve, args=(answers,), daemon=True).start()

    def _serve(self, answers: tuple[bytes, ...]) -> None:
        self.open = []
        for answer in answers:
            connection, _ = self.server.accept()
            connection.recv(65536)
            connection.sendall(answer)
            self.open.append(connection)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "BadStatusLine"),
        (b"HTTP/1.1 503 Slow Down\r\nContent-Length: 300\r\n\r\n<Err", "S3 answers 503: TimeoutError"),
    ],
)
def test_an_answer_that_makes_no_sense_or_stops_halfway_is_tried_again_and_said_once(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: bytes, said: str
) -> None:
    monkeypatch.setattr("edge.inspector.uploader.SECONDS", 0.3)
    line = Line(answer, answer)
    uploader = Uploader("images", "us-east-1", line.url)
    assert [uploader.deliver(ITEM), uploader.deliver(ITEM)] == [False, False]
    (reason,) = capsys.readouterr().err.splitlines()
    assert said in reason


def test_what_the_token_service_refuses_is_no_refusal_of_the_image(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    line = Line(answer)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", line.url)
    assert Uploader("images", "us-east-1", bucket.url).deliver(ITEM) is False
