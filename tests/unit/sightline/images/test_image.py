"""An image keeps what its item says, and an item that is wrong is named by its field."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sightline.fields import InvalidFieldError
from sightline.images.image import Image, ImageStatus, Window
from tests.images import BOX, approved, image

WHOLE = image(
    7,
    status=ImageStatus.QUARANTINED,
    version_id="v1",
    rounds=2,
    device="line-1",
    verdict="review",
    model_version="1.0.3",
    sampled="unsure",
    reason="dropped",
    quarantined_at=datetime(2026, 11, 21, tzinfo=UTC),
    claimed_by="window-1",
    annotations=(BOX,),
    label_ref="s3://a/b",
    attention=True,
    why="box too small",
    accepted_by="anna",
    group_id="g",
    split="train",
)


@pytest.mark.parametrize("given", [image(), WHOLE, approved(3), image(width=0, height=0, format="", phash="")])
def test_an_image_is_what_was_written(given: Image) -> None:
    assert Image.from_item(given.to_item()) == given


def test_what_is_not_known_is_not_stored() -> None:
    item = image(keys=frozenset(), width=0, height=0).to_item()
    assert {"keys", "width", "height", "annotations", "attention", "why", "version_id"} & item.keys() == set()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("status", "OLD", "status must be one of NEW, CLAIMED, APPROVED, REJECTED, QUARANTINED, REMOVED, got 'OLD'"),
        ("bytes", -1, "bytes must be a whole number of 0..inf, got -1"),
        ("key", None, "key must be a text, got None"),
        ("updated_at", "yesterday", "updated_at must be a time in ISO 8601, got 'yesterday'"),
        ("annotations", "none", "annotations must be a list of boxes, got 'none'"),
        ("annotations", [{**BOX, "width": 0}], "width must be a whole number of 1..inf, got 0 in annotations[0]"),
    ],
)
def test_a_wrong_item_names_the_field_its_value_and_what_it_should_be(name: str, value: Any, said: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        Image.from_item(image().to_item() | {name: value})
    assert str(raised.value).startswith(said)
    assert "in the ledger's item" in str(raised.value)


def test_a_round_is_asked_with_the_last_label_and_why_it_came_back() -> None:
    line = image(1, annotations=(BOX,), why="box too small").line()
    assert (line["annotations"], line["reason"], line["version_id"]) == ([BOX], "box too small", None)


def test_an_image_whose_bytes_come_back_is_what_it_was() -> None:
    assert image().status_on_return() == ImageStatus.NEW
    assert approved(1).status_on_return() == ImageStatus.APPROVED


def test_a_window_says_when_its_images_are_claimed() -> None:
    window = Window(1, datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    assert window.name == "window-1"
    assert window.request() == {"claim_at": "2026-11-20T09:30:00Z"}
