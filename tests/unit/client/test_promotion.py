"""`sightline models promote`: what goes to the other stack, and models that are refused before anything does."""

import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from client import models, pipeline, promotion
from client.target import Target
from sightline.errors import SightlineError
from sightline.models.registry import ModelStatus, RegisteredModel
from sightline.models.standing import Standing
from tests.given_aws import GivenAws
from tests.registered import registered

VERSION = "7c3b93b0b0abd98f"
DESCRIBED = {"classes": ["scratch"], "hyperparameters": {"escape_cost": 10, "alarm_cost": 1}, "threshold": 0.4}
RELEASE = {
    "model.onnx": b"onnx",
    "model.int8.onnx": b"int8",
    "model.json": json.dumps(DESCRIBED).encode(),
    "golden/0.jpeg": b"jpeg",
}
IMAGES = {"train": ["a.jpeg"], "validation": ["b.jpeg"], "test": ["c.jpeg", "d.png"]}


class Stack(Target):
    """A stack with a bucket in memory, the models that a test gives it, and the executions that were started."""

    def __init__(self, name: str) -> None:
        outputs = {"DeploymentsTableName": "none", "ThingGroupArn": "none", "TrainModelArn": f"arn:{name}"}
        super().__init__({"StackName": name, "ArtifactsBucketName": name, **outputs}, None)
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=name)
        self.aws = GivenAws(s3=self.s3, stepfunctions=self)
        self.classes = "scratch"
        self.models: list[RegisteredModel] = []
        self.started: list[dict[str, Any]] = []

    def newest(self) -> list[RegisteredModel]:
        return self.models

    def model(self, version: int) -> RegisteredModel | None:
        return next((model for model in self.models if model.version == version), None)

    def start_execution(self, **given: Any) -> dict[str, str]:
        self.started.append(json.loads(given["input"]))
        return {"executionArn": "arn:execution"}

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.outputs["StackName"], Key=key, Body=body)

    def read(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=self.outputs["StackName"], Key=key)["Body"].read())

    def listed(self) -> list[str]:
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=self.outputs["StackName"]).get("Contents", [])]


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(models, "registry", lambda target: target)
    monkeypatch.setattr(Standing, "states", lambda _: {})
    monkeypatch.setattr(pipeline, "parameters", lambda target: {"Classes": target.classes})
    with mock_aws():
        yield


@pytest.fixture
def dev() -> Stack:
    """A stack with one approved model, its release, its dataset version, and what was said of it."""
    made = Stack("dev")
    made.models = [registered(3, release_uri="s3://dev/models/train-3/release/")]
    for name, body in RELEASE.items():
        made.put(f"models/train-3/release/{name}", body)
    for split, files in IMAGES.items():
        listed = [{"prefix": "s3://dev/datasets/images/"}, *files]
        made.put(f"datasets/{VERSION}/{split}.images.json", json.dumps(listed).encode())
        made.put(f"datasets/{VERSION}/{split}.manifest", split.encode())
        for file in files:
            made.put(f"datasets/images/{file}", file.encode())
    made.put(f"datasets/{VERSION}/dataset.json", b'{"version": "7c3b93b0b0abd98f"}')
    made.put("training/train-3/evaluation/evaluation.json", b"{}")
    made.put("training/train-3/decision.json", b"{}")
    return made


def place(stack: Stack) -> str:
    (archive,) = (key for key in stack.listed() if key.endswith("/model.tar.gz"))
    return archive.removesuffix("model.tar.gz")


def test_a_model_goes_with_where_it_comes_from_and_what_was_said_of_it(dev: Stack) -> None:
    prod = Stack("prod")
    assert promotion.promote(dev, prod, 3, with_test_set=False) == "arn:execution"
    folder = place(prod)
    assert prod.started == [{"model_uri": f"s3://prod/{folder}model.tar.gz"}]
    assert prod.listed() == [
        f"{folder}model.tar.gz", f"{folder}origin/decision.json", f"{folder}origin/evaluation.json",
    ]  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(prod.read(f"{folder}model.tar.gz"))) as archive:
        files = {name: file.read() for name in archive.getnames() if (file := archive.extractfile(name))}
    assert {name: files[name] for name in ("model.onnx", "model.int8.onnx")} == {
        "model.onnx": b"onnx", "model.int8.onnx": b"int8",
    }  # fmt: skip
    described = json.loads(files["model.json"])
    origin = described.pop("promoted_from")
    assert described == DESCRIBED
    assert (origin["stack"], origin["version"], origin["package_arn"]) == ("dev", 3, dev.models[0].arn)
    assert (origin["training_job"], origin["dataset_version"], origin["map50"]) == ("train-3", VERSION, 0.8)


def test_its_test_set_goes_along_and_no_training_image_does(dev: Stack) -> None:
    prod = Stack("prod")
    promotion.promote(dev, prod, 3, with_test_set=True)
    folder = f"{place(prod)}{VERSION}/"
    assert prod.started[0]["test_set"] == VERSION
    copied = sorted(key.removeprefix(folder) for key in prod.listed() if key.startswith(folder))
    assert copied == [
        "dataset.json", "images/b.jpeg", "images/c.jpeg", "images/d.png", "test.images.json", "test.manifest",
        "validation.images.json", "validation.manifest",
    ]  # fmt: skip
    listed = json.loads(prod.read(f"{folder}test.images.json"))
    assert listed == [{"prefix": f"s3://prod/{folder}images/"}, "c.jpeg", "d.png"]
    assert prod.read(f"{folder}images/d.png") == b"d.png"


def test_what_is_promoted_twice_is_copied_once_and_judged_under_one_name(dev: Stack) -> None:
    prod = Stack("prod")
    for _ in range(2):
        promotion.promote(dev, prod, 3, with_test_set=True)
    assert prod.started[0] == prod.started[1]
    assert len([key for key in prod.listed() if key.endswith("dataset.json")]) == 1


def test_a_copy_that_was_broken_off_is_finished_the_next_time(dev: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    prod, carry = Stack("prod"), promotion.carry
    left = [3]

    def break_off(*given: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise ConnectionError("the network went away")
        carry(*given)

    with monkeypatch.context() as broken, pytest.raises(ConnectionError):
        broken.setattr(promotion, "carry", break_off)
        promotion.promote(dev, prod, 3, with_test_set=True)
    assert not any(key.endswith("dataset.json") for key in prod.listed())  # what has none is not whole
    assert prod.started == []
    promotion.promote(dev, prod, 3, with_test_set=True)
    whole = Stack("whole")
    promotion.promote(dev, whole, 3, with_test_set=True)
    assert prod.listed() == whole.listed()


def test_a_test_set_that_came_along_goes_on_to_the_third_stack(dev: Stack) -> None:
    staging, prod = Stack("staging"), Stack("prod")
    promotion.promote(dev, staging, 3, with_test_set=True)
    for name, body in RELEASE.items():
        staging.put(f"models/import-1/release/{name}", body)
    staging.models = [
        registered(1, release_uri="s3://staging/models/import-1/release/", promoted_from=dev.models[0].arn)
    ]
    assert promotion.promoted(staging, dev.models[0].arn) == staging.models[0]
    promotion.promote(staging, prod, 1, with_test_set=True)
    assert prod.read(f"{place(prod)}{VERSION}/images/c.jpeg") == b"c.jpeg"


def refused(dev: Stack, prod: Stack, version: int = 3, *, with_test_set: bool = False) -> str:
    with pytest.raises(SightlineError) as raised:
        promotion.promote(dev, prod, version, with_test_set=with_test_set)
    assert prod is dev or prod.listed() == []
    return str(raised.value)


def test_a_model_that_can_not_go_is_refused_with_what_to_do_and_nothing_is_written(dev: Stack) -> None:
    prod = Stack("prod")
    assert refused(dev, prod, 4) == "no model version 4; there are: 3"
    assert "is in dev already; name another stack" in refused(dev, dev)
    prod.classes = "dent,scratch"
    assert "classes are scratch; those of prod are dent,scratch: deploy it with Classes=scratch" in refused(dev, prod)
    prod.classes = "scratch"
    dev.models = [registered(3, status=ModelStatus.REJECTED, said="eve: misses dents")]
    assert "model 3 is rejected (eve: misses dents)" in refused(dev, prod)
    dev.models = [registered(3, release_uri=None)]
    assert "without its release" in refused(dev, prod)
    dev.models = [registered(3, release_uri="s3://dev/models/nothing/")]
    assert "lacks model.json, model.onnx" in refused(dev, prod)


def test_a_test_set_that_is_gone_is_said_before_anything_starts(dev: Stack) -> None:
    dev.s3.delete_object(Bucket="dev", Key=f"datasets/{VERSION}/dataset.json")
    assert "leave --with-test-set out" in refused(dev, Stack("prod"), with_test_set=True)
