"""What a job copies from S3 and to S3, with the rights of its role."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from local.emulator.rights import RoleSession
from local.emulator.sagemaker.errors import JobFailedError


class Transfer:
    """Copies between S3 and folders. `go_on` raises JobStoppedError once the job is to stop."""

    def __init__(self, account: RoleSession, go_on: Callable[[], None]) -> None:
        self._account = account
        self._go_on = go_on

    def upload(self, files: list[tuple[Path, str]], bucket: str, key_id: str | None) -> None:
        s3 = self._account.client("s3")
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        try:
            for path, key in files:
                s3.upload_file(str(path), bucket, key, ExtraArgs=extra)
        except (S3UploadFailedError, ClientError) as error:
            raise JobFailedError(f"ClientError: output upload to s3://{bucket} failed: {error}") from error

    def download(self, uri: str, data_type: str, target: Path, *, may_be_empty: bool = False) -> None:
        """Copy a channel to `target` as in File mode: what follows the prefix in a key names the file."""
        target.mkdir(parents=True, exist_ok=True)
        s3 = self._account.client("s3")
        try:
            bucket, names = _objects(s3, uri, data_type, may_be_empty=may_be_empty)
            for key, name in names:
                self._go_on()
                path = (target / name).resolve()
                if not path.is_relative_to(target.resolve()):
                    raise JobFailedError(f"ClientError: {key!r} would be written outside its channel")
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, key, str(path))
        except ClientError as error:
            raise JobFailedError(f"ClientError: data download failed: {uri}: {error}") from error


def _objects(s3: Any, uri: str, data_type: str, *, may_be_empty: bool = False) -> tuple[str, list[tuple[str, str]]]:
    """(bucket, [(key, path in the channel)]) of an S3Prefix, which may be one object, or of a ManifestFile."""
    bucket, key = split_uri(uri)
    if data_type == "ManifestFile":
        try:
            first, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            bucket, prefix = split_uri(first["prefix"])
        except (ValueError, TypeError, KeyError) as error:
            raise JobFailedError(f"ClientError: {uri} is no manifest file: {error!r}") from error
        return bucket, [(prefix + name, name) for name in names]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", []) if not entry["Key"].endswith("/")]
    if not keys and not may_be_empty:
        raise JobFailedError(f"ClientError: no S3 objects found under {uri}")
    return bucket, [(name, name[len(key) :].lstrip("/") or name.rsplit("/", 1)[-1]) for name in keys]


def split_uri(uri: str) -> tuple[str, str]:
    """(bucket, key) of an `s3://` URI."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")
