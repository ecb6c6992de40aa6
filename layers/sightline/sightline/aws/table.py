"""DynamoDB items as plain dictionaries, through the low-level client (the resource layer costs import time)."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from sightline.aws.clients import Aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestOutputTypeDef, WriteRequestTypeDef

# An item with the values that JSON has, and sets of text. Whoever reads one parses it once, at the border of its room.
Item: TypeAlias = dict[str, object]
Values: TypeAlias = Mapping[str, object]  # what is written: keys, values of expressions

BATCH = 25  # items; DynamoDB's own limit
READ_BATCH = 100  # items; DynamoDB's own limit
BATCH_TRIES = 10
TRANSACTION_TRIES = 8
# Why a transaction is cancelled that may succeed in a moment: another one writes the same items, or it is too much.
PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
WRITERS = 8

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def to_item(value: Values) -> dict[str, Any]:
    """A dictionary of JSON values (and sets of text) as a DynamoDB item; None is left out."""
    return {key: _serializer.serialize(_to_decimal(entry)) for key, entry in value.items() if entry is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    return {key: _from_decimal(_deserializer.deserialize(entry)) for key, entry in item.items()}


def _to_decimal(value: object) -> object:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: _to_decimal(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_to_decimal(entry) for entry in value]
    return value


def _from_decimal(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _from_decimal(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_from_decimal(entry) for entry in value]
    return value


def is_condition_failure(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"


class Table:
    """One table; keys and values are plain dictionaries."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.aws = aws
        self.name = name

    def get(self, key: Values) -> Item | None:
        """The item, strongly consistent, or None."""
        item = self.aws.dynamodb.get_item(TableName=self.name, Key=to_item(key), ConsistentRead=True).get("Item")
        return from_item(item) if item else None

    def get_all(self, keys: Sequence[Values]) -> list[Item]:
        """The items that there are of these keys, strongly consistent, in any order."""
        found: list[Item] = []
        for start in range(0, len(keys), READ_BATCH):
            pending: Any = {
                self.name: {"Keys": [to_item(key) for key in keys[start : start + READ_BATCH]], "ConsistentRead": True}
            }
            for attempt in range(BATCH_TRIES):
                answer = self.aws.dynamodb.batch_get_item(RequestItems=pending)
                found += [from_item(item) for item in answer["Responses"].get(self.name, [])]
                pending = answer.get("UnprocessedKeys") or {}
                if not pending:
                    break
                time.sleep(random.uniform(0, 0.05 * 2**attempt))
            else:
                raise RuntimeError(f"items of {self.name} were not read in {BATCH_TRIES} tries: too much is read there")
        return found

    def scan(self, attributes: Sequence[str], condition: str, values: Values) -> Iterator[Item]:
        """Those attributes of all items that meet a condition, consistent, in any order. It reads the whole table."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(f"#{name}" for name in attributes),
            "FilterExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": {f":{name}": entry for name, entry in to_item(values).items()},
        }
        while True:
            page = self.aws.dynamodb.scan(**request)
            yield from (from_item(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(self, item: Values) -> None:
        self.aws.dynamodb.put_item(TableName=self.name, Item=to_item(item))

    def put_new(self, item: Values) -> Item | None:
        """Write `item` unless one with its key is there; then return that one, unchanged."""
        try:
            self.aws.dynamodb.put_item(
                TableName=self.name,
                Item=to_item(item),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not is_condition_failure(error):
                raise
            response: dict[str, Any] = dict(error.response)
            return from_item(response["Item"]) if "Item" in response else self.get({"pk": item["pk"]})
        return None

    def delete(self, key: Values, condition: str | None = None) -> bool:
        """Delete an item; none is there afterwards. Return False when `condition` did not hold, and it stays."""
        request: dict[str, Any] = {"TableName": self.name, "Key": to_item(key)}
        if condition:
            request["ConditionExpression"] = condition
            if names := {name: name[1:] for name in sorted(set(_names(condition)))}:
                request["ExpressionAttributeNames"] = names
        try:
            self.aws.dynamodb.delete_item(**request)
        except ClientError as error:
            if condition and is_condition_failure(error):
                return False
            raise
        return True

    def update(
        self,
        key: Values,
        expression: str,
        values: Values,
        *,
        condition: str | None = None,
        names: dict[str, str] | None = None,
    ) -> Item | None:
        """Run an update expression; return the new item, or None when `condition` did not hold.

        Attribute names are written `#name` in the expressions, `values` are given without the colon. `names` says what
        a `#name` stands for where that is not the name itself.
        """
        request = self.update_request(key, expression, values, condition=condition)
        request.get("ExpressionAttributeNames", {}).update({f"#{name}": real for name, real in (names or {}).items()})
        for attempt in itertools.count():
            try:
                return from_item(self.aws.dynamodb.update_item(**request, ReturnValues="ALL_NEW")["Attributes"])
            except ClientError as error:
                if condition and is_condition_failure(error):
                    return None
                is_crossed = error.response["Error"]["Code"] == "TransactionConflictException"  # boto3 gives up
                if not is_crossed or attempt == TRANSACTION_TRIES - 1:
                    raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
        raise AssertionError

    def update_request(
        self, key: Values, expression: str, values: Values, *, condition: str | None = None
    ) -> dict[str, Any]:
        """The request of `update`, as a transaction takes it too."""
        names = {word for text in (expression, condition or "") for word in _names(text)}
        request: dict[str, Any] = {"TableName": self.name, "Key": to_item(key), "UpdateExpression": expression}
        if names:
            request["ExpressionAttributeNames"] = {name: name[1:] for name in sorted(names)}
        if values:
            request["ExpressionAttributeValues"] = {f":{name}": entry for name, entry in to_item(values).items()}
        if condition:
            request["ConditionExpression"] = condition
        return request

    def transact(self, *updates: dict[str, Any]) -> bool:
        """Run all updates (of `update_request`) or none. Return False when a condition does not hold."""
        return self._transact([{"Update": update} for update in updates])

    def _transact(self, items: list[Any]) -> bool:
        client = self.aws.dynamodb
        for attempt in range(TRANSACTION_TRIES):
            try:
                client.transact_write_items(TransactItems=items)
                return True
            except client.exceptions.TransactionCanceledException as error:
                codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if "ConditionalCheckFailed" in codes:
                    return False
                if PASSING.isdisjoint(codes) or attempt == TRANSACTION_TRIES - 1:
                    raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
        return False

    def query(
        self, index: str | None, condition: str, values: Values, limit: int | None = None, **options: Any
    ) -> list[Item]:
        """All items (at most `limit`) that meet a key condition."""
        return list(self.each(index, condition, values, limit, **options))

    def each(
        self, index: str | None, condition: str, values: Values, limit: int | None = None, **options: Any
    ) -> Iterator[Item]:
        """The same, one after the other, so that only a page of them is in memory."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {f":{name}": entry for name, entry in to_item(values).items()},
            **options,
        }
        names = {word for text in (condition, options.get("FilterExpression", "")) for word in _names(text)}
        if names:
            request["ExpressionAttributeNames"] = {name: name[1:] for name in sorted(names)}
        if index:
            request["IndexName"] = index
        given = 0
        while limit is None or given < limit:
            if limit is not None:
                request["Limit"] = limit - given
            page = self.aws.dynamodb.query(**request)
            given += len(page["Items"])
            yield from (from_item(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def count(self, index: str, condition: str, values: Values) -> int:
        request: dict[str, Any] = {
            "TableName": self.name,
            "IndexName": index,
            "Select": "COUNT",
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {name: name[1:] for name in sorted(set(_names(condition)))},
            "ExpressionAttributeValues": {f":{name}": entry for name, entry in to_item(values).items()},
        }
        return sum(page["Count"] for page in self.aws.dynamodb.get_paginator("query").paginate(**request))

    def put_all(self, items: Iterable[Values]) -> int:
        """Write items, several batches of 25 at a time, however many there are; answers how many."""
        number, waiting = 0, deque[Future[None]]()
        stream = iter(items)
        with ThreadPoolExecutor(WRITERS) as pool:
            while batch := list(islice(stream, BATCH)):
                number += len(batch)
                waiting.append(pool.submit(self._put_batch, batch))
                if len(waiting) >= 2 * WRITERS:  # the stream is read no faster than it is written
                    waiting.popleft().result()
            for written in waiting:
                written.result()
        return number

    def _put_batch(self, batch: list[Values]) -> None:
        """What the service leaves unprocessed is sent again, ever later."""
        pending: Mapping[str, Sequence[WriteRequestTypeDef | WriteRequestOutputTypeDef]] = {
            self.name: [{"PutRequest": {"Item": to_item(item)}} for item in batch]
        }
        for attempt in range(BATCH_TRIES):
            pending = self.aws.dynamodb.batch_write_item(RequestItems=pending).get("UnprocessedItems") or {}
            if not pending:
                return
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
        raise RuntimeError(f"{len(pending[self.name])} items of {self.name} were not written in {BATCH_TRIES} tries")


class Transaction:
    """Writes to items of a table, and of others, that are done all or not at all."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._items: list[dict[str, Any]] = []

    def update(self, key: Values, expression: str, values: Values, *, condition: str | None = None) -> None:
        self.update_in(self.table, key, expression, values, condition=condition)

    def update_in(
        self, table: Table, key: Values, expression: str, values: Values, *, condition: str | None = None
    ) -> None:
        self._items.append({"Update": table.update_request(key, expression, values, condition=condition)})

    def delete(self, key: Values) -> None:
        self._items.append({"Delete": {"TableName": self.table.name, "Key": to_item(key)}})

    def delete_in(self, table: Table, key: Values, values: Values, *, condition: str) -> None:
        request = table.update_request(key, "", values, condition=condition)
        del request["UpdateExpression"]
        self._items.append({"Delete": request})

    def check(self, key: Values, condition: str, values: Values) -> None:
        """Write nothing, and look whether `condition` holds."""
        request = self.table.update_request(key, "", values, condition=condition)
        del request["UpdateExpression"]
        self._items.append({"ConditionCheck": request})

    def run(self) -> bool:
        """Return False when a condition did not hold, and nothing was written."""
        return self.table._transact(self._items)


def _names(expression: str) -> list[str]:
    """The `#name` placeholders in an expression."""
    return re.findall(r"#\w+", expression)
