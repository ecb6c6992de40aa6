"""Images to S3, with the credentials that Greengrass's token exchange service gives a component.

The service tells where it is in AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN, as it does
for every AWS SDK; AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL leads to another S3, as it does there too.
"""

import base64
import hashlib
import http.client
import json
import os
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TypedDict
from urllib.parse import urlsplit

from sightline.vision.python39 import NotRequired

from .forwarder import RefusedError
from .items import Item
from .log import Said, one_line
from .sigv4 import Credentials, encoded, sign

SECONDS = 30.0  # for one request
EARLY = timedelta(minutes=5)  # credentials are renewed this long before they end
NEVER_TAKEN = (400, 405, 411, 413)  # the same request would be refused again
SKEW = timedelta(minutes=4)  # S3 takes a difference of 15 minutes between the clocks
SCHEMES = ("http", "https")


class GivenCredentials(TypedDict):
    """What the token exchange service answers; `Expiration` is ISO 8601."""

    AccessKeyId: str
    SecretAccessKey: str
    Token: NotRequired[str]
    Expiration: str


class Uploader:
    """Puts items of the outbox into one bucket, each at least once: the same key again is the same image again."""

    def __init__(self, bucket: str, region: str, endpoint: str = "") -> None:
        self._bucket, self._region = bucket, region
        # One form of address for all, because the emulator has no host names for buckets.
        self._base = f"{endpoint.rstrip('/') or f'https://s3.{region}.amazonaws.com'}/{bucket}/"
        self._known: tuple[Credentials, datetime] | None = None
        self._offset = timedelta()  # what S3's clock is ahead of the device's
        self._say = Said()

    def deliver(self, item: Item) -> bool:
        """Upload an item. Return False when that is not possible now. Raise RefusedError when it never is."""
        try:
            waits = self._put(item)
        except RefusedError:
            raise
        except Exception as error:  # no network, no token service, no sense in an answer, …
            waits = one_line(error)
        self._say(waits and f"upload waits: {waits}")
        return not waits

    def _put(self, item: Item) -> str:
        """Try it. Return why the item can't be taken now; empty when it is."""
        digest = hashlib.sha256(item.body).digest()
        headers = {
            "Content-Type": "application/octet-stream",
            "X-Amz-Checksum-SHA256": base64.b64encode(digest).decode(),
            **{f"X-Amz-Meta-{name}": value for name, value in item.details.items()},
        }
        url = self._base + encoded(item.address)
        now = datetime.now(timezone.utc) + self._offset
        signed = sign("PUT", url, headers, digest.hex(), self._credentials(), self._region, now)
        try:
            with _open(urllib.request.Request(url, item.body, signed, method="PUT")):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            with error:
                return self._answered(error, item)

    def _answered(self, error: urllib.error.HTTPError, item: Item) -> str:
        """Return what an answer of S3 that is not a success means."""
        reason = f"S3 answers {error.code}: {_text(error)}"
        if error.code in NEVER_TAKEN:
            raise RefusedError(reason)
        if error.code in (401, 403):
            self._known = None  # the credentials may have ended early
            ahead = _clock(error) - datetime.now(timezone.utc)
            if abs(ahead - self._offset) > SKEW:
                self._offset = ahead  # the device's clock is wrong; S3 has just told what time it is
        return f"{item.address}: {reason}"

    def _credentials(self) -> Credentials:
        if self._known is None or self._known[1] - EARLY < datetime.now(timezone.utc) + self._offset:
            self._known = fetch_credentials()
        return self._known[0]


def fetch_credentials() -> tuple[Credentials, datetime]:
    """Return credentials and when they end. Raise KeyError outside a component with the token exchange service."""
    headers = {"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
    request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers=headers)  # noqa: S310
    with _open(request) as answer:
        given: GivenCredentials = json.load(answer)
    ends = datetime.fromisoformat(given["Expiration"].replace("Z", "+00:00")).astimezone(timezone.utc)
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given.get("Token", "")), ends


def _open(request: urllib.request.Request) -> http.client.HTTPResponse:
    if urlsplit(request.full_url).scheme not in SCHEMES:
        raise ValueError(f"{request.full_url!r} is no HTTP address")
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=SECONDS)  # noqa: S310
    return answer


def _text(error: urllib.error.HTTPError) -> str:
    """Return what the server says about it, in one line; the code alone counts when that does not arrive."""
    try:
        return " ".join(error.read(300).decode(errors="replace").split())
    except (OSError, http.client.HTTPException) as broken:
        return one_line(broken)


def _clock(error: urllib.error.HTTPError) -> datetime:
    """Return the server's clock as its answer tells it, else our own."""
    try:
        return parsedate_to_datetime(error.headers["Date"]).astimezone(timezone.utc)
    except (TypeError, ValueError):
        return datetime.now(timezone.utc)


def from_environment(bucket: str) -> Uploader:
    environment = os.environ
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    return Uploader(bucket, region, environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or "")
