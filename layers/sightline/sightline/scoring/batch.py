"""Scoring many images at once: which ones, in which shards, and what came of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sightline import names
from sightline.errors import SightlineError

VERDICTS = ("pass", "fail", "review")


class InvalidPrefixError(SightlineError):
    """A prefix that no images to score lie under."""


class IncompleteScoresError(SightlineError):
    """Fewer or more lines than the run has images."""


def prefix_of(request: Any) -> str:
    """The prefix that an execution was started for; all uploads without one. Raises InvalidPrefixError."""
    prefix = request.get("prefix", names.INCOMING) if isinstance(request, dict) else names.INCOMING
    if not isinstance(prefix, str) or not prefix.startswith(names.INCOMING):
        raise InvalidPrefixError(f"prefix must begin with {names.INCOMING!r}, got {prefix!r:.200}")
    return prefix


def shards(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """The keys in lists of `size`; keys that end in a slash are folders of the S3 console, not images."""
    images = (key for key in keys if not key.endswith("/"))
    return iter(lambda: list(islice(images, size)), [])


def count(lines: Iterable[dict[str, Any]], *, images: int) -> dict[str, int]:
    """How many of the lines are `pass`, `fail`, `review` and `errors`. Raises IncompleteScoresError unless there are
    `images`.
    """
    counted = Counter(str(line.get("verdict", "errors")) for line in lines)
    if counted.total() != images:
        raise IncompleteScoresError(f"{counted.total()} lines for {images} images; start the run again")
    return {name: counted[name] for name in (*VERDICTS, "errors")}
