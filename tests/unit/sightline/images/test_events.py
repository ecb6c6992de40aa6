"""Events are read once, at the border."""

import json
from typing import Any

import pytest

from sightline.images.events import InvalidS3EventError, ObjectEvent, swept_event
from tests.project import ROOT


def event(**changes: Any) -> dict[str, Any]:
    record = json.loads((ROOT / "events" / "register_images.json").read_text())["Records"][0]
    loaded: dict[str, Any] = json.loads(record["body"])
    return loaded | changes


def test_the_sample_event_is_read() -> None:
    assert ObjectEvent.from_event(event()) == ObjectEvent("sightline-images", "incoming/line 1/tag-001.jpg")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"detail-type": "Object Restored"}, "detail-type must be one of Object Created, Object Deleted, Object Swept"),
        ({"detail": None}, "name must be a text, got nothing in bucket"),
        ({"detail": {"bucket": {"name": "images"}}}, "key must be a text, got nothing in object"),
    ],
)
def test_what_is_no_event_of_an_object_is_refused_by_its_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidS3EventError, match=said):
        ObjectEvent.from_event(event(**changes))


def test_the_event_of_the_sweep_is_read_like_one_of_s3() -> None:
    assert ObjectEvent.from_event(swept_event("images", "incoming/a.jpg")) == ObjectEvent("images", "incoming/a.jpg")
