"""Serve the page: the files of console/, with the headers that keep everything foreign out of it.

Requests and answers are in docs/architecture.md, "Console API". There is no data behind this; the page asks the API for
it.
"""

import base64
import hashlib
import os
from importlib.resources import files
from urllib.parse import urlsplit

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.aws.clients import Aws
from sightline.images.uploads import Uploads

IMAGES_BUCKET = os.environ["IMAGES_BUCKET"]
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}

logger = Logger()
aws = Aws()
uploads = Uploads(aws)


def images_origin(bucket: str) -> str:
    """Where presigned image addresses point: the one origin beside the page's own that it may load images from."""
    place = urlsplit(uploads.presigned_url(bucket, "incoming/x", None, 1))
    return f"{place.scheme}://{place.netloc}"


HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
        f"img-src 'self' blob: data: {images_origin(IMAGES_BUCKET)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-cache",  # a new deployment shows at once; the tag spares the rest
}
PAGE = {
    entry.name: entry.read_bytes()
    for entry in files("sightline_console").iterdir()
    if entry.is_file() and entry.name.rpartition(".")[2] in TYPES
}


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    name = (event.get("pathParameters") or {}).get("file", "index.html")
    body = PAGE.get(name)
    if body is None:
        headers = HEADERS | {"content-type": TYPES["txt"]}
        return {"statusCode": 404, "headers": headers, "body": "There is no such file."}
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = HEADERS | {"content-type": TYPES[name.rpartition(".")[2]], "etag": tag}
    if event["headers"].get("if-none-match") == tag:
        return {"statusCode": 304, "headers": headers, "body": ""}
    return {
        "statusCode": 200,
        "headers": headers,
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
