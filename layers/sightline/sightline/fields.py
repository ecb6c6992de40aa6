"""Values that come from outside, read with a type: an error names the field, what it should be, and what it is."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from sightline.errors import SightlineError

SHOWN = 80  # characters of a value that an error shows
Choice = TypeVar("Choice", bound=StrEnum)


class InvalidFieldError(SightlineError):
    """A field of a message, an item or an event that is missing, or is not what it should be."""


class Fields:
    """The fields of one value. `where` ends every error, as in `in the report of line-1`."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise InvalidFieldError(f"the value must be an object, got {value!r:.{SHOWN}} {where}")
        self.values: Mapping[str, object] = value
        self.where = where

    def refuse(self, name: str, expected: str) -> InvalidFieldError:
        """Return the error to raise for a field that is not what it should be."""
        found = f"{self.values[name]!r:.{SHOWN}}" if name in self.values else "nothing"
        return InvalidFieldError(f"{name} must be {expected}, got {found} {self.where}")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text. `default` stands for a field that is missing or null; None makes it required."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.refuse(name, "a text")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise self.refuse(name, "true or false")
        return value

    def number(self, name: str, low: float, high: float = math.inf, default: float | None = None) -> float:
        """Return a finite number of low..high."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
            or value == math.inf
        ):
            raise self.refuse(name, f"a number of {low:g}..{high:g}")
        return float(value)

    def whole(self, name: str, low: int, high: float = math.inf, default: int | None = None) -> int:
        """Return a whole number of low..high."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.refuse(name, f"a whole number of {low:g}..{high:g}")
        return value

    def moment(self, name: str) -> datetime:
        """Return a time, which is written in ISO 8601. One without a zone counts as UTC."""
        try:
            found = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise self.refuse(name, "a time in ISO 8601") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        """Return a member of an enumeration, which is written as its value."""
        value = self.values.get(name)
        if not isinstance(value, str) or value not in {member.value for member in kind}:
            raise self.refuse(name, f"one of {', '.join(kind)}")
        return kind(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list or set of texts; a set sorted, nothing for a field that is missing."""
        value = self.values.get(name, ())
        found = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        if not isinstance(found, list | tuple) or not all(isinstance(entry, str) for entry in found):
            raise self.refuse(name, "a list of texts")
        return tuple(found)

    def mapping(self, name: str) -> Mapping[str, object]:
        """Return an object; an empty one for a field that is missing or null."""
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.refuse(name, "an object")
        return value

    def fields(self, name: str) -> "Fields":
        """Return the fields of an object in a field; without any where it is missing or null."""
        return Fields(self.mapping(name), f"in {name} {self.where}")
