"""Checks of what is read: a value that is not what it should be is one short line."""

from typing import Any

import pytest

from client.formats.checks import BadLabelError, first, member, text


def test_a_value_that_stands_for_billions_is_shown_by_its_type() -> None:
    endless: list[Any] = []
    for _ in range(40):
        endless = [endless] * 10
    with pytest.raises(BadLabelError, match="is no plain text of 1 to 1024 characters: a list"):
        text(endless, "a name")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "'a' is missing"),
        ([], "a list or an object is empty or missing"),
        ("abc", "something else stands in its place"),
    ],
)
def test_a_member_that_is_not_there_is_named_where_the_rest_is_an_object(value: object, said: str) -> None:
    with pytest.raises(BadLabelError, match=said):
        member(value, "a")


@pytest.mark.parametrize("value", [[], {}, "abc", None])
def test_only_a_list_with_something_in_it_has_a_first_entry(value: object) -> None:
    assert first([1, 2]) == 1
    with pytest.raises(BadLabelError, match="a list or an object is empty or missing"):
        first(value)
