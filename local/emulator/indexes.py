"""Queries of an index with a limit, for which the emulator would read and sort the whole partition each time.

DynamoDB keeps a partition of an index in order, so that its first items cost the same however many there are. So do the
tables here: the order of a partition is found once and kept by each write, and a query with a limit sees only what it
asks for.
"""

import threading
from bisect import bisect_left, insort
from itertools import islice
from typing import Any

from local.emulator.aws_shapes import Structure

Key = tuple[Any, Any]  # of an item in its table


class Members(dict[str, dict[Any, dict[Key, None]]]):
    """The emulator's own account of which items an index has, with the order of those partitions that were asked
    for.
    """

    def __init__(self, service: Any, table: Structure, members: dict[str, dict[Any, dict[Key, None]]]) -> None:
        super().__init__(members)
        self.service, self.table = service, table
        # By index and partition: what an item is ordered by, and its key; the lowest first.
        self.order: dict[tuple[str, Any], list[tuple[Any, Key]]] = {}

    def first(self, name: str, partition: Any, number: int, *, forward: bool) -> list[Key]:
        """Return the first items of a partition, or the last ones, backwards."""
        if (name, partition) not in self.order:
            items = self.table["items"]
            found = self.get(name, {}).get(partition, {})
            self.order[name, partition] = sorted((self._rank(name, items[pk][sk]), (pk, sk)) for pk, sk in found)
        order = self.order[name, partition]
        return [key for _, key in islice(order if forward else reversed(order), number)]

    def note(self, key: Key, item: Structure, *, add: bool) -> None:
        """Keep the order: an item comes, or goes as it was."""
        for name, hashes, ranges in self.service._index_key_schemas(self.table):
            order = self.order.get((name, self.service._index_partition(item, hashes, ranges)))
            if order is None:
                continue
            entry = (self._rank(name, item), key)
            if add:
                insort(order, entry)
            elif (at := bisect_left(order, entry)) < len(order) and order[at] == entry:
                del order[at]

    def _rank(self, name: str, item: Structure) -> tuple[Any, ...]:
        _, ranges = self.service._index_key_lists(self.service._index_def(self.table, name))
        keys = self.service._index_order_keys(self.table, ranges)
        return tuple(self.service._index_order_value(item, attribute, kind) for attribute, kind in keys)


def register() -> None:
    """Give both to the emulator of this process."""
    from ministack.services import dynamodb

    find, index, answer = dynamodb._index_members, dynamodb._index_item, dynamodb._query
    asked = threading.local()

    def members_of(table: Structure) -> Any:
        members = find(table)
        if not isinstance(members, Members):
            members = table[dynamodb._INDEX_MEMBERS] = Members(dynamodb, table, members)
        wanted = getattr(asked, "first", None)
        if wanted is None:
            return members
        name, partition, number, forward = wanted
        return {name: {partition: members.first(name, partition, number, forward=forward)}}

    def index_item(table: Structure, pk: Any, sk: Any, item: Structure, add: bool) -> None:
        index(table, pk, sk, item, add)
        members = table.get(dynamodb._INDEX_MEMBERS)
        if isinstance(members, Members):
            members.note((pk, sk), item, add=add)

    def query(data: Structure) -> Any:
        asked.first = _first_of(dynamodb, data)
        try:
            return answer(data)
        finally:
            asked.first = None

    dynamodb._index_members, dynamodb._index_item, dynamodb._query = members_of, index_item, query


def _first_of(service: Any, data: Structure) -> tuple[str, Any, int, bool] | None:
    """Index, partition, how many and whether forward; None for a query that may need more than the first items."""
    condition = data.get("KeyConditionExpression", "").split()
    simple = len(condition) == 3 and condition[1] == "="
    if not simple or not data.get("Limit") or data.get("ExclusiveStartKey") or not data.get("IndexName"):
        return None
    value = data.get("ExpressionAttributeValues", {}).get(condition[2])
    if not value:
        return None
    # One more than asked for, so that the emulator sees that there is a rest.
    number = int(data["Limit"]) + 1
    return data["IndexName"], service._extract_key_val(value), number, data.get("ScanIndexForward", True)
