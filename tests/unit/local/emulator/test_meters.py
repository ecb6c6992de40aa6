"""What the emulator counts of requests, as AWS's metrics have it."""

import pytest

from local.emulator.meters import consumed, request_metric


@pytest.mark.parametrize(
    ("method", "path", "metric"),
    [
        ("PUT", "/images/incoming/a.jpg", ("images", "PutRequests")),
        ("POST", "/images/incoming/a.jpg", ("images", "PostRequests")),
        ("GET", "/images/incoming/a.jpg", ("images", "GetRequests")),
        ("HEAD", "/images/incoming/a.jpg", ("images", "HeadRequests")),
        ("DELETE", "/images/incoming/a.jpg", ("images", "DeleteRequests")),
        ("GET", "/images", ("images", "ListRequests")),
        ("GET", "/images/", ("images", "ListRequests")),
        ("GET", "/", None),
    ],
)
def test_a_request_of_s3_is_counted_by_its_kind(method: str, path: str, metric: "tuple[str, str] | None") -> None:
    assert request_metric(method, path) == metric


def test_units_of_a_table_and_of_its_indexes_are_apart() -> None:
    answer = {
        "ConsumedCapacity": {
            "TableName": "images",
            "CapacityUnits": 5.0,
            "Table": {"CapacityUnits": 2.0},
            "GlobalSecondaryIndexes": {"by_status": {"CapacityUnits": 3.0}},
        }
    }
    assert consumed(answer, write=True) == [
        ({"TableName": "images"}, "ConsumedWriteCapacityUnits", 2.0),
        ({"TableName": "images", "GlobalSecondaryIndexName": "by_status"}, "ConsumedWriteCapacityUnits", 3.0),
    ]


def test_a_batch_names_each_of_its_tables() -> None:
    answer = {"ConsumedCapacity": [{"TableName": "a", "CapacityUnits": 4.0}, {"TableName": "b", "CapacityUnits": 0.0}]}
    assert consumed(answer, write=False) == [({"TableName": "a"}, "ConsumedReadCapacityUnits", 4.0)]


def test_an_answer_without_units_counts_nothing() -> None:
    assert consumed({}, write=False) == []
