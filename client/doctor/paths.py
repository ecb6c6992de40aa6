"""The ways through a stack, gone with something tiny that is taken away again: signed URLs, the page, an upload."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime

from client import erasing
from client.doctor.deployed import Deployed
from client.doctor.findings import Finding, Findings, ok, wrong
from client.doctor.tiny_image import tiny_png
from sightline import names
from sightline.images.ledger import Ledger

URL_SECONDS, HTTP_SECONDS = 60, 30
EVENT_SECONDS = 90.0  # a cold start of the function, and S3's events are seldom later
POLL_SECONDS = 0.5


def signed_urls(stack: Deployed) -> Findings:
    """Write and read an object by signed URLs, as the page and devices do."""
    s3, bucket = stack.aws.s3, stack.outputs["ArtifactsBucketName"]
    key, body = f"{names.DOCTOR}{secrets.token_hex(8)}.txt", b"sightline doctor"
    where = {"Bucket": bucket, "Key": key}
    try:
        for method, operation, sent in (("PUT", "put_object", body), ("GET", "get_object", None)):
            url = s3.generate_presigned_url(operation, Params=where, ExpiresIn=URL_SECONDS)
            status, got = _ask(method, url, sent)
            if status != 200:
                return [_bad_url(method, url, status, got)]
        if got != body:
            return [wrong("signed URLs", "an object that was written comes back changed", "look at the bucket's rules")]
    finally:
        erasing.erase_prefix(stack.aws, bucket, key)
    return [ok("signed URLs", "an object was written and read by them")]


def _bad_url(method: str, url: str, status: int, got: bytes) -> Finding:
    host, said = url.split("/")[2], " ".join(got.decode(errors="replace").split())[:200]
    if status in (301, 307):
        todo = "the bucket is new, or in another region than you say; ask again in an hour, or check --region"
    elif status == 0:
        todo = "look whether a firewall or proxy is between you and S3"
    else:
        todo = "look at the bucket's policy, the key's policy, and this machine's clock"
    return wrong("signed URLs", f"{method} at {host} gets {status or 'no answer'}: {said}", todo)


def page(stack: Deployed) -> Findings:
    """Open the page as a browser does, and ask the API without signing in."""
    target, found = stack.target, list[Finding]()
    for path, wanted, what in (("/", 200, "the page opens"), ("/jobs", 401, "nobody gets in without signing in")):
        status, got = _ask("GET", target.api_url + path, None)
        if status == wanted:
            found.append(ok(f"GET {path}", what))
        else:
            said = " ".join(got.decode(errors="replace").split())[:200]
            text = f"{target.api_url}{path} gives {status or 'no answer'}, not {wanted}: {said}"
            found.append(wrong(f"GET {path}", text, "`sightline logs` shows what the function said"))
    return found


def upload(stack: Deployed, seconds: float = EVENT_SECONDS) -> Findings:
    """Upload an image, wait until the ledger has it, and take it away from everywhere.

    It is smaller than the pipeline takes, so that it is set aside, and no labelling begins.
    """
    bucket, name = stack.outputs["ImagesBucketName"], f"doctor-{secrets.token_hex(8)}.png"
    ledger, body = Ledger(stack.aws, stack.outputs["ImagesTableName"]), tiny_png()
    image_id, since = hashlib.sha256(body).hexdigest(), datetime.now(UTC)
    try:
        stack.aws.s3.put_object(Bucket=bucket, Key=names.INCOMING + name, Body=body)
        took = _wait(lambda: ledger.image(image_id) is not None, seconds)
        if took is None:
            return [_lost(stack, since, f"an image was not in the ledger after {seconds:.0f} s")]
        if _wait(lambda: not getattr(ledger.image(image_id), "keys", None), seconds) is None:
            return [_lost(stack, since, f"an image that is too small was not set aside after {seconds:.0f} s")]
    finally:
        erasing.erase_prefix(stack.aws, bucket, names.INCOMING + name)
        erasing.erase_prefix(stack.aws, bucket, f"{names.QUARANTINE}{image_id[:16]}/")
        ledger.places.forget(bucket, names.INCOMING + name, image_id)
    return [ok("upload", f"an image was in the ledger after {took:.1f} s, and is removed again")]


def _wait(is_so: Callable[[], bool], seconds: float) -> float | None:
    """Wait until something is so. Return how long it took, None where it was not so in time."""
    start = time.monotonic()
    while not is_so():
        if time.monotonic() - start > seconds:
            return None
        time.sleep(POLL_SECONDS)
    return time.monotonic() - start


def _lost(stack: Deployed, since: datetime, text: str) -> Finding:
    """Say what is known of an upload that got stuck: the last error that a function has logged since."""
    said = _last_error(stack, since)
    if said:
        todo = "mend that; where it is a right, compare the role's policies with the template"
        return wrong("upload", f"{text}; the last error in the functions' log: {said}", todo)
    todo = "no function logged an error: look at the bucket's events, UploadsRule, UploadsQueue and its reader"
    return wrong("upload", text, todo)


def _last_error(stack: Deployed, since: datetime) -> str:
    """Return the newest error in the functions' log, in one line; nothing where there is none."""
    group, start = f"/sightline/{stack.stack}/functions", int(since.timestamp() * 1000)
    pages = stack.aws.logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
    lines = [event["message"] for page in pages for event in page["events"]]
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            if "Error" in line and not line.startswith(("START", "END", "REPORT", " ", "File")):
                return " ".join(line.split())[:400]
            continue
        if isinstance(entry, dict) and entry.get("level") in ("ERROR", "CRITICAL"):
            words = [entry.get("exception_name"), entry.get("message"), entry.get("errorMessage")]
            detail = str(entry.get("exception", "")).strip().splitlines()[-1:]
            return " ".join(" ".join(str(word) for word in [*words, *detail] if word).split())[:400]
    return ""


def _ask(method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
    """Send one request. Return the status (0 where nobody answered) and what came back."""
    request = urllib.request.Request(url, body, method=method)  # noqa: S310 (the stack's own addresses)
    try:
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:  # noqa: S310
            return int(answer.status), bytes(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except (urllib.error.URLError, OSError) as error:
        return 0, str(error).encode()
