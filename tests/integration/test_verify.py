"""`sightline verify`: it refuses a stack with data, and removes what it made, whether the loop closed or broke off."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from client import pipeline
from client.doctor.deployed import Deployed
from client.loop.loop import HYPERPARAMETERS
from client.loop.stages import until
from client.target import Place
from client.users import add
from client.verification.traces import TABLES, Traces
from client.verification.verification import Verification, VerificationError
from local import stack as local_stack
from local.application import NAME
from local.device.simulated import SimulatedDevice
from sightline.errors import SightlineError
from tests.fake_cloud import jpeg

THING = "line-1"
# A model of two epochs finds nothing; what a good one comes to is for the test of the demo.
LENIENT, SHORT = {"MinMap": "0", "MinRecall": "0"}, {"image_size": "96", "epochs": "2"}


class Plant:
    """A deployed stack, seen from outside."""

    def __init__(self, local: local_stack.Stack) -> None:
        self.local, self.client = local, local.client
        self.place = Place(NAME, boto3.Session(**local.credentials), local.endpoint)

    @property
    def deployed(self) -> Deployed:
        found = Deployed.find(self.place)
        assert found
        return found

    def contents(self) -> dict[str, list[str]]:
        """Return all that a run could leave: objects in all versions, rows, users, models, components, features."""
        outputs, s3 = self.deployed.outputs, self.client("s3")
        found: dict[str, list[str]] = {}
        for bucket in ("ImagesBucketName", "ArtifactsBucketName"):
            listed: Any = s3.list_object_versions(Bucket=outputs[bucket])
            keys = [one["Key"] for kind in ("Versions", "DeleteMarkers") for one in listed.get(kind, [])]
            found[bucket] = [key for key in keys if not key.startswith("features/")]  # written late, by SageMaker
        for table in TABLES:
            items = self.client("dynamodb").scan(TableName=outputs[table])["Items"]
            found[table] = [json.dumps(item, sort_keys=True) for item in items]
        users = self.client("cognito-idp").list_users(UserPoolId=outputs["UserPoolId"])["Users"]
        found["users"] = [user["Username"] for user in users]
        group = outputs["ModelPackageGroupName"]
        packages = self.client("sagemaker").list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
        found["models"] = [package["ModelPackageArn"] for package in packages]
        found["components"] = sorted(Traces(self.deployed.target, "none/").components)
        return {name: sorted(values) for name, values in found.items()}

    def running(self) -> list[str]:
        target = self.deployed.target
        return [one["name"] for machine in pipeline.MACHINES for one in pipeline.executions(target, machine)
                if one["status"] == "RUNNING"]  # fmt: skip


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    root = tmp_path_factory.mktemp("verify")
    try:
        yield Plant(local_stack.up(root=root, overrides=LENIENT, tied=True))
    finally:
        local_stack.down(root)


def test_a_run_that_breaks_off_leaves_nothing_behind(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> str:
        raise pipeline.PipelineError("no machine is free")

    add(plant.deployed.target, "anna")
    before = plant.contents()
    monkeypatch.setattr(pipeline, "start_training", fails)
    with pytest.raises(SightlineError, match=r"stage “train, evaluate, judge, register” failed: no machine is free"):
        Verification(plant.place, plant.deployed, tmp_path).run()
    assert plant.contents() == before
    assert plant.running() == []
    assert not (tmp_path / "report.html").exists()


def test_images_of_others_and_what_may_be_made_of_them_stay(plant: Plant, tmp_path: Path) -> None:
    target = plant.deployed.target
    traces = Traces(target, "verify-1/")
    for name in ("own.jpg", "foreign.jpg"):
        (tmp_path / name).write_bytes(jpeg(len(name)))
    pipeline.upload(target, [tmp_path / "own.jpg"], folder="verify-1/")
    pipeline.upload(target, [tmp_path / "foreign.jpg"])
    until(lambda: sum(pipeline.ledger(target).counts().values()) == 2, 60, lambda: "not registered")
    list(traces.remove())
    assert "1 images of others came meanwhile" in traces.failed[0]
    left = plant.contents()
    assert left["ImagesBucketName"] == ["incoming/foreign.jpg"]
    assert [row for row in left["ImagesTableName"] if "verify-1" in row] == []
    assert [row for row in left["ImagesTableName"] if "incoming/foreign.jpg" in row] != []

    with pytest.raises(VerificationError, match=r"sightline-local has 1 images: a run would train with them"):
        Verification(plant.place, plant.deployed, tmp_path).run()
    list(Traces.remove(emptied(traces)))
    assert plant.contents()["ImagesTableName"] == []


def emptied(traces: Traces) -> Traces:
    """Let everything count as the run's own."""
    traces.incoming = "incoming/"
    return traces


def test_a_device_that_is_not_named_or_not_there_is_told(plant: Plant, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match=r"line-2 is no device of sightline-local"):
        Verification(plant.place, plant.deployed, tmp_path, "line-2").run()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training end after two epochs."""
    for name in tuple(HYPERPARAMETERS):
        monkeypatch.delitem(HYPERPARAMETERS, name)
    for name, value in SHORT.items():
        monkeypatch.setitem(HYPERPARAMETERS, name, value)


def reported(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    assert report["inspector"] == "the function predict"
    assert report["labels_approved"] >= 110
    assert len(report["device"]) == 24
    assert "What the model said" in (folder / "report.html").read_text()
    return report


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("short")
def test_the_loop_closes_without_a_device_and_leaves_nothing_behind(plant: Plant, tmp_path: Path) -> None:
    before = plant.contents()
    Verification(plant.place, plant.deployed, tmp_path).run()
    assert plant.contents() == before
    assert reported(tmp_path)["deployment_status"] == "no devices"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("short")
def test_the_loop_closes_with_a_device_and_leaves_nothing_behind(plant: Plant, tmp_path: Path) -> None:
    device = SimulatedDevice(plant.local.home, THING)
    device.start(plant.local)
    try:
        with pytest.raises(VerificationError, match=r"sightline-local has the device line-1"):
            Verification(plant.place, plant.deployed, tmp_path).run()
        before = plant.contents()
        Verification(plant.place, plant.deployed, tmp_path, THING).run()
    finally:
        device.stop()
    assert plant.contents() == before
    assert reported(tmp_path)["deployment_status"] == "DeploymentHealthy"
