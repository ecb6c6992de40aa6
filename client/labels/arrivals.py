"""Uploads that the ledger does not have yet: S3 sends their events a moment after the upload, or some minutes."""

import time
from datetime import UTC, datetime, timedelta

from client.labels.index import Index
from client.sweeping import is_handled
from client.target import Target
from sightline import names

RECENT = timedelta(minutes=15)  # an older upload without a row has lost its event: waiting does not help
SECONDS = 60.0
PAUSE_SECONDS = 0.5


def await_recent(target: Target, index: Index) -> list[str]:
    """Wait until the uploads of the last minutes are registered. Return the keys of those that are not in time."""
    until = time.monotonic() + SECONDS
    waiting = unregistered(target, index)
    bucket = target.outputs["ImagesBucketName"]
    while waiting:
        if is_handled(target, bucket, waiting[-1]):
            waiting.pop()
        elif time.monotonic() > until:
            return waiting
        else:
            time.sleep(PAUSE_SECONDS)
    return []


def unregistered(target: Target, index: Index) -> list[str]:
    """Return the keys of recent uploads that no image of the index has."""
    since = datetime.now(UTC) - RECENT
    pages = target.aws.s3.get_paginator("list_objects_v2").paginate(
        Bucket=target.outputs["ImagesBucketName"], Prefix=names.INCOMING
    )
    return [
        entry["Key"]
        for page in pages
        for entry in page.get("Contents", [])
        if entry["LastModified"] > since and entry["Size"] and entry["Key"] not in index.names.paths
    ]
