"""The Feature Store's offline store: rows are collected and written to S3."""

import json
import logging
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from local.emulator.aws_shapes import Structure
from local.emulator.rights import RoleSession

logger = logging.getLogger("sightline.features")

FLUSH_SECONDS = 2.0  # the offline store follows later, here as there; records that come together share a file

_rows: dict[str, list[Mapping[str, object]]] = {}  # by group: what is yet to be written to S3
_lock = threading.Lock()


def append(group: Structure, row: Mapping[str, object], *, deleted: bool) -> None:
    """Note a row for the offline store; the first one of a batch sets the clock."""
    if "OfflineStoreConfig" not in group:
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with _lock:
        waiting = _rows.setdefault(group["FeatureGroupName"], [])
        waiting.append({**row, "write_time": now, "api_invocation_time": now, "is_deleted": deleted})
        if len(waiting) > 1:
            return
    timer = threading.Timer(FLUSH_SECONDS, flush, [group])
    timer.daemon = True
    timer.start()


def flush(group: Structure) -> None:
    """Write the waiting rows of a group as one file of JSON lines, with the rights of the group's role.

    AWS writes Parquet; the folders and the columns are the same.
    """
    with _lock:
        rows = _rows.pop(group["FeatureGroupName"], [])
    place = urlsplit(group["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"])
    now = datetime.now(UTC)
    hour = f"{place.path.lstrip('/')}/{now:year=%Y/month=%m/day=%d/hour=%H}"
    key = f"{hour}/{now:%Y%m%dT%H%M%SZ}_{uuid.uuid4().hex[:16]}.jsonl"
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    config = group["OfflineStoreConfig"]["S3StorageConfig"]
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config["KmsKeyId"]} if "KmsKeyId" in config else {}
    try:
        RoleSession(group["RoleArn"]).client("s3").put_object(Bucket=place.netloc, Key=key, Body=body, **extra)
    except (ClientError, BotoCoreError, Boto3Error) as error:
        logger.exception("offline store of %s", group["FeatureGroupName"])
        group["OfflineStoreStatus"] = {"Status": "Blocked", "BlockedReason": str(error)[:1024]}
