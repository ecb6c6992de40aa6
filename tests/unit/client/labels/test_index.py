"""A name in a file of labels finds its image by content, key or name."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from client import pipeline
from client.labels.index import Index
from sightline.images.places import MAX_KEYS, ObjectVersion, Place
from tests import images
from tests.fake_cloud import Cloud, cloud
from tests.labelled_stack import coco, image, read

__all__ = ["cloud"]


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "incoming/line 1/a.jpg", "line 1/a.jpg", "s3://images/incoming/line 1/a.jpg", "elsewhere/a.jpg",
     "{id}.jpeg",
     "s3://artifacts/datasets/images/{id}.jpeg"],
)  # fmt: skip
def test_an_image_is_found_by_hash_key_and_name(target: Any, tmp_path: Path, name: str) -> None:
    target.ledger = [image("line 1/a.jpg"), image("b.jpg")]
    found, report = read(target, coco(tmp_path, name.format(id=target.ledger[0]["image_id"])))
    assert found == [
        {
            "image_id": target.ledger[0]["image_id"],
            "annotations": [{"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}],
        }
    ]
    elsewhere = ["elsewhere/a.jpg"] if name.startswith("elsewhere") else []
    assert [name for names in report.lost.values() for name in names] == elsewhere
    assert report.refused == {}


def test_a_name_is_that_of_the_image_that_has_it_now(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg", body=b"before"), image("a.jpg", body=b"now"), image("b.jpg", "REMOVED")]
    target.ledger[0]["status"] = "REMOVED"
    found, report = read(target, coco(tmp_path, "a.jpg", "b.jpg"))
    assert [line["image_id"] for line in found] == [target.ledger[1]["image_id"]]
    assert report.refused == {"it was removed": ["b.jpg"]}


def test_images_beside_the_labels_are_found_by_content_whatever_they_are_called(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg", body=b"pixels")]
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "renamed.jpg").write_bytes(b"pixels")
    found, _ = read(target, coco(tmp_path, "renamed.jpg"), photos)
    assert [line["image_id"] for line in found] == [target.ledger[0]["image_id"]]


def test_an_image_is_found_by_each_of_its_names_also_by_those_that_its_item_has_no_room_for(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = [f"{number}.jpg" for number in range(MAX_KEYS + 10)]
    for name in names:
        place = Place("images", f"incoming/{name}")
        taken = place.taken(ObjectVersion("", "etag"), images.image().image_id)
        images.ledger().places.write(None, taken, replace(images.image(), key=place.key))
    monkeypatch.setattr(pipeline, "ledger", lambda _: images.ledger())
    index = Index.of(SimpleNamespace())  # type: ignore[arg-type]
    assert {index.get([name]).image.image_id for name in names} == {images.image().image_id}
