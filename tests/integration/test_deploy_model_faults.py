"""The fault matrix: the real deploy_model.asl.json, the real functions, the emulator's Greengrass and its simulated nuclei; only
the inspectors and the time are simulated. Whatever goes wrong, the devices end on the right model, and the execution says why.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from moto import mock_aws

from local import greengrass as plane
from sightline.aws import deployments, greengrass, items, objects, registry
from sightline.components import inspector_recipe
from tests.clock_machine import ClockMachine, Execution
from tests.fake_account import DEPLOYMENTS_TABLE, LIMITS
from tests.fake_line import Line, Trouble

GROUPS = "arn:aws:iot:us-east-1:000000000000:thinggroup"
CANARY, FLEET = f"{GROUPS}/canary", f"{GROUPS}/fleet"
FUNCTIONS = (
    "plan_component_version", "create_component_version", "start_deployment", "promote_or_roll_back", "bake_model",
    "roll_back", "request_roll_back", "receive_health",
)  # fmt: skip
STAGE = ["StartDeployment", "PromoteOrRollBack", "HasStageEnded", "BakeModel", "PromoteOrRollBack", "HasStageEnded"]
PLANNED = ["IsRollBackRequested", "PlanComponentVersion", "CreateComponentVersion"]
TAKEN_BACK = ["RollBack", "WasRollBackRequested", "ReportFailure", "WasRolledBack", "DeploymentRolledBack"]
# What the reason must say of each fault.
SAID = {
    "download": "can't be downloaded: 403 Forbidden",
    "digest": "is not what the component was created with",
    "install": "Install ended with exit code 1",
    "start-up": "ended with exit code 1",
    "crash": "com.sightline.Inspector errored: ended with exit code 1",
    "golden": "golden/0.jpg: 0 detections, expected 1",
    "slow": "too slow: 95 % of images took up to 9000 ms, allowed are 2000",
    "silent": "sent no health report for",
    "disagree": "different verdicts on",
}


class Workflow(ClockMachine):
    """deploy_model over a line; approvals, and what was reported as failed."""

    def __init__(self, load_app: Any, line: Line, environment: dict[str, str]) -> None:
        self.line, self.reported = line, list[dict[str, Any]]()
        apps = {name: load_app(name, **environment) for name in FUNCTIONS}
        for app in apps.values():
            if hasattr(app, "time"):
                app.time = SimpleNamespace(time=line.clock)
        self.handlers = {name: app.handler for name, app in apps.items()}
        self.handlers["report_failure"] = lambda event, _: self.reported.append(event)
        context = SimpleNamespace(
            function_name="f", memory_limit_in_mb=1, aws_request_id="1",
            invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
        )  # fmt: skip
        super().__init__("deploy_model", self.handlers.__getitem__, context, line.clock)
        line.deliver = lambda message: self.handlers["receive_health"](message, context)

    def approve(self, version: int, minute: int = 0) -> Execution:
        """Approve a model package version at 9:`minute` (default: that of its number)."""
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/sightline-models/{version}"
        event = {"time": f"2026-11-20T09:{minute or version:02}:00Z", "detail": {"ModelPackageArn": arn}}
        return self.start(f"execution-{len(self.executions)}", event)

    def ask_back(self, reason: str) -> Execution:
        return self.start(f"execution-{len(self.executions)}", {"roll_back_request": {"reason": reason}})

    def until(self, condition: Callable[[], Any], hours: float = 30) -> None:
        """Let time pass."""
        end = self.line.now + hours * 3600
        while True:
            self.step()
            if condition():
                return
            assert self.line.now < end, [(e.name, e.status, e.path[-1]) for e in self.executions]
            self.line.tick()

    def end(self, execution: Execution) -> Execution:
        """Wait until it has ended, and the devices have done what it left them to do."""
        self.until(lambda: execution.status != "RUNNING" and self.line.settled())
        return execution

    def roll_out(self, version: int, minute: int = 0) -> Execution:
        return self.end(self.approve(version, minute))


@pytest.fixture
def make(tmp_path: Path, load_app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`make(canary=2, fleet=4, ABORT_PERCENTAGE="50")` gives a line with its workflow."""
    config = Config(signature_version=UNSIGNED)
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb", config=config)
        s3.create_bucket(Bucket="artifacts")
        dynamodb.create_table(**DEPLOYMENTS_TABLE)
        for version in (3, 4, 5):
            for name in ("model.onnx", "model.json"):
                s3.put_object(Bucket="artifacts", Key=f"models/train-{version}/release/{name}", Body=b'{"golden": []}')
        s3.put_object(Bucket="artifacts", Key=INSPECTOR, Body=EMPTY_ZIP)
        monkeypatch.setattr(registry, "describe", describe)
        monkeypatch.setattr(items, "client", dynamodb)
        monkeypatch.setattr(objects, "_s3", s3)

        def read(uri: str) -> bytes:
            bucket, key = uri.removeprefix("s3://").split("/", 1)
            return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

        def make(canary: int = 1, fleet: int = 3, limits: dict[str, float] | None = None, **changes: str) -> Workflow:
            groups = {FLEET: [f"line-{number}" for number in range(1, fleet + 1)]}
            groups[CANARY] = [f"canary-{number}" for number in range(1, canary + 1)]
            line = Line(tmp_path, read, groups)
            monkeypatch.setattr(plane, "neighbours", line)
            monkeypatch.setattr(greengrass, "_greengrass", line.serve(boto3.client("greengrassv2", config=config)))
            monkeypatch.setattr(greengrass, "_iot", line.serve(boto3.client("iot", config=config)))
            recipe = inspector_recipe("1.0.1", f"s3://artifacts/{INSPECTOR}")
            plane.create_component_version({"inlineRecipe": json.dumps(recipe).encode()})
            environment = {
                "DEPLOYMENTS_TABLE": "deployments",
                "ARTIFACTS_BUCKET": "artifacts",
                "THING_GROUP_ARN": FLEET,
                "CANARY_GROUP_ARN": CANARY,
                "HEALTH_TIMEOUT_SECONDS": "3600",
                "STAGE_TIMEOUT_SECONDS": "86400",
                "BAKE_SECONDS": "1800",
                "ROLLOUT_PER_MINUTE": "1000",
                "ROLLOUT_LIMITS": json.dumps(LIMITS | (limits or {})),
            }
            made = Workflow(load_app, line, environment | changes)
            monkeypatch.setattr(deployments, "_step_functions", made)
            monkeypatch.setattr(deployments, "time", SimpleNamespace(time=line.clock))
            return made

        yield make


INSPECTOR = "components/com.sightline.Inspector/1.0.1/inspector.zip"
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def describe(arn: str) -> dict[str, Any]:
    version = int(arn.rsplit("/", 1)[-1])
    uri = f"s3://artifacts/models/train-{version}/release/"
    return {
        "ModelPackageArn": arn,
        "ModelPackageVersion": version,
        "ModelApprovalStatus": "Approved",
        "CustomerMetadataProperties": {"training_job": f"train-{version}", "release_uri": uri},
    }


def everywhere(flow: Workflow, version: str) -> bool:
    return set(flow.line.models().values()) == {version}


def test_a_good_model_goes_through_the_canary_group_to_the_fleet(make: Any) -> None:
    flow = make()
    began = flow.line.now
    ended = flow.roll_out(3)
    assert (ended.status, ended.path) == ("SUCCEEDED", [*PLANNED, *STAGE, *STAGE, "DeploymentHealthy"])
    assert everywhere(flow, "1.0.3")
    assert flow.line.now - began >= 2 * 1800
    ended = flow.roll_out(4)
    assert ended.status == "SUCCEEDED"
    assert everywhere(flow, "1.0.4")
    assert "live images judged differently" in ended.output["decision"]["reason"]
    assert settings(flow) == {("1.0.4", "")}  # nobody compares any more
    assert flow.reported == []


def settings(flow: Workflow) -> set[tuple[str, str]]:
    """Model and shadow model of every device's inspector."""
    files = [flow.line.root / thing / "settings" / "com.sightline.Inspector.json" for thing in flow.line.nuclei]
    read = [json.loads(file.read_text()) for file in files]
    return {(entry["modelVersion"], entry["shadowVersion"]) for entry in read}


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("stage", ["canary", "fleet"])
@pytest.mark.parametrize("fault", list(SAID))
def test_whatever_goes_wrong_the_devices_end_on_the_right_model_and_the_execution_says_why(
    make: Any, fault: str, stage: str, first: bool
) -> None:
    flow = make()
    if not first:
        assert flow.roll_out(3).status == "SUCCEEDED"
    things = ("canary-1",) if stage == "canary" else ("line-1", "line-2")
    flow.line.trouble = Trouble(fault, ("1.0.4",), things)
    ended = flow.roll_out(4)
    if fault == "disagree" and first:  # the first model ever has no other one to disagree with
        assert (ended.status, everywhere(flow, "1.0.4")) == ("SUCCEEDED", True)
        return
    assert (ended.status, ended.error, ended.path[-5:]) == ("FAILED", "DeploymentRolledBack", TAKEN_BACK)
    assert ended.path.count("StartDeployment") == (1 if stage == "canary" else 2)
    cause = json.loads(ended.cause)
    assert cause["Error"] == "ModelRefusedError"
    assert SAID[fault] in cause["Cause"]
    assert things[0] in cause["Cause"] or fault == "disagree"
    assert everywhere(flow, "" if first else "1.0.3")
    if not first:
        assert settings(flow) == {("1.0.3", "")}
    assert [entry["error"]["Error"] for entry in flow.reported] == ["ModelRefusedError"]
