"""The sweep on the local stack, with its own rights: whatever S3's events did not tell is in the ledger afterwards."""

import time
from collections.abc import Iterator

import boto3
import pytest

from client import pipeline, sweeping
from client.sweeping import Sweep
from client.target import Target
from local import stack as local_stack
from sightline.images.image import ImageStatus
from tests.fake_cloud import jpeg

SECONDS = 60.0


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_stack.Stack]:
    root = tmp_path_factory.mktemp("sweeping")
    try:
        yield local_stack.up(root=root, tied=True)
    finally:
        local_stack.down(root)


@pytest.fixture
def target(local: local_stack.Stack) -> Target:
    return Target(local.outputs, boto3.Session(**local.credentials), local.endpoint)


def images(target: Target) -> dict[str, set[str]]:
    """Return the object keys of images by status."""
    ledger = pipeline.ledger(target)
    statuses = (ImageStatus.NEW, ImageStatus.CLAIMED, ImageStatus.REMOVED)
    found = {status: {key for one in ledger.with_status(status) for key in one.keys} for status in statuses}
    return {"lying": found[ImageStatus.NEW] | found[ImageStatus.CLAIMED], "removed": found[ImageStatus.REMOVED]}


def until_lying(target: Target, *names: str) -> None:
    deadline = time.monotonic() + SECONDS
    while images(target)["lying"] != {f"incoming/{name}" for name in names}:
        assert time.monotonic() < deadline, images(target)
        time.sleep(0.3)


def test_what_lost_events_did_not_tell_is_right_after_one_sweep(local: local_stack.Stack, target: Target) -> None:
    s3, bucket = local.client("s3"), local.outputs["ImagesBucketName"]

    def put(name: str, number: int) -> str:
        return str(s3.put_object(Bucket=bucket, Key=f"incoming/{name}", Body=jpeg(number))["VersionId"])

    versions = {name: put(name, number) for number, name in enumerate(("a", "b", "c", "d", "e"))}
    until_lying(target, *versions)
    marker = s3.delete_object(Bucket=bucket, Key="incoming/e")["VersionId"]
    until_lying(target, "a", "b", "c", "d")
    rules = [one["Name"] for one in local.client("events").list_rules()["Rules"] if "UploadsRule" in one["Name"]]
    local.client("events").disable_rule(Name=rules[0])
    put("a", 11)  # overwritten
    s3.delete_object(Bucket=bucket, Key="incoming/b")
    s3.delete_object(Bucket=bucket, Key="incoming/c", VersionId=versions["c"])  # erased
    s3.delete_object(Bucket=bucket, Key="incoming/e", VersionId=marker)  # undeleted
    put("f", 12)
    assert sweeping.sweep(target) == Sweep(compared=6, queued=5, ended=True)
    until_lying(target, "a", "d", "e", "f")
    ledger = pipeline.ledger(target)
    for name in ("a", "d", "e", "f"):
        found = ledger.image_at(bucket, f"incoming/{name}")
        assert found
        assert found.version_id == s3.head_object(Bucket=bucket, Key=f"incoming/{name}")["VersionId"]
    assert sweeping.sweep(target) == Sweep(compared=4, queued=0, ended=True)
    counted = ledger.counters.read()  # with the rights of the sweep, and as images became what they are
    assert counted
    assert {status: number for status, number in counted.items() if number} == {
        ImageStatus.NEW: 4,
        ImageStatus.REMOVED: sum(counted.values()) - 4,
    }
