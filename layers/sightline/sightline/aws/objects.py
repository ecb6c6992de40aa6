"""Objects in S3: one bucket, read and written whole."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

CHUNK = 1 << 20  # bytes read at a time
SPOOL = 32 << 20  # bytes; a longer file is gathered on disk


class ObjectStore:
    """One bucket. Keys are given without a leading slash; `uri` says `s3://bucket/key`."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self.aws = aws
        self.bucket = bucket

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def key(self, uri: str) -> str:
        """The key of `uri`. Raises ValueError when it lies in another bucket."""
        prefix = f"s3://{self.bucket}/"
        if not uri.startswith(prefix):
            raise ValueError(f"{uri!r} is not in the bucket {self.bucket!r}")
        return uri.removeprefix(prefix)

    def read(self, key: str) -> bytes:
        return bytes(self.aws.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def folder(self, uri: str) -> Callable[[str], bytes]:
        """`read` by the names of the files in the folder `uri`."""
        prefix = self.key(uri).rstrip("/") + "/"
        return lambda name: self.read(prefix + name)

    def find(self, key: str) -> bytes | None:
        """The object's bytes, or None when there is no such object."""
        try:
            return self.read(key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise

    def read_json(self, key: str) -> Any:
        return json.loads(self.read(key))

    def find_json(self, key: str) -> Any | None:
        """The object's JSON value, or None when there is no such object."""
        body = self.find(key)
        return None if body is None else json.loads(body)

    def keys(self, prefix: str) -> list[str]:
        """The keys under `prefix`, in order."""
        return list(self.each_key(prefix))

    def each_key(self, prefix: str) -> Iterator[str]:
        """The same, page by page: for prefixes with more keys than fit into the memory."""
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return (entry["Key"] for page in pages for entry in page.get("Contents", []))

    def read_lines(self, key: str) -> list[Any]:
        """The objects of a JSON Lines file, in order."""
        return [json.loads(line) for line in self.read(key).splitlines() if line.strip()]

    def each_line(self, key: str) -> Iterator[Any]:
        """The same, one after the other while the file comes in: for files that are larger than the memory."""
        lines = self.aws.s3.get_object(Bucket=self.bucket, Key=key)["Body"].iter_lines(CHUNK)
        return (json.loads(line) for line in lines if line.strip())

    def write(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> str:
        self.aws.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
        return self.uri(key)

    def write_json(self, key: str, value: Any) -> str:
        return self.write(key, json.dumps(value, indent=1, sort_keys=True).encode(), "application/json")

    def write_lines(self, key: str, values: Iterable[Any]) -> str:
        with self.line_writer(key) as write:
            for value in values:
                write(value)
        return self.uri(key)

    @contextmanager
    def line_writer(self, key: str) -> Iterator[Callable[[Any], object]]:
        """Write a JSON Lines file value by value; it is there when the block has ended well, and not before."""
        with tempfile.SpooledTemporaryFile(max_size=SPOOL) as file:
            yield lambda value: file.write(json.dumps(value, sort_keys=True).encode() + b"\n")
            file.seek(0)
            self.aws.s3.put_object(Bucket=self.bucket, Key=key, Body=file, ContentType="application/jsonlines")

    def delete(self, key: str) -> None:
        """Delete an object; none is there afterwards, whether there was one or not."""
        self.aws.s3.delete_object(Bucket=self.bucket, Key=key)

    def copy_from(self, bucket: str, key: str, to: str, version_id: str | None = None) -> str | None:
        """Copy an object (of a version) into this bucket without moving its bytes through this process.

        None when the source is gone.
        """
        source: CopySourceTypeDef = {"Bucket": bucket, "Key": key}
        if version_id:
            source["VersionId"] = version_id
        try:
            self.aws.s3.copy_object(Bucket=self.bucket, Key=to, CopySource=source)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion", "404"):
                return None
            raise
        return self.uri(to)
