"""The Feature Store: types, the newest record, and what goes offline."""

import json
from typing import Any

import pytest

from local.emulator.aws_shapes import AwsError
from local.emulator.sagemaker import feature_records, offline_store

GROUP = {
    "FeatureGroupName": "labels",
    "RecordIdentifierFeatureName": "image_id",
    "EventTimeFeatureName": "event_time",
    "FeatureDefinitions": [
        {"FeatureName": "image_id", "FeatureType": "String"},
        {"FeatureName": "event_time", "FeatureType": "String"},
        {"FeatureName": "boxes", "FeatureType": "Integral"},
        {"FeatureName": "share", "FeatureType": "Fractional"},
    ],
}


@pytest.fixture(autouse=True)
def group(call: Any) -> None:
    call("CreateFeatureGroup", **GROUP)


def put(**values: str) -> None:
    record = [{"FeatureName": key, "ValueAsString": value} for key, value in values.items()]
    feature_records.serve("PUT", "/FeatureGroup/labels", json.dumps({"Record": record}).encode(), {})


def get(identity: str) -> dict[str, str]:
    answer = feature_records.serve("GET", "/FeatureGroup/labels", b"", {"RecordIdentifierValueAsString": [identity]})
    return {entry["FeatureName"]: entry["ValueAsString"] for entry in answer.get("Record", [])}


def test_the_newest_record_is_the_one_that_is_given() -> None:
    put(image_id="a", event_time="2026-11-20T10:00:00Z", boxes="1")
    put(image_id="a", event_time="2026-11-20T12:00:00Z", boxes="2")
    put(image_id="a", event_time="2026-11-20T11:00:00Z", boxes="3")  # comes late
    assert get("a") == {"image_id": "a", "event_time": "2026-11-20T12:00:00Z", "boxes": "2"}
    assert get("b") == {}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_id": "a", "event_time": "2026-11-20T10:00:00Z", "boxes": "two"}, "boxes must be Integral, got 'two'"),
        ({"image_id": "a", "event_time": "2026-11-20T10:00:00Z", "share": "x"}, "share must be Fractional, got 'x'"),
        ({"image_id": "a", "event_time": "2026-11-20T10:00:00Z", "color": "red"}, "color is not in the feature group"),
        ({"image_id": "a", "boxes": "1"}, "the record has no event_time"),
        ({"event_time": "2026-11-20T10:00:00Z"}, "the record has no image_id"),
        ({"image_id": "a", "event_time": "yesterday"}, "event_time must be in the format"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        put(**values)
    assert (caught.value.code, message in caught.value.message) == ("ValidationError", True), caught.value.message


def test_records_of_several_identifiers_come_together() -> None:
    for identity in ("a", "b"):
        put(image_id=identity, event_time="2026-11-20T10:00:00Z")
    asked = {
        "FeatureGroupName": "labels",
        "RecordIdentifiersValueAsString": ["a", "b", "c"],
        "FeatureNames": ["image_id"],
    }
    answer = feature_records.serve("POST", "/BatchGetRecord", json.dumps({"Identifiers": [asked]}).encode(), {})
    assert [entry["Record"] for entry in answer["Records"]] == [
        [{"FeatureName": "image_id", "ValueAsString": "a"}],
        [{"FeatureName": "image_id", "ValueAsString": "b"}],
    ]


def test_a_deleted_record_is_gone() -> None:
    put(image_id="a", event_time="2026-11-20T10:00:00Z")
    query = {"RecordIdentifierValueAsString": "a", "EventTime": "2026-11-20T11:00:00Z"}
    feature_records.serve("DELETE", "/FeatureGroup/labels", b"", query)
    assert get("a") == {}


def test_a_group_that_is_not_there_is_told() -> None:
    with pytest.raises(AwsError) as caught:
        feature_records.serve("GET", "/FeatureGroup/others", b"", {"RecordIdentifierValueAsString": "a"})
    assert (caught.value.code, caught.value.status) == ("ResourceNotFound", 404)


def test_records_that_come_together_share_one_file_offline(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, str, list[Any]]] = []

    class Session:
        def __init__(self, role_arn: str) -> None:
            self.role_arn = role_arn

        def client(self, service: str) -> "Session":
            return self

        def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
            written.append((self.role_arn, f"{Bucket}/{Key}", [json.loads(line) for line in Body.splitlines()]))

    monkeypatch.setattr(offline_store, "RoleSession", Session)
    monkeypatch.setattr(offline_store, "FLUSH_SECONDS", 3600)
    role = "arn:aws:iam::000000000000:role/features"
    offline = {"S3StorageConfig": {"S3Uri": "s3://bucket/features/"}}
    call("DeleteFeatureGroup", FeatureGroupName="labels")
    call("CreateFeatureGroup", **GROUP, OfflineStoreConfig=offline, RoleArn=role)
    for identity in ("a", "b"):
        put(image_id=identity, event_time="2026-11-20T10:00:00Z", boxes="2")
    offline_store.flush(call("DescribeFeatureGroup", FeatureGroupName="labels"))
    [(writer, place, rows)] = written
    assert (writer, [(row["image_id"], row["boxes"], row["is_deleted"]) for row in rows]) == (
        role, [("a", 2, False), ("b", 2, False)],
    )  # fmt: skip
    assert place.startswith("bucket/features/000000000000/sagemaker/us-east-1/offline-store/labels-")
