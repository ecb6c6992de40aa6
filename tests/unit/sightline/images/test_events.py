"""S3's events are read once, at the border."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sightline.images.events import InvalidS3EventError, ListedObject, ObjectEvent, created_event
from tests.project import ROOT


def event(**changes: Any) -> dict[str, Any]:
    record = json.loads((ROOT / "events" / "register_images.json").read_text())["Records"][0]
    loaded: dict[str, Any] = json.loads(record["body"])
    return loaded | changes


def test_the_sample_event_is_read() -> None:
    read = ObjectEvent.from_event(event())
    assert (read.deleted, read.erased, len(read.sequencer)) == (False, False, 64)
    assert read.key.startswith("incoming/")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"detail-type": "Object Restored"}, "detail-type must be one of Object Created, Object Deleted"),
        ({"detail": None}, "key must be a text, got nothing in object"),
        ({"time": 5}, "time must be a text, got 5"),
    ],
)
def test_what_is_no_event_of_an_object_is_refused_by_its_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidS3EventError) as raised:
        ObjectEvent.from_event(event(**changes))
    assert said in str(raised.value) or "must be a text, got nothing" in str(raised.value)


def test_sequencers_compare_as_numbers_of_any_length() -> None:
    def at(sequencer: str) -> ObjectEvent:
        detail = {"bucket": {"name": "b"}, "object": {"key": "k", "sequencer": sequencer}}
        return ObjectEvent.from_event(event(detail=detail))

    assert at("9").is_stale(at("0a").sequencer)
    assert not at("0A").is_stale(at("a").sequencer)
    assert not at("1").is_stale(None)


def test_the_sweep_s_event_is_older_than_any_real_one() -> None:
    made = created_event("b", ListedObject("incoming/a.jpg", 5, datetime(2026, 1, 1, tzinfo=UTC)))
    read = ObjectEvent.from_event(made)
    assert (read.key, read.bytes, read.version_id) == ("incoming/a.jpg", 5, None)
    assert read.is_stale(ObjectEvent.from_event(event()).sequencer)
