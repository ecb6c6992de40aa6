"""Queries of an index with a limit give what the emulator's own way gives, whatever was written before."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb

from local.emulator import indexes

TABLE: dict[str, Any] = {
    "TableName": "tasks",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in (("pk", "S"), ("queue", "S"), ("position", "N"))
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "queues",
            "KeySchema": [
                {"AttributeName": "queue", "KeyType": "HASH"},
                {"AttributeName": "position", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
ITEMS = st.sampled_from("abcdefgh")
QUEUES = st.sampled_from(["free", "leased"])
PLACES = st.tuples(QUEUES, st.integers(-2, 2).map(lambda number: number / 2))
WRITES = st.lists(st.tuples(ITEMS, st.one_of(st.none(), PLACES)), max_size=5)  # without a place the item is deleted
QUERIES = st.tuples(QUEUES, st.integers(1, 9), st.booleans())


@pytest.fixture(scope="module")
def slow_query() -> Iterator[Any]:
    """The emulator's own query, with `indexes` in the place of what it replaces."""
    kept = {name: getattr(dynamodb, name) for name in ("_index_members", "_index_item", "_query")}
    indexes.register()
    yield kept["_query"]
    for name, original in kept.items():
        setattr(dynamodb, name, original)


def ask(query: Any, queue: str, limit: int, forward: bool) -> Any:
    status, _, body = query(
        {
            "TableName": "tasks",
            "IndexName": "queues",
            "KeyConditionExpression": "#queue = :queue",
            "ExpressionAttributeNames": {"#queue": "queue"},
            "ExpressionAttributeValues": {":queue": {"S": queue}},
            "Limit": limit,
            "ScanIndexForward": forward,
        }
    )
    assert status == 200
    return json.loads(body)


@given(rounds=st.lists(st.tuples(WRITES, QUERIES), min_size=1, max_size=6))
def test_the_first_items_are_those_that_reading_everything_gives(slow_query: Any, rounds: list[Any]) -> None:
    dynamodb._create_table(TABLE)
    try:
        for writes, query in rounds:
            for name, place in writes:
                key = {"pk": {"S": name}}
                if place:
                    item = key | {"queue": {"S": place[0]}, "position": {"N": str(place[1])}}
                    assert dynamodb._put_item({"TableName": "tasks", "Item": item})[0] == 200
                else:
                    assert dynamodb._delete_item({"TableName": "tasks", "Key": key})[0] == 200
            assert ask(dynamodb._query, *query) == ask(slow_query, *query)
    finally:
        dynamodb._delete_table({"TableName": "tasks"})


def test_an_update_moves_an_item_and_the_next_page_goes_on_after_the_first(slow_query: Any) -> None:
    dynamodb._create_table(TABLE)
    for number in range(6):
        item = {"pk": {"S": f"{number}"}, "queue": {"S": "free"}, "position": {"N": "0"}}
        dynamodb._put_item({"TableName": "tasks", "Item": item})
    try:
        assert [item["pk"]["S"] for item in ask(dynamodb._query, "free", 2, forward=True)["Items"]] == ["0", "1"]
        dynamodb._update_item(
            {
                "TableName": "tasks",
                "Key": {"pk": {"S": "0"}},
                "UpdateExpression": "SET #position = :last",
                "ExpressionAttributeNames": {"#position": "position"},
                "ExpressionAttributeValues": {":last": {"N": "9"}},
            }
        )
        first = ask(dynamodb._query, "free", 4, forward=True)
        assert [item["pk"]["S"] for item in first["Items"]] == ["1", "2", "3", "4"]
        assert first == ask(slow_query, "free", 4, forward=True)
        assert [item["pk"]["S"] for item in ask(dynamodb._query, "free", 9, forward=False)["Items"]] == list("054321")
    finally:
        dynamodb._delete_table({"TableName": "tasks"})
