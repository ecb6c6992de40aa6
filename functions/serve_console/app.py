"""Serve the page: the files of console/, with the headers that keep everything foreign out of it.

Requests and answers are in docs/reference/console-api.md. There is no data behind this; the page asks the API for
it.
"""

import hashlib
import os
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response

from sightline.api.http import Access, Api, RequestError
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

uploads = Uploads(Aws())
api = Api()


@cache
def headers() -> dict[str, str]:
    """Return the headers of every file. They name the one origin beside the page's own that it may load images from."""
    place = urlsplit(uploads.presigned_url(IMAGES_BUCKET, "incoming/x", None, 1))
    return {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; "
            f"manifest-src 'self'; img-src 'self' blob: data: {place.scheme}://{place.netloc}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "strict-transport-security": "max-age=31536000",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # There is no data in these files: a new deployment shows at once, and the tag spares what has not changed.
        "cache-control": "no-cache",
    }


@cache
def page() -> dict[str, bytes]:
    """Return the page's files by name."""
    return {
        entry.name: entry.read_bytes()
        for entry in files("sightline_console").iterdir()
        if entry.is_file() and entry.name.rpartition(".")[2] in TYPES
    }


@api.route("GET /", access=Access.ANYBODY)
def serve_page() -> Response[bytes]:
    """The page."""
    return served("index.html")


@api.route("GET /console/{file}", access=Access.ANYBODY)
def serve_file(file: str) -> Response[bytes]:
    """One of the page's files."""
    return served(file)


def served(name: str) -> Response[bytes]:
    """Return a file of the page, or that the caller has it already. Raise RequestError for any other name."""
    body = page().get(name)
    if body is None:
        raise RequestError(f"the page has no file {name!r:.80}", 404)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if api.event["headers"].get("if-none-match") == tag:
        return Response(304, headers=headers() | {"etag": tag}, body=b"")
    kind = TYPES[name.rpartition(".")[2]]
    return Response(200, headers=headers() | {"content-type": kind, "etag": tag}, body=body)


handler = api.handler
