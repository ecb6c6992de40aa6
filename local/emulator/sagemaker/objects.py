"""Objects in S3 by their URIs, as labelling jobs read and write them."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local.emulator.aws_shapes import Structure
from local.emulator.sagemaker.errors import LabelingFailedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return the parts of an `s3://` URI; names of photos may have a `#` or `?`, which no URL parser keeps."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return bucket, key


def read(s3: "S3Client", uri: str) -> bytes:
    """Return the bytes of an object. Raise LabelingFailedError."""
    bucket, key = bucket_and_key(uri)
    try:
        return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        raise LabelingFailedError(f"{uri}: {error}") from error


def read_lines(s3: "S3Client", uri: str) -> list[Structure]:
    """Return the records of a file of JSON lines. Raise LabelingFailedError."""
    return [json.loads(line) for line in read(s3, uri).splitlines()]


def write_lines(s3: "S3Client", uri: str, lines: Iterable[Structure]) -> str:
    """Write a file of JSON lines, and return its URI."""
    bucket, key = bucket_and_key(uri)
    s3.put_object(Bucket=bucket, Key=key, Body="".join(json.dumps(line) + "\n" for line in lines).encode())
    return uri
