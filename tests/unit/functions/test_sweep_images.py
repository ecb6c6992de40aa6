"""Finding where bucket and ledger differ."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from sightline.images import counters
from sightline.images.image import ImageStatus
from tests.fake_cloud import REGION, Cloud, jpeg
from tests.images import approved, become, enter, image, ledger


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: True)


@pytest.fixture
def queued(cloud: Cloud) -> Callable[[], list[dict[str, Any]]]:
    """Return the messages of the queue as records, once."""
    sqs = boto3.client("sqs", region_name=REGION)

    def take() -> list[dict[str, Any]]:
        found, sample = [], cloud.event("register_images")["Records"][0]
        while messages := sqs.receive_message(QueueUrl=cloud.queue, MaxNumberOfMessages=10).get("Messages"):
            for one in messages:
                found.append({**sample, "messageId": one["MessageId"], "body": one["Body"]})
                sqs.delete_message(QueueUrl=cloud.queue, ReceiptHandle=one["ReceiptHandle"])
        return found

    return take


def keys(records: list[dict[str, Any]]) -> list[str]:
    return [json.loads(record["body"])["detail"]["object"]["key"].removeprefix("incoming/") for record in records]


def test_what_differs_is_looked_at_and_nothing_else(
    step: Any, cloud: Cloud, queued: Callable[[], list[dict[str, Any]]]
) -> None:
    names = ["deleted", "erased", "overwritten", "right", "undeleted"]
    records = [cloud.upload(name, jpeg(number)) for number, name in enumerate(names)]
    step("register_images", {"Records": records})
    step("register_images", {"Records": [cloud.upload("undeleted", b"", kind="Object Deleted")]})
    markers = cloud.s3.list_object_versions(Bucket="images", Prefix="incoming/undeleted")["DeleteMarkers"]
    # From here on all events are lost.
    cloud.s3.delete_object(Bucket="images", Key="incoming/undeleted", VersionId=markers[0]["VersionId"])
    cloud.upload("deleted", b"", kind="Object Deleted")
    cloud.upload("new", jpeg(8))
    cloud.upload("overwritten", jpeg(9))
    cloud.upload("folder/", b"")
    version = json.loads(records[1]["body"])["detail"]["object"]["version-id"]
    cloud.s3.delete_object(Bucket="images", Key="incoming/erased", VersionId=version)
    assert step("sweep_images") == {"compared": 6, "queued": 5, "ended": True}
    found = queued()
    assert keys(found) == ["deleted", "erased", "new", "overwritten", "undeleted"]
    assert step("register_images", {"Records": found}) == {"batchItemFailures": []}
    assert step("sweep_images", {"begin": True}) == {"compared": 4, "queued": 0, "ended": True}


def test_a_sweep_that_is_broken_off_goes_on_where_it_was(
    step: Any, cloud: Cloud, queued: Callable[[], list[dict[str, Any]]]
) -> None:
    for number in range(3):
        cloud.upload(f"{number}.jpg", jpeg(number))
    assert step("sweep_images", {"begin": True, "seconds": 0}) == {"compared": 1, "queued": 1, "ended": False}
    assert step("sweep_images") == {"compared": 3, "queued": 3, "ended": True}
    assert keys(queued()) == ["0.jpg", "1.jpg", "2.jpg"]


def test_the_schedule_sweeps_once_a_day(step: Any, cloud: Cloud, queued: Callable[[], list[dict[str, Any]]]) -> None:
    cloud.upload("a.jpg", jpeg(1))
    step("sweep_images")
    assert step("sweep_images") == {"compared": 0, "queued": 0, "ended": True}
    assert keys(queued()) == ["a.jpg"]
    ledger().table.update({"pk": "sweep"}, "SET #began_at = :long_ago", {"long_ago": "2026-01-01T00:00:00+00:00"})
    assert step("sweep_images") == {"compared": 1, "queued": 1, "ended": True}


def test_a_stack_that_was_updated_is_counted_in_the_next_hour_and_then_once_a_week(step: Any, cloud: Cloud) -> None:
    enter(image(1), approved(2))
    step("sweep_images")
    ledger().table.update({"pk": "sweep"}, "REMOVE #counted_at", {})  # as before the update
    for number in range(counters.SHARDS):
        ledger().table.delete(counters.count_key(number))
    assert step("sweep_images") == {"compared": 0, "queued": 0, "ended": True}
    assert (ledger().counters.read() or {})[ImageStatus.APPROVED] == 1
    become(image(1).image_id, ImageStatus.REMOVED)
    step("sweep_images")
    assert ledger().counts()[ImageStatus.NEW] == 1
    ledger().table.update({"pk": "sweep"}, "SET #counted_at = :then", {"then": "2026-01-01T00:00:00+00:00"})
    step("sweep_images")
    assert ledger().counts()[ImageStatus.NEW] == 0


def test_an_object_that_is_about_to_be_set_aside_is_looked_at_again(
    step: Any, cloud: Cloud, queued: Callable[[], list[dict[str, Any]]]
) -> None:
    step("register_images", {"Records": [cloud.upload("a.jpg", jpeg(1))]})
    key = {"pk": "object#images/incoming/a.jpg"}
    ledger().table.update(key, "SET #refused = :reason", {"reason": "damaged image"})
    step("sweep_images")
    assert keys(queued()) == ["a.jpg"]
