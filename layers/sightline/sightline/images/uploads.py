"""Uploaded objects in the images bucket: read once under limits, or set aside with the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from sightline import names
from sightline.aws.clients import Aws
from sightline.images.claims import believed
from sightline.images.events import ListedObject, ObjectEvent

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

GONE = ("NoSuchKey", "NoSuchVersion", "404")


class Version(TypedDict, total=False):
    """The part of a request to S3 that names a version; empty for the newest."""

    VersionId: str


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one version of an object, and what is believed of its user metadata; `body` is None when it is
    larger than the limit.
    """

    body: bytes | None
    metadata: dict[str, str]
    bytes: int
    version_id: str | None


class Uploads:
    """The objects that people and devices upload, read by version."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    def read_upload(self, event: ObjectEvent, *, max_bytes: int) -> Upload | None:
        """Return exactly the version of the event; None when it was deleted since."""
        try:
            answer = self.aws.s3.get_object(Bucket=event.bucket, Key=event.key, **_version(event.version_id))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        size = answer["ContentLength"]
        body = answer["Body"].read() if size <= max_bytes else None
        return Upload(body, believed(event.key, answer["Metadata"]), size, answer.get("VersionId"))

    def read_image(self, bucket: str, key: str, version_id: str | None = None, *, max_bytes: int) -> bytes | None:
        """Return the bytes of an object (of a version); None when they are gone or larger than the limit."""
        try:
            answer = self.aws.s3.get_object(Bucket=bucket, Key=key, **_version(version_id))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        return bytes(answer["Body"].read()) if answer["ContentLength"] <= max_bytes else None

    def quarantine(self, event: ObjectEvent, image_id: str, reason: str) -> str:
        """Move the object under `quarantine/` with the reason as metadata, and return the new key.

        The old version stays. A newer version that was uploaded under the same key since is left where it is.
        """
        name = event.key.removeprefix(names.INCOMING)
        key = f"{names.QUARANTINE}{image_id[:16]}/{name}"
        source: CopySourceTypeDef = {"Bucket": event.bucket, "Key": event.key, **_version(event.version_id)}
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
        """Return the newest version of an object; "" where there is none, None in a bucket without versions."""
        try:
            version: str | None = self.aws.s3.head_object(Bucket=bucket, Key=key).get("VersionId")
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return ""
            raise
        return version

    def list_incoming(self, bucket: str) -> Iterator[list[ListedObject]]:
        """Return every object under `incoming/`, page by page."""
        for page in self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=names.INCOMING):
            yield [ListedObject(item["Key"], item["Size"], item["LastModified"]) for item in page.get("Contents", [])]

    def put_rendition(self, bucket: str, key: str, jpeg: bytes) -> None:
        self.aws.s3.put_object(Bucket=bucket, Key=key, Body=jpeg, ContentType="image/jpeg")

    def erase_rendition(self, bucket: str, key: str) -> None:
        self.aws.s3.delete_object(Bucket=bucket, Key=key)

    def shown_url(self, bucket: str, key: str, version_id: str | None, rendition: str | None, seconds: int) -> str:
        """Return a URL of what the page shows of an image: its rendition where it has one, else its object."""
        if rendition:
            return self.presigned_url(bucket, rendition, None, seconds)
        return self.presigned_url(bucket, key, version_id, seconds)

    def presigned_url(self, bucket: str, key: str, version_id: str | None, seconds: int) -> str:
        """Return a URL that reads one version of one object for `seconds`."""
        params = {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})
        return str(self.aws.s3.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds))


def unread_id(event: ObjectEvent) -> str:
    """Return a stable id for an object that was refused before its content was read."""
    return hashlib.sha256(f"{event.bucket}/{event.key}/{event.version_id}".encode()).hexdigest()


def _version(version_id: str | None) -> Version:
    return {"VersionId": version_id} if version_id else {}
