"""Scoring many images at once: which ones, in which shards, and what came of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypedDict

from sightline import names
from sightline.errors import SightlineError
from sightline.fields import Fields
from sightline.vision.verdict import DefectFound, Judged, Outcome

ERRORS = "errors"  # what a summary calls images without a verdict


class InvalidPrefixError(SightlineError):
    """A prefix that no images to score lie under."""


class IncompleteScoresError(SightlineError):
    """Fewer or more lines than the run has images."""


class Shard(TypedDict):
    """Images that are scored together: `uri` is a file with a key a line."""

    number: int  # from 0
    uri: str


class ScoringPlan(TypedDict):
    """A run as it is planned. Without images or without a model `reason` says which is missing."""

    run: str
    prefix: str
    model_version: str  # of the one model that scores all images
    release_uri: str
    images: int
    shards: int
    shards_key: str  # of the file with the list of them
    concurrency: int  # shards that are scored at the same time
    reason: str


class PlannedRun(TypedDict):
    """What of its plan a run is summed up by."""

    run: str
    prefix: str
    model_version: str
    images: int
    shards: int


class ScoredImage(TypedDict):
    """A line of a shard: an image with its verdict, and the defects that this rests on."""

    image: str  # its key
    model_version: str
    verdict: Outcome
    detections: list[DefectFound]


class UnscoredImage(TypedDict):
    """A line of a shard: an image with the reason why it has no verdict."""

    image: str  # its key
    model_version: str
    error: str


ScoreLine = ScoredImage | UnscoredImage


# `pass` is no name in Python, so these are written as a call.
ScoreCounts = TypedDict("ScoreCounts", {"pass": int, "fail": int, "review": int, "errors": int})
"""How many images have which verdict; `errors` have none."""


class ScoringSummary(PlannedRun, ScoreCounts):
    """What came of a run: `predictions_uri` is the folder with a line for each image."""

    predictions_uri: str


class WrittenSummary(ScoringSummary):
    """The same, with where it is written."""

    summary_uri: str


def prefix_of(request: object) -> str:
    """Return the prefix that an execution was started for; all uploads without one. Raise InvalidPrefixError."""
    prefix = request.get("prefix", names.INCOMING) if isinstance(request, dict) else names.INCOMING
    if not isinstance(prefix, str) or not prefix.startswith(names.INCOMING):
        raise InvalidPrefixError(f"prefix must begin with {names.INCOMING!r}, got {prefix!r:.200}")
    return prefix


def shards(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """Return the keys in lists of `size`; keys that end in a slash are folders of the S3 console, not images."""
    images = (key for key in keys if not key.endswith("/"))
    return iter(lambda: list(islice(images, size)), [])


def score_line(image: str, model_version: str, scored: Judged | str) -> ScoreLine:
    """Return the line of an image, which has a verdict, or a text that says why it has none."""
    if isinstance(scored, str):
        return {"image": image, "model_version": model_version, "error": scored}
    return {"image": image, "model_version": model_version, **scored}


def count(lines: Iterable[object], *, images: int) -> ScoreCounts:
    """Return how many of the lines have which verdict. Raise IncompleteScoresError unless there are `images`."""
    counted = Counter(_outcome(line) for line in lines)
    if counted.total() != images:
        raise IncompleteScoresError(f"{counted.total()} lines for {images} images; start the run again")
    return {
        "pass": counted[Outcome.PASS],
        "fail": counted[Outcome.FAIL],
        "review": counted[Outcome.REVIEW],
        "errors": counted[ERRORS],
    }


def _outcome(line: object) -> str:
    fields = Fields(line, "in a scored line")
    return fields.choice("verdict", Outcome) if "verdict" in fields.values else ERRORS
