"""Objects erased for good, with all their versions: what was made for a test or is to go with its stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sightline.aws.clients import Aws
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ListObjectVersionsOutputTypeDef, ObjectIdentifierTypeDef


class ErasingError(SightlineError):
    """Something could not be erased."""


def erase_prefix(aws: Aws, bucket: str, prefix: str = "", chosen: Callable[[str], bool] = lambda _: True) -> int:
    """Erase every version and delete marker of the objects under `prefix` whose key is `chosen`. Return how many.

    Raise ErasingError naming the first that S3 refused to erase.
    """
    erased = 0
    for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [one for one in _versions(page) if chosen(one["Key"])]
        if not found:
            continue
        answer = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
        if refused := answer.get("Errors"):
            first = refused[0]
            raise ErasingError(
                f"{len(refused)} objects of {bucket} stay, the first {first.get('Key')!r}: {first.get('Message')}"
            )
        erased += len(found)
    return erased


def _versions(page: ListObjectVersionsOutputTypeDef) -> list[ObjectIdentifierTypeDef]:
    found: list[ObjectIdentifierTypeDef] = [
        {"Key": version["Key"], "VersionId": version["VersionId"]} for version in page.get("Versions", [])
    ]
    found += [{"Key": marker["Key"], "VersionId": marker["VersionId"]} for marker in page.get("DeleteMarkers", [])]
    return found
