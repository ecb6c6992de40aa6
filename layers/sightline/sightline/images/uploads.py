"""Uploaded objects in the images bucket: read once under limits, or set aside with the reason."""

import hashlib
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sightline import names
from sightline.aws.clients import Aws
from sightline.images.image import ObjectEvent

GONE = ("NoSuchKey", "NoSuchVersion", "404")


@dataclass(frozen=True)
class Upload:
    """The bytes of one version of an object and its user metadata; `body` is None when it is larger than the limit."""

    body: bytes | None
    metadata: dict[str, str]
    bytes: int
    version_id: str | None


class Uploads:
    """The objects that people and devices upload, read by version."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    def read_upload(self, event: ObjectEvent, *, max_bytes: int) -> Upload | None:
        """Read exactly the version of the event; None when it was deleted since."""
        try:
            answer = self.aws.s3.get_object(Bucket=event.bucket, Key=event.key, **_version(event))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        size = answer["ContentLength"]
        body = answer["Body"].read() if size <= max_bytes else None
        return Upload(body, answer["Metadata"], size, answer.get("VersionId"))

    def read_image(self, image: dict[str, Any], *, max_bytes: int) -> bytes | None:
        """The bytes of an image of the ledger (`bucket, key, version_id`); None when they are gone or larger than the
        limit.
        """
        version = {"VersionId": image["version_id"]} if image.get("version_id") else {}
        try:
            answer = self.aws.s3.get_object(Bucket=image["bucket"], Key=image["key"], **version)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        return bytes(answer["Body"].read()) if answer["ContentLength"] <= max_bytes else None

    def quarantine(self, event: ObjectEvent, image_id: str, reason: str) -> str:
        """Move the object under `quarantine/` with the reason as metadata; answers the new key. The old version stays.

        A newer version that was uploaded under the same key since is left where it is.
        """
        name = event.key.removeprefix(names.INCOMING)
        key = f"{names.QUARANTINE}{image_id[:16]}/{name}"
        source: dict[str, Any] = {"Bucket": event.bucket, "Key": event.key} | _version(event)
        ascii_reason = " ".join(reason.encode("ascii", "replace").decode().split())[:1000]
        self.aws.s3.copy_object(
            Bucket=event.bucket,
            Key=key,
            CopySource=source,
            MetadataDirective="REPLACE",
            Metadata={"reason": ascii_reason},
        )
        if self._current_version(event.bucket, event.key) == event.version_id:
            self.aws.s3.delete_object(Bucket=event.bucket, Key=event.key)
        return key

    def _current_version(self, bucket: str, key: str) -> str | None:
        """The newest version of an object; "" where there is none, None in a bucket without versions."""
        try:
            version: str | None = self.aws.s3.head_object(Bucket=bucket, Key=key).get("VersionId")
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return ""
            raise
        return version

    def list_incoming(self, bucket: str) -> Any:
        """Every object under `incoming/`, page by page: dictionaries with Key, Size, LastModified."""
        for page in self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=names.INCOMING):
            yield page.get("Contents", [])

    def presigned_url(self, bucket: str, key: str, version_id: str | None, seconds: int) -> str:
        """A URL that reads one version of one object for `seconds`."""
        params = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
        return str(self.aws.s3.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds))


def unread_id(event: ObjectEvent) -> str:
    """A stable id for an object that was refused before its content was read."""
    return hashlib.sha256(f"{event.bucket}/{event.key}/{event.version_id}".encode()).hexdigest()


def _version(event: ObjectEvent) -> dict[str, str]:
    return {"VersionId": event.version_id} if event.version_id else {}
