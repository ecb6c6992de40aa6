"""The real deploy_model.asl.json and the real functions, in moto's interpreter: each way a roll-out can end."""

import json
import time
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from sightline.models import registry
from sightline.models.registry import RegisteredModel
from tests.fake_account import account
from tests.fake_greengrass import CANARY_ARN
from tests.moto_machine import Machine
from tests.registered import registered

__all__ = ["account"]

FUNCTIONS = (
    "plan_component_version",
    "create_component_version",
    "start_deployment",
    "promote_or_roll_back",
    "bake_model",
    "request_roll_back",
    "roll_back",
    "receive_health",
)
PLANNED = ["IsRollBackRequested", "PlanComponentVersion", "CreateComponentVersion"]
DEPLOYED = [*PLANNED, "StartDeployment"]
DECIDED = ["PromoteOrRollBack", "HasStageEnded"]
BAKED = [*DEPLOYED, *DECIDED, "BakeModel", *DECIDED]
BACK = ["RollBack", "WasRollBackRequested", "WasRolledBack"]
TAKEN_BACK = [*DEPLOYED, "PromoteOrRollBack", *BACK, "DeploymentRolledBack"]
V3 = {"com.sightline.plant.Inspector": "1.10.0", "com.sightline.plant.Model": "1.0.3"}
V4 = {"com.sightline.plant.Inspector": "1.10.0", "com.sightline.plant.Model": "1.0.4"}


class Workflow(Machine):
    """deploy_model with the functions' own handlers."""

    def __init__(self, account: SimpleNamespace, load_app: Any, health_timeout: int) -> None:
        environment = account.environment | {"HEALTH_TIMEOUT_SECONDS": str(health_timeout), "BAKE_SECONDS": "1"}
        self.handlers = {name: load_app(name, **environment).handler for name in FUNCTIONS}
        super().__init__("deploy_model", self.handlers.__getitem__, account.context)

    def report(self, thing: str, **changes: Any) -> None:
        event = {"thing": thing, "topic_thing": thing, "healthy": True, "model_version": "1.0.3", "reason": None}
        self.handlers["receive_health"](event | changes, self.context)

    def approve(self, approved_at: str = "2026-11-20T09:30:00Z", version: int = 3) -> str:
        """Start the roll-out of a package version; answers the execution's ARN."""
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/sightline-models/{version}"
        event = {"time": approved_at, "detail": {"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"}}
        return self.start(uuid.uuid4().hex, event)

    def wait_for(self, what: str, condition: Any) -> None:
        until = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < until, f"{what}: not within 30 s"
            time.sleep(0.02)


@pytest.fixture
def workflow(account: SimpleNamespace, load_app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Call it with the health timeout to get a Workflow; the packages of versions 3 and 4 are approved."""
    for version in (3, 4):
        for name in ("model.onnx", "model.json"):
            key = f"models/train-{version}/release/{name}"
            account.s3.put_object(Bucket="artifacts", Key=key, Body=b'{"golden": []}')

    def describe(_: Any, arn: str) -> RegisteredModel:
        return registered(int(arn.rsplit("/", 1)[-1]), arn=arn)

    monkeypatch.setattr(registry, "describe", describe)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        del account.aws.given["stepfunctions"]

        def make(health_timeout: int = 6) -> Workflow:
            made = Workflow(account, load_app, health_timeout)
            monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", made.invoke)
            return made

        yield make


def devices(workflow: Workflow, **reports: dict[str, Any]) -> Any:
    """Devices that report as soon as they hear of a deployment, before StartDeployment has even returned."""

    def hear(deployment: dict[str, Any]) -> None:
        version = deployment["components"].get("com.sightline.plant.Model", {}).get("componentVersion")
        if version:
            for thing, changes in reports.items():
                workflow.report(thing.replace("_", "-"), **({"model_version": version} | changes))

    return hear


def test_an_approved_model_ends_healthy_when_every_device_reports_so(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    ended = flow.end(flow.approve())
    assert (ended.status, ended.path) == ("SUCCEEDED", [*BAKED, "DeploymentHealthy"])
    assert ended.output["plan"]["component_version"] == "1.0.3"
    assert ended.output["decision"]["reason"].startswith("2 of 2 devices of the fleet stage are healthy with 1.0.3")
    assert account.fleet.rolled_out() == [V3]


def test_an_unhealthy_device_takes_the_model_back(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={"healthy": False, "reason": "golden/0.jpg differs"})
    ended = flow.end(flow.approve())
    assert (ended.status, ended.path, ended.error) == ("FAILED", TAKEN_BACK, "DeploymentRolledBack")
    assert account.fleet.rolled_out() == [V3, {}]
    error = json.loads(str(ended.cause))
    assert error["Error"] == "ModelRefusedError"
    assert "1 of 2 devices of the fleet stage failed: line-2: golden/0.jpg differs" in error["Cause"]


def test_a_device_that_never_reports_takes_the_model_back(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow(health_timeout=1)
    taken = {"deploymentId": "deployment-1", "coreDeviceExecutionStatus": "SUCCEEDED"}
    account.fleet.effective["line-2"] = [taken]
    account.fleet.on_deployment = devices(flow, line_1={})
    ended = flow.end(flow.approve())
    assert (ended.status, ended.path, ended.error) == ("FAILED", TAKEN_BACK, "DeploymentRolledBack")
    assert "line-2: took the deployment (succeeded) and sent no health report" in str(ended.cause)
    assert account.fleet.rolled_out() == [V3, {}]
    assert account.record()["status"] == "ROLLED_BACK"
    flow.report("line-2")  # too late
    assert account.record()["status"] == "ROLLED_BACK"


def test_a_roll_back_brings_the_model_before_it_back(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    assert flow.end(flow.approve()).status == "SUCCEEDED"
    account.fleet.on_deployment = devices(flow, line_1={"healthy": False, "reason": "no"})
    assert flow.end(flow.approve("2026-11-20T10:00:00Z", version=4)).path == TAKEN_BACK
    assert account.fleet.rolled_out() == [V3, V4, V3]


def test_the_canary_group_comes_first_and_a_person_takes_both_back(workflow: Any, account: SimpleNamespace) -> None:
    account.fleet.canaries = ["canary-1"]
    account.environment["CANARY_GROUP_ARN"] = CANARY_ARN
    flow = workflow()
    account.fleet.on_deployment = devices(flow, canary_1={}, line_1={}, line_2={})
    ended = flow.end(flow.approve())
    assert ended.path == [*BAKED, "StartDeployment", *DECIDED, "BakeModel", *DECIDED, "DeploymentHealthy"]
    ended = flow.end(flow.start("back", {"roll_back_request": {"reason": "no"}}))
    path = ["IsRollBackRequested", "RequestRollBack", "IsRollOutRunning", "RollBack", "WasRollBackRequested"]
    assert (ended.status, ended.path) == ("SUCCEEDED", [*path, "RollBackDone"])
    targets = [entry["targetArn"].rsplit("/", 1)[-1] for entry in account.fleet.deployments]
    assert targets == ["canary", "line", "line", "canary"]
    assert account.fleet.rolled_out() == [V3, V3, {}, {}]


def test_a_requested_roll_back_that_takes_nothing_back_is_reported(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    flow.end(flow.approve())
    flow.handlers["roll_back"] = lambda *_: {"rolled_back": False, "deployment_ids": None, "components": None}
    ended = flow.end(flow.start("late", {"roll_back_request": {"reason": "no"}}))
    path = ["IsRollBackRequested", "RequestRollBack", "IsRollOutRunning", "RollBack", "WasRollBackRequested"]
    assert ended.path == [*path, "NameRefusal", "WasRolledBack", "DeploymentFailed"]
    assert json.loads(str(ended.cause))["Error"] == "RollBackRefused"


def test_a_later_approval_waits_for_the_roll_out_before_it(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    first = flow.approve()
    flow.wait_for("the first deployment", lambda: account.fleet.deployments)
    second = flow.approve("2026-11-20T10:00:00Z", version=4)
    flow.wait_for("the second at its deployment", lambda: "StartDeployment" in flow.path(second))
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    assert account.fleet.rolled_out() == [V3]
    flow.report("line-1")
    flow.report("line-2")
    assert [flow.end(first).status, flow.end(second).status] == ["SUCCEEDED", "SUCCEEDED"]
    assert account.fleet.rolled_out() == [V3, V4, V4]  # the trial beside 1.0.3, and without it


def test_an_older_approval_that_comes_late_ends_superseded(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    flow.end(flow.approve("2026-11-20T10:00:00Z", version=4))
    ended = flow.end(flow.approve())
    assert (ended.status, ended.path) == ("SUCCEEDED", [*DEPLOYED, "DeploymentSuperseded"])
    assert account.fleet.rolled_out() == [V4]


def test_a_component_that_is_still_checked_is_waited_for(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    account.fleet.state = "REQUESTED"
    execution = flow.approve()
    flow.wait_for("the component version", lambda: account.fleet.recipes)
    account.fleet.state = "DEPLOYABLE"
    assert flow.end(execution).path == [*BAKED, "DeploymentHealthy"]


def test_a_group_without_devices_fails_with_what_to_do_and_changes_nothing(
    workflow: Any, account: SimpleNamespace
) -> None:
    account.fleet.things = []
    flow = workflow()
    ended = flow.end(flow.approve())
    assert ended.path == [*DEPLOYED, *BACK, "DeploymentFailed"]
    assert ended.error == "DeploymentFailed"
    assert "add a device to the group" in str(ended.cause)
    assert account.fleet.deployments == []


def test_a_release_that_is_not_there_fails_before_anything_is_created(workflow: Any, account: SimpleNamespace) -> None:
    account.s3.delete_object(Bucket="artifacts", Key="models/train-3/release/model.json")
    flow = workflow()
    ended = flow.end(flow.approve())
    assert (ended.status, ended.path) == ("FAILED", PLANNED[:2])
    assert "NoSuchKey" in str(ended.cause)
    assert (account.fleet.recipes, account.fleet.deployments) == ({}, [])
