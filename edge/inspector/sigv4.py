"""AWS Signature Version 4 for one request to S3, with the standard library: botocore would be 30 MB on the device.

As the documentation "Signature Version 4 signing process" says; the tests hold it against botocore's own signer.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """Keys of an AWS role; `token` is empty for keys that do not expire."""

    access_key: str
    secret_key: str
    token: str


def sign(
    method: str,
    url: str,
    headers: dict[str, str],
    body_sha256: str,
    credentials: Credentials,
    region: str,
    at: datetime,
) -> dict[str, str]:
    """`headers` with those that sign the request; `body_sha256` is hexadecimal, `at` in UTC.

    `url` has its path encoded already (`encoded`) and no query. All headers are signed.
    """
    parts = urlsplit(url)
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    signed = headers | {"Host": parts.netloc, "X-Amz-Content-SHA256": body_sha256, "X-Amz-Date": moment}
    if credentials.token:
        signed["X-Amz-Security-Token"] = credentials.token
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in signed.items())
    names = ";".join(name for name, _ in lines)
    canonical = "\n".join(
        [method, parts.path or "/", "", *(f"{name}:{value}" for name, value in lines), "", names, body_sha256]
    )
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = "\n".join([ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, text).hex()
    value = f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return signed | {"Authorization": value}


def encoded(path: str) -> str:
    """A URL path as S3 signs it: everything but unreserved characters and slashes in percent form, once."""
    return quote(path, safe="/-_.~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
