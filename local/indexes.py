"""Queries of an index with a limit, for which the emulator would read and sort the whole partition each time.

DynamoDB keeps a partition of an index in order, so that its first items cost the same however many there are. So do the
tables here: the order of a partition is found once and kept by each write, and a query with a limit sees only what it asks for.
"""

import threading
from bisect import bisect_left, insort
from itertools import islice
from typing import Any

Key = tuple[Any, Any]  # of an item in its table


class Members(dict[str, dict[Any, dict[Key, None]]]):
    """The emulator's own account of which items an index has, with the order of those partitions that were asked for."""

    def __init__(self, members: dict[str, dict[Any, dict[Key, None]]]) -> None:
        super().__init__(members)
        # By index and partition: what an item is ordered by, and its key; the lowest first.
        self.order: dict[tuple[str, Any], list[tuple[Any, Key]]] = {}


def register() -> None:
    """Give both to the emulator of this process."""
    from ministack.services import dynamodb as service

    find, index, answer = service._index_members, service._index_item, service._query
    asked = threading.local()

    def order_of(table: dict[str, Any], name: str, item: dict[str, Any]) -> tuple[Any, ...]:
        _, ranges = service._index_key_lists(service._index_def(table, name))
        keys = service._index_order_keys(table, ranges)
        return tuple(service._index_order_value(item, attribute, kind) for attribute, kind in keys)

    def members_of(table: dict[str, Any]) -> Any:
        members = find(table)
        if not isinstance(members, Members):
            members = table[service._INDEX_MEMBERS] = Members(members)
        wanted = getattr(asked, "first", None)
        if wanted is None:
            return members
        name, partition, number, forward = wanted
        place = (name, partition)
        if place not in members.order:
            items = table["items"]
            found = members.get(name, {}).get(partition, {})
            members.order[place] = sorted((order_of(table, name, items[pk][sk]), (pk, sk)) for pk, sk in found)
        order = members.order[place]
        return {name: {partition: [key for _, key in islice(order if forward else reversed(order), number)]}}

    def index_item(table: dict[str, Any], pk: Any, sk: Any, item: dict[str, Any], add: bool) -> None:  # noqa: FBT001
        index(table, pk, sk, item, add)
        members = table.get(service._INDEX_MEMBERS)
        if not isinstance(members, Members):
            return
        for name, hashes, ranges in service._index_key_schemas(table):
            order = members.order.get((name, service._index_partition(item, hashes, ranges)))
            if order is None:
                continue
            entry = (order_of(table, name, item), (pk, sk))
            if add:
                insort(order, entry)
            elif (at := bisect_left(order, entry)) < len(order) and order[at] == entry:
                del order[at]

    def query(data: dict[str, Any]) -> Any:
        asked.first = first_of(data)
        try:
            return answer(data)
        finally:
            asked.first = None

    def first_of(data: dict[str, Any]) -> tuple[str, Any, int, bool] | None:
        """Index, partition, how many and in which order; None for a query that may need more than the first items."""
        condition = data.get("KeyConditionExpression", "").split()
        simple = len(condition) == 3 and condition[1] == "="
        if not simple or not data.get("Limit") or data.get("ExclusiveStartKey") or not data.get("IndexName"):
            return None
        value = data.get("ExpressionAttributeValues", {}).get(condition[2])
        if not value:
            return None
        # One more than asked for, so that the emulator sees as much of the rest as it needs to.
        number = int(data["Limit"]) + 1
        return data["IndexName"], service._extract_key_val(value), number, data.get("ScanIndexForward", True)

    service._index_members, service._index_item, service._query = members_of, index_item, query
