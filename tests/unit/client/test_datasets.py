"""Dataset versions on the command line: listed, named by their beginning, compared, exported as COCO."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from client import datasets
from client.annotate import read_coco
from sightline.names import LABEL_ATTRIBUTE
from tests.given_aws import GivenAws

BOX = {"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}


# What images were uploaded as; i1 comes from a time before that was noted.
UPLOADED = {"i2": "line 1/a.jpg", "i3": "line 2/a.jpg", "i4": "line 2/b.jpg"}


def record(image: str, *boxes: dict[str, int]) -> dict[str, Any]:
    size = [{"width": 60, "height": 40, "depth": 3}]
    source = f"s3://artifacts/datasets/images/{image}.jpeg"
    named = {"image-name": UPLOADED[image]} if image in UPLOADED else {}
    label = {"image_size": size, "annotations": list(boxes)}
    return {"source-ref": source, "image-id": image, LABEL_ATTRIBUTE: label, **named}


@pytest.fixture
def target() -> Iterator[Any]:
    """Two versions, `aaaa1` and `aaab2`; the second is the latest."""
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="artifacts")

        def put(key: str, body: Any) -> None:
            s3.put_object(
                Bucket="artifacts", Key=f"datasets/{key}", Body=body if isinstance(body, bytes) else json.dumps(body)
            )

        def version(name: str, parent: str | None, **splits: list[dict[str, Any]]) -> None:
            counts = {split: {"images": len(records)} for split, records in splits.items()}
            classes = {"1": "dent", "0": "scratch"}
            put(f"{name}/dataset.json", {"version": name, "parent": parent, "counts": counts, "class_map": classes})
            for split, records in splits.items():
                put(f"{name}/{split}.manifest", "".join(json.dumps(line) + "\n" for line in records).encode())

        version("aaaa1", None, train=[record("i1", BOX), record("i2")], validation=[], test=[record("i3", BOX)])
        later = [record("i1"), record("i4", BOX)]
        version("aaab2", "aaaa1", train=later, validation=[record("i3", BOX)], test=[])
        put("latest.json", {"version": "aaab2", "images": 3})
        for number in range(1, 5):
            put(f"images/i{number}.jpeg", f"image {number}".encode())
        yield SimpleNamespace(outputs={"ArtifactsBucketName": "artifacts"}, aws=GivenAws(s3=s3))


def test_versions_are_listed_with_their_parents(target: Any) -> None:
    found = {entry["version"]: entry for entry in datasets.versions(target)}
    assert found["aaab2"]["parent"] == "aaaa1"
    assert [found["aaaa1"][split] for split in ("train", "validation", "test")] == [2, 0, 1]


def test_a_version_is_found_by_its_beginning_and_by_latest(target: Any) -> None:
    assert datasets.resolve(target, "aaaa") == "aaaa1"
    assert datasets.show(target, "latest")["version"] == "aaab2"


@pytest.mark.parametrize(
    ("name", "said"), [("aaa", "is the beginning of several versions"), ("x", "is no dataset version")]
)
def test_what_is_no_version_is_said_with_those_that_are(target: Any, name: str, said: str) -> None:
    with pytest.raises(datasets.DatasetError, match=f"{said}; there are: .*aaaa1"):
        datasets.resolve(target, name)


def test_without_a_version_it_is_said_how_one_is_made(target: Any) -> None:
    target.aws.s3.delete_object(Bucket="artifacts", Key="datasets/latest.json")
    with pytest.raises(datasets.DatasetError, match="`sightline train` makes one"):
        datasets.show(target, "latest")


def test_a_diff_says_what_came_went_and_changed(target: Any) -> None:
    assert datasets.diff(target, "aaaa1", "latest") == {
        "added": [{"image": "i4", "name": "b.jpg"}],
        "removed": [{"image": "i2", "name": "line 1/a.jpg"}],
        "relabeled": [{"image": "i1", "name": "i1.jpeg"}],
        "moved": [{"image": "i3", "name": "line 2/a.jpg"}],
    }


def test_an_export_reads_back_as_coco(target: Any, tmp_path: Path) -> None:
    assert datasets.export(target, "aaaa1", tmp_path / "out") == 3
    assert read_coco(tmp_path / "out" / "train" / "labels.json") == {"i1.jpeg": [BOX], "line 1/a.jpg": []}
    assert (tmp_path / "out" / "test" / "line 2" / "a.jpg").read_bytes() == b"image 3"
    with pytest.raises(datasets.DatasetError, match="is not empty; give a new folder"):
        datasets.export(target, "aaaa1", tmp_path / "out")


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("../../etc/passwd", "_/_/etc/passwd"),
        ("/abs/x.jpg", "_/abs/x.jpg"),
        ("a\\b:c?.jpg", "a_b_c_.jpg"),
        (" . ", "_"),
        ("x" * 300 + ".jpg", "x" * 54 + "-3b5e4a1f.jpg"),
    ],
)
def test_an_object_of_any_name_becomes_a_file_below_the_folder(path: str, file: str) -> None:
    assert len(datasets.safe(path)) <= datasets.LONGEST_NAME
    assert datasets.safe(path)[:50] == file[:50]
