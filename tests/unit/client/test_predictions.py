"""Predictions of a scoring become one file with a line for each image."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from client import predictions
from client.predictions import FolderError
from tests.given_aws import GivenAws


@pytest.fixture
def target() -> Iterator[Any]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="artifacts")
        for name, body in (("part-00000.jsonl", '{"image": "a"}\n'), ("part-00001.jsonl", '{"image": "b"}'),
                           ("shards/p/0.jsonl", "no"), ("summary.json", '{"images": 2}')):  # fmt: skip
            s3.put_object(Bucket="artifacts", Key=f"predictions/run/{name}", Body=body.encode())
        yield SimpleNamespace(outputs={"ArtifactsBucketName": "artifacts"}, aws=GivenAws(s3=s3))


def test_the_parts_are_fetched_as_one_file_with_the_summary(target: Any, tmp_path: Path) -> None:
    file = predictions.fetch(target, "s3://artifacts/predictions/run/", tmp_path / "out")
    assert [json.loads(line)["image"] for line in file.read_text().splitlines()] == ["a", "b"]
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == {"images": 2}


def test_a_folder_that_holds_something_is_refused_before_anything_is_scored(tmp_path: Path) -> None:
    predictions.check_folder(tmp_path)
    predictions.check_folder(tmp_path / "new")
    (tmp_path / "old").write_text("")
    for place in (tmp_path, tmp_path / "old"):
        with pytest.raises(FolderError, match="is not empty; give a new folder"):
            predictions.check_folder(place)
