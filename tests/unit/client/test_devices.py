"""What `sightline device` tells of a fleet: also of devices that never connected, and what each said of its model."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from client import devices, pipeline
from client.pipeline import PipelineError
from client.target import Target
from sightline.models.standing import Standing
from sightline.models.states import ModelState
from sightline.rollout.published import ComponentFailedError, ComponentNotReadyError
from sightline.rollout.reports import ModelReport, Reports
from tests.fake_account import account
from tests.fake_greengrass import GROUP_ARN
from tests.named import STACK

__all__ = ["account"]
AT = "2026-11-20T10:00:00+00:00"


@pytest.fixture
def target(account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A fleet: canary-1 is healthy, line-1 refused its model, line-2 was never there."""
    account.fleet.canaries = ["canary-1"]
    account.fleet.cores = {"canary-1": "HEALTHY", "line-1": "HEALTHY"}
    account.fleet.installed = {"canary-1": "1.0.3", "line-1": "1.0.3"}
    account.fleet.effective = {
        "line-1": [{"deploymentId": "1", "coreDeviceExecutionStatus": "FAILED", "reason": "no space"}]
    }
    monkeypatch.setattr(pipeline, "parameters", lambda _: {"DeviceSilentSeconds": "1e9"})
    Standing(account.aws, "deployments", GROUP_ARN).change("1.0.3", ModelState.IN_SERVICE, {})
    said = Reports(account.aws, "deployments")
    for thing in ("canary-1", "line-1"):
        said.remember(thing, "1.0.3", ModelReport(thing == "canary-1", "golden", "2026-11-20"))
    outputs = {
        "StackName": STACK,
        "ThingGroupArn": GROUP_ARN,
        "CanaryThingGroupName": "canary",
        "DeploymentsTableName": "deployments",
        "ArtifactsBucketName": "artifacts",
        "ImagesBucketName": "images",
    }
    made = Target(outputs, boto3.Session(region_name="eu-west-1"))
    made.aws = account.aws
    return made


def test_every_device_is_listed_with_its_health_also_one_that_never_connected(target: Any) -> None:
    columns = ("thing", "group", "status", "model", "model_state", "healthy", "last_seen", "problem")
    assert [tuple(entry[name] for name in columns) for entry in devices.listed(target)] == [
        ("canary-1", "canary", "HEALTHY", "1.0.3", "in service", "yes", AT, ""),
        ("line-1", "fleet", "HEALTHY", "1.0.3", "in service", "NO", AT, "line-1 is not healthy: golden"),
        ("line-2", "fleet", "NEVER SEEN", "", "", "", "", ""),
    ]


def test_a_device_is_shown_with_its_deployments_and_what_it_said(target: Any) -> None:
    shown = devices.show(target, "line-1")
    assert [(entry["status"], entry["reason"]) for entry in shown["deployments"]] == [("FAILED", "no space")]
    assert shown["reports"] == [{"model": "1.0.3", "healthy": False, "reason": "golden", "at": "2026-11-20"}]


def test_an_unknown_device_is_named_with_those_that_there_are(target: Any) -> None:
    with pytest.raises(PipelineError, match="no device 'line-9'; there are: canary-1, line-1, line-2"):
        devices.show(target, "line-9")


def test_the_logs_of_a_simulated_device_are_its_nucleus_and_its_components(tmp_path: Path) -> None:
    logs = tmp_path / "devices" / "line-1" / "logs"
    logs.mkdir(parents=True)
    for path in (logs.parent / "nucleus.log", logs / "com.sightline.plant.Inspector.log"):
        path.write_text("hello\n")
    assert [path.name for path in devices.log_files(tmp_path, "line-1")] == [
        "nucleus.log",
        "com.sightline.plant.Inspector.log",
    ]
    with pytest.raises(PipelineError, match="no simulated device 'line-2' was ever started here"):
        devices.log_files(tmp_path, "line-2")


def test_where_logs_are_on_aws_is_one_line(target: Any) -> None:
    said = devices.logs_on_aws(target, "line-1")
    assert "/aws/greengrass/UserComponent/eu-west-1/com.sightline.plant.Inspector" in said
    assert "\n" not in said


def test_publishing_waits_until_greengrass_has_read_the_inspector(
    target: Any, account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.fleet.inspectors, account.fleet.state = [], "REQUESTED"

    def read(_seconds: float) -> None:
        account.fleet.state = "DEPLOYABLE"

    monkeypatch.setattr("time.sleep", read)
    assert devices.publish_inspector(target)[1] == "1.0.1"
    account.fleet.state = "FAILED"
    with pytest.raises(ComponentFailedError, match="as the test says"):
        devices.publish_inspector(target)


def test_an_inspector_that_stays_unread_is_an_error_after_a_minute(
    target: Any, account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.fleet.inspectors, account.fleet.state = [], "REQUESTED"
    monkeypatch.setattr(devices, "DEPLOYABLE_SECONDS", -1)
    with pytest.raises(ComponentNotReadyError, match="is REQUESTED"):
        devices.publish_inspector(target)
