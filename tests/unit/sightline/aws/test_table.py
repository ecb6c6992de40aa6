"""Items of DynamoDB: what is written is what is read, in as many requests as it takes."""

import itertools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from sightline.aws import table
from sightline.aws.clients import Aws
from sightline.aws.table import Table, from_item, to_item
from tests.given_aws import GivenAws

SCHEMA: Any = {
    "TableName": "table",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in (("pk", "S"), ("n", "N"))]
    + [{"AttributeName": "colour", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_colour",
            "KeySchema": [
                {"AttributeName": "colour", "KeyType": "HASH"},
                {"AttributeName": "n", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
LARGE = "x" * 300_000  # three such items fit into the megabyte that one answer holds


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table.time, "sleep", lambda _seconds: None)


@pytest.fixture
def items() -> Iterator[Table]:
    with mock_aws():
        boto3.client("dynamodb").create_table(**SCHEMA)
        yield Table(Aws(), "table")


# What DynamoDB's numbers hold: 38 digits, from 1e-130 on. Above 2**53 a float is not the whole number that its digits
# say.
floats = st.floats(-(2.0**53), 2.0**53).filter(lambda value: value == 0 or abs(value) > 1e-100)
numbers = floats | st.integers(-(10**38) + 1, 10**38 - 1)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text() | st.sets(st.text(), min_size=1),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1), values))
def test_an_item_is_what_was_written_without_what_is_not_known(item: dict[str, Any]) -> None:
    assert from_item(to_item(item)) == {name: value for name, value in item.items() if value is not None}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ((1, [2.5, (None,)]), [1, [2.5, [None]]]),
        (2.0, 2),
        (True, True),
        (0.1 + 0.2, 0.30000000000000004),
        ({"a": {"b": {"scratch", "dent"}}}, {"a": {"b": {"scratch", "dent"}}}),
        ("", ""),
        ([], []),
        ({}, {}),
    ],
)
def test_a_value_comes_back_with_the_type_that_json_gives_it(written: Any, read: Any) -> None:
    found = from_item(to_item({"value": written}))["value"]
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_before_it_is_written(number: float) -> None:
    with pytest.raises(TypeError, match="Infinity and NaN not supported"):
        to_item({"pk": "a", "boxes": [{"score": number}]})


def test_an_item_is_there_once_it_was_put(items: Table) -> None:
    assert items.get({"pk": "a"}) is None
    items.put({"pk": "a", "n": 1.5, "gone": None})
    assert items.get({"pk": "a"}) == {"pk": "a", "n": 1.5}


def test_a_new_item_does_not_replace_the_one_that_is_there(items: Table) -> None:
    assert items.put_new({"pk": "a", "n": 1}) is None
    assert items.put_new({"pk": "a", "n": 2}) == {"pk": "a", "n": 1}
    assert items.get({"pk": "a"}) == {"pk": "a", "n": 1}


def test_an_item_that_cannot_be_put_is_an_error() -> None:
    with mock_aws(), pytest.raises(ClientError, match="ResourceNotFoundException"):
        Table(Aws(), "nowhere").put_new({"pk": "a"})


def test_an_update_returns_the_whole_item_as_it_is_now(items: Table) -> None:
    items.put({"pk": "a", "n": 1, "colour": "red"})
    assert items.update({"pk": "a"}, "SET #n = #n + :one", {"one": 1}) == {"pk": "a", "n": 2, "colour": "red"}


def test_an_update_whose_condition_does_not_hold_changes_nothing(items: Table) -> None:
    items.put({"pk": "a", "n": 1})
    assert items.update({"pk": "a"}, "SET #n = :two", {"two": 2}, condition="#n = :two") is None
    assert items.update({"pk": "b"}, "SET #n = :two", {"two": 2}, condition="attribute_exists(pk)") is None
    assert items.get({"pk": "a"}) == {"pk": "a", "n": 1}
    assert items.get({"pk": "b"}) is None


def test_an_update_that_dynamodb_does_not_understand_is_an_error_not_a_failed_condition(items: Table) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        items.update({"pk": "a"}, "SET #n = :missing", {"one": 1}, condition="attribute_not_exists(pk)")


def test_a_name_in_an_expression_can_stand_for_any_other(items: Table) -> None:
    items.put({"pk": "a", "failed": {}})
    updated = items.update({"pk": "a"}, "SET #failed.#which = :why", {"why": "late"}, names={"which": "line-1.cell 2"})
    assert updated == {"pk": "a", "failed": {"line-1.cell 2": "late"}}


def test_an_update_may_need_neither_names_nor_values(items: Table) -> None:
    items.put({"pk": "a", "n": 1})
    assert items.update({"pk": "a"}, "REMOVE n", {}) == {"pk": "a"}


@pytest.mark.parametrize(
    "condition",
    [
        "#n=:one",
        "#n<:two",
        "#n>=:one AND #n<=:one",
        "NOT(#n<>:one)",
        "#n BETWEEN :one AND :two",
        "#n IN(:one,:two)",
        "attribute_exists(#n)",
    ],
)
def test_names_are_found_in_a_condition_however_it_is_spaced(items: Table, condition: str) -> None:
    items.put({"pk": "a", "n": 1})
    given = {name: value for name, value in (("one", 1), ("two", 2)) if f":{name}" in condition}
    updated = items.update({"pk": "a"}, "SET #done = :done", {"done": True, **given}, condition=condition)
    assert updated == {"pk": "a", "n": 1, "done": True}


def test_a_transaction_writes_all_or_nothing(items: Table) -> None:
    first = items.update_request({"pk": "a"}, "SET #n = :n", {"n": 1}, condition="attribute_not_exists(pk)")
    second = items.update_request({"pk": "b"}, "SET #n = :n", {"n": 1}, condition="attribute_not_exists(pk)")
    assert items.transact(first) is True
    assert items.transact(second, first) is False
    assert items.get({"pk": "b"}) is None
    assert items.transact(second) is True
    assert items.get({"pk": "b"}) == {"pk": "b", "n": 1}


class Cancelling:
    """A DynamoDB that cancels the first transactions, the last reason first."""

    exceptions = boto3.client("dynamodb", region_name="us-east-1").exceptions

    def __init__(self, *reasons: str) -> None:
        self.reasons = list(reasons)

    def transact_write_items(self, **_request: Any) -> None:
        if self.reasons:
            error: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": "None"}, {"Code": self.reasons.pop()}],
            }
            raise self.exceptions.TransactionCanceledException(error, "TransactWriteItems")


def transact(*reasons: str) -> bool:
    return Table(GivenAws(dynamodb=Cancelling(*reasons)), "table").transact({})


def test_a_transaction_that_another_one_crossed_is_tried_again() -> None:
    assert transact(*["TransactionConflict"] * 3) is True
    assert transact("ConditionalCheckFailed", "TransactionConflict") is False


@pytest.mark.parametrize("reasons", [["ValidationError"], ["TransactionConflict"] * table.TRANSACTION_TRIES])
def test_a_transaction_that_cannot_succeed_is_an_error(reasons: list[str]) -> None:
    with pytest.raises(Cancelling.exceptions.TransactionCanceledException):
        transact(*reasons)


class Crossing:
    """A DynamoDB in which transactions cross the first updates."""

    def __init__(self, times: int) -> None:
        self.times = times

    def update_item(self, **_request: Any) -> dict[str, Any]:
        self.times -= 1
        if self.times >= 0:
            raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")
        return {"Attributes": {"pk": {"S": "a"}}}


def test_an_update_that_a_transaction_crossed_is_tried_again() -> None:
    assert Table(GivenAws(dynamodb=Crossing(3)), "table").update({"pk": "a"}, "SET #n = :n", {"n": 1}) == {"pk": "a"}
    with pytest.raises(ClientError, match="TransactionConflictException"):
        Table(GivenAws(dynamodb=Crossing(99)), "table").update({"pk": "a"}, "SET #n = :n", {"n": 1})


@pytest.mark.parametrize("number", [0, 1, 250])
def test_items_are_read_a_hundred_at_a_time(items: Table, number: int) -> None:
    items.put_all({"pk": str(n), "n": n} for n in range(number))
    keys = [{"pk": str(n)} for n in range(number + 3)]
    assert sorted(str(item["pk"]) for item in items.get_all(keys)) == sorted(str(n) for n in range(number))


def test_a_table_is_read_over_all_pages(items: Table) -> None:
    items.put_all({"pk": f"{kind}{n}", "n": n, "text": LARGE} for n in range(5) for kind in "ab")
    found = items.scan(["pk", "n"], "begins_with(#pk, :a)", {"a": "a"})
    assert sorted(found, key=str) == [{"pk": f"a{n}", "n": n} for n in range(5)]


RED = ("by_colour", "#colour = :colour", {"colour": "red"})


@pytest.mark.parametrize(("limit", "expected"), [(None, 10), (0, 0), (1, 1), (3, 3), (4, 4), (10, 10), (99, 10)])
def test_a_query_returns_as_many_items_as_asked_over_all_pages_in_order(
    items: Table, limit: int | None, expected: int
) -> None:
    items.put_all({"pk": str(n), "n": n, "colour": "red", "text": LARGE} for n in range(10))
    items.put({"pk": "other", "n": 0, "colour": "blue"})
    assert [item["n"] for item in items.query(*RED, limit)] == list(range(expected))


def test_a_query_with_a_filter_goes_on_until_it_has_enough(items: Table) -> None:
    items.put_all({"pk": str(n), "n": n, "colour": "red", "even": n % 2 == 0} for n in range(10))
    condition, given = "#colour = :colour", {"colour": "red", "yes": True}
    found = items.query("by_colour", condition, given, 3, FilterExpression="#even = :yes")
    assert [item["n"] for item in found] == [0, 2, 4]


def test_items_are_read_no_further_than_somebody_asks(items: Table) -> None:
    items.put_all({"pk": str(n), "n": n, "colour": "red", "text": LARGE} for n in range(10))
    requests: list[Any] = []
    items.aws.dynamodb.meta.events.register("before-call.dynamodb.Query", lambda **call: requests.append(call))
    assert [item["n"] for item in itertools.islice(items.each(*RED), 3)] == [0, 1, 2]
    assert len(requests) == 1


def test_a_table_is_queried_without_an_index_too(items: Table) -> None:
    items.put({"pk": "a", "n": 1})
    assert items.query(None, "pk = :pk", {"pk": "a"}, ConsistentRead=True) == [{"pk": "a", "n": 1}]
    assert items.query(None, "pk = :pk", {"pk": "b"}) == []


def test_items_are_counted_over_all_pages(items: Table) -> None:
    items.put_all({"pk": str(n), "n": n, "colour": "red", "text": LARGE} for n in range(10))
    assert items.count(*RED) == 10
    assert items.count("by_colour", "#colour = :colour", {"colour": "blue"}) == 0


@pytest.mark.parametrize("number", [0, 1, table.BATCH, table.BATCH + 1, 2 * table.WRITERS * table.BATCH + 7])
def test_any_number_of_items_is_written(items: Table, number: int) -> None:
    assert items.put_all({"pk": str(n), "n": n, "colour": "red"} for n in range(number)) == number
    assert items.count(*RED) == number


class Throttled:
    """A DynamoDB that takes at most some items of a batch and leaves the rest unprocessed."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.taken: list[str] = []

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803
        ((name, requests),) = RequestItems.items()
        self.taken += [request["PutRequest"]["Item"]["pk"]["S"] for request in requests[: self.takes]]
        left = requests[self.takes :]
        return {"UnprocessedItems": {name: left} if left else {}}


def test_items_that_were_left_unprocessed_are_sent_again_and_no_others() -> None:
    throttled = Throttled(takes=table.BATCH // table.BATCH_TRIES + 1)
    assert Table(GivenAws(dynamodb=throttled), "table").put_all({"pk": str(n)} for n in range(60)) == 60
    assert sorted(throttled.taken, key=int) == [str(n) for n in range(60)]


def test_items_that_are_never_processed_are_an_error_that_says_how_many() -> None:
    with pytest.raises(RuntimeError, match=r"^25 items of table were not written in 10 tries$"):
        Table(GivenAws(dynamodb=Throttled(takes=0)), "table").put_all({"pk": str(n)} for n in range(25))


def test_an_error_while_items_are_made_is_not_hidden(items: Table) -> None:
    def made() -> Iterator[dict[str, Any]]:
        yield from ({"pk": str(n)} for n in range(30))
        raise ValueError("line 31 is no label")

    with pytest.raises(ValueError, match="line 31 is no label"):
        items.put_all(made())
