"""Reading values from outside: an error names the field, what it should be, and what it is."""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest

from sightline.fields import Fields, InvalidFieldError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def fields(**values: object) -> Fields:
    return Fields(values, "from line-1")


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (lambda found: found.text("x"), "a", "a"),
        (lambda found: found.text("x", ""), None, ""),
        (lambda found: found.flag("x"), False, False),
        (lambda found: found.number("x", 0, 1), 1, 1.0),
        (lambda found: found.number("x", 0, 1, default=0.5), None, 0.5),
        (lambda found: found.whole("x", 0), 7, 7),
        (lambda found: found.choice("x", Colour), "red", Colour.RED),
        (lambda found: found.texts("x"), {"b", "a"}, ("a", "b")),
        (lambda found: found.texts("x"), ["b", "a"], ("b", "a")),
        (lambda found: found.texts("y"), None, ()),
        (lambda found: found.mapping("x"), {"a": 1}, {"a": 1}),
        (lambda found: found.mapping("x"), None, {}),
        (lambda found: found.fields("x").text("a"), {"a": "b"}, "b"),
        (lambda found: found.moment("x").isoformat(), "2026-11-20T10:00:00Z", "2026-11-20T10:00:00+00:00"),
        (lambda found: found.moment("x").isoformat(), "2026-11-20T10:00:00", "2026-11-20T10:00:00+00:00"),
    ],
)
def test_a_field_is_read_as_what_it_should_be(read: Callable[[Fields], Any], value: Any, expected: Any) -> None:
    assert read(fields(x=value)) == expected


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (lambda found: found.text("x"), 1, "x must be a text, got 1 from line-1"),
        (lambda found: found.text("y"), 1, "y must be a text, got nothing from line-1"),
        (lambda found: found.flag("x"), 1, "x must be true or false, got 1 from line-1"),
        (lambda found: found.number("x", 0, 1), 1.5, "x must be a number of 0..1, got 1.5 from line-1"),
        (lambda found: found.number("x", 0, 1), True, "x must be a number of 0..1, got True from line-1"),
        (lambda found: found.number("x", 0), math.nan, "x must be a number of 0..inf, got nan from line-1"),
        (lambda found: found.number("x", 0), math.inf, "x must be a number of 0..inf, got inf from line-1"),
        (lambda found: found.whole("x", 0), 0.5, "x must be a whole number of 0..inf, got 0.5 from line-1"),
        (lambda found: found.choice("x", Colour), "green", "x must be one of red, blue, got 'green' from line-1"),
        (lambda found: found.texts("x"), "ab", "x must be a list of texts, got 'ab' from line-1"),
        (lambda found: found.texts("x"), [1], r"x must be a list of texts, got \[1\] from line-1"),
        (lambda found: found.mapping("x"), [], r"x must be an object, got \[\] from line-1"),
        (lambda found: found.fields("x").text("a"), {"a": 1}, "a must be a text, got 1 in x from line-1"),
        (lambda found: found.moment("x"), "today", "x must be a time in ISO 8601, got 'today' from line-1"),
    ],
)
def test_what_is_no_such_value_is_named(read: Callable[[Fields], Any], value: Any, said: str) -> None:
    with pytest.raises(InvalidFieldError, match=said):
        read(fields(x=value))


def test_only_an_object_has_fields() -> None:
    with pytest.raises(InvalidFieldError, match=r"the value must be an object, got \[\] from line-1"):
        Fields([], "from line-1")
