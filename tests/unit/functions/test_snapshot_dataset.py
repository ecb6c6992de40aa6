"""Snapshots: a version's files are written once, and only images without a split are frozen."""

import json
from typing import Any

import pytest

from sightline.images.image import ImageStatus
from tests.fake_cloud import Cloud
from tests.images import BOX, approved, become, enter, ledger


def approve(*numbers: int) -> None:
    """Approved images of different parts."""
    enter(*(approved(number, BOX) for number in numbers))


def files(cloud: Cloud, version: str) -> dict[str, bytes]:
    listed = cloud.s3.list_objects_v2(Bucket="artifacts", Prefix=f"datasets/{version}/")["Contents"]
    return {entry["Key"]: cloud.read(entry["Key"]) for entry in listed}


def test_a_version_that_comes_back_keeps_its_files_and_is_the_latest_again(step: Any, cloud: Cloud) -> None:
    approve(*range(6))
    first = step("snapshot_dataset")["version"]
    before = files(cloud, first)
    approve(6)
    second = step("snapshot_dataset")["version"]
    become(f"{6:064x}", ImageStatus.REMOVED)
    assert step("snapshot_dataset")["version"] == first != second
    assert files(cloud, first) == before
    assert json.loads(cloud.read("datasets/latest.json")) == {"version": first, "images": 6}


def test_a_snapshot_that_was_cut_off_is_completed_by_the_next(
    step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(*range(6))
    step("snapshot_dataset")  # loads the function
    become(f"{5:064x}", ImageStatus.REMOVED)
    app = step.apps["snapshot_dataset"]
    whole = app.artifacts.write_json

    def cut_off(key: str, value: Any) -> str:
        if key.endswith("validation.images.json"):
            raise ConnectionError(key)
        return str(whole(key, value))

    monkeypatch.setattr(app.artifacts, "write_json", cut_off)
    with pytest.raises(ConnectionError):
        step("snapshot_dataset")
    monkeypatch.setattr(app.artifacts, "write_json", whole)
    version = step("snapshot_dataset")["version"]
    names = sorted(key.rsplit("/", 1)[-1] for key in files(cloud, version))
    lists = [f"{split}.{kind}" for split in ("test", "train", "validation") for kind in ("images.json", "manifest")]
    assert names == sorted(["dataset.json", *lists])
    assert json.loads(cloud.read("datasets/latest.json")) == {"version": version, "images": 5}


def test_only_images_without_a_split_are_frozen(step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    approve(*range(6))
    step("snapshot_dataset")
    approve(6, 7)
    frozen: list[str] = []
    monkeypatch.setattr(step.apps["snapshot_dataset"].images, "freeze", lambda image: frozen.append(image.image_id))
    step("snapshot_dataset")
    assert sorted(frozen) == [f"{number:064x}" for number in (6, 7)]


def test_records_say_what_images_were_uploaded_as_and_when_their_labels_were_approved(step: Any, cloud: Cloud) -> None:
    approve(*range(6))
    version = step("snapshot_dataset")["version"]
    known = {image.image_id: image for image in ledger().with_status(ImageStatus.APPROVED)}
    for split in ("train", "validation", "test"):
        for record in cloud.read_lines(f"datasets/{version}/{split}.manifest"):
            image = known[record["image-id"]]
            assert record["image-name"] == image.key.removeprefix("incoming/")
            assert record["defects-metadata"]["creation-date"] == image.updated_at.isoformat()[:19]
