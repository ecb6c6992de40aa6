"""Uploaded objects in the images bucket: read once under limits, or set aside with the reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from sightline import names
from sightline.aws.clients import Aws
from sightline.images.claims import believed
from sightline.images.places import ObjectVersion, Place

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

GONE = ("NoSuchKey", "NoSuchVersion", "404")
CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


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
    version: ObjectVersion
    modified: datetime


class Uploads:
    """The objects that people and devices upload."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    def newest(self, bucket: str, key: str) -> ObjectVersion | None:
        """Return what lies at a key now; None where nothing does, or a delete marker."""
        try:
            return ObjectVersion.of(self.aws.s3.head_object(Bucket=bucket, Key=key))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise

    def read_upload(self, bucket: str, key: str, *, max_bytes: int) -> Upload | None:
        """Return what lies at a key now; None where nothing does, or a delete marker."""
        try:
            answer = self.aws.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        size = answer["ContentLength"]
        body = answer["Body"].read() if size <= max_bytes else None
        said = believed(key, answer["Metadata"])
        return Upload(body, said, size, ObjectVersion.of(answer), answer["LastModified"])

    def read_image(self, bucket: str, key: str, version_id: str | None = None, *, max_bytes: int) -> bytes | None:
        """Return the bytes of an object (of a version); None when they are gone or larger than the limit."""
        try:
            answer = self.aws.s3.get_object(Bucket=bucket, Key=key, **_version(version_id))
        except ClientError as error:
            if error.response["Error"]["Code"] in GONE:
                return None
            raise
        return bytes(answer["Body"].read()) if answer["ContentLength"] <= max_bytes else None

    def quarantine(self, place: Place, reason: str) -> str:
        """Move what lies at a place under `quarantine/` with the reason as metadata, and return the new key.

        The old version stays. A newer version that was uploaded under the same key since is left where it is.
        """
        key = names.quarantined(place.image_id, place.key)
        source: CopySourceTypeDef = {"Bucket": place.bucket, "Key": place.key, **_version(place.version_id)}
        ascii_reason = " ".join(reason.encode("ascii", "replace").decode().split())[:1000]
        self.aws.s3.copy_object(
            Bucket=place.bucket,
            Key=key,
            CopySource=source,
            MetadataDirective="REPLACE",
            Metadata={"reason": ascii_reason},
        )
        newest = self.newest(place.bucket, place.key)
        if newest and place.holds(newest):
            try:
                self.aws.s3.delete_object(Bucket=place.bucket, Key=place.key, IfMatch=f'"{newest.etag}"')
            except ClientError as error:
                if error.response["Error"]["Code"] not in (*CHANGED, *GONE):
                    raise
        return key

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


def unread_id(bucket: str, key: str, version: ObjectVersion) -> str:
    """Return a stable id for an object that was refused before its content was read."""
    return hashlib.sha256(f"{bucket}/{key}/{version.version_id or version.etag}".encode()).hexdigest()


def _version(version_id: str | None) -> Version:
    return {"VersionId": version_id} if version_id else {}
