"""The real deploy_model.asl.json and the real functions, in moto's interpreter: each way a roll-out can end."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from sightline.aws import deployments, registry
from tests.fake_account import account

__all__ = ["account"]

ROOT = Path(__file__).parents[2]
FUNCTIONS = {
    "PlanComponentVersionFunction": "plan_component_version",
    "CreateComponentVersionFunction": "create_component_version",
    "StartDeploymentFunction": "start_deployment",
    "RollBackFunction": "roll_back",
    "ReportFailureFunction": "report_failure",
}
DEPLOYED = ["PlanComponentVersion", "CreateComponentVersion", "StartDeployment"]
TAKEN_BACK = [*DEPLOYED, "RollBack", "ReportFailure", "WasRolledBack", "DeploymentRolledBack"]
V3 = {"com.sightline.Inspector": "1.10.0", "com.sightline.Model": "1.0.3"}
V4 = {"com.sightline.Inspector": "1.10.0", "com.sightline.Model": "1.0.4"}


@dataclass
class Ended:
    """How an execution ended: the states it entered, in order, and what it said."""

    status: str
    path: list[str]
    error: str | None
    cause: str | None
    output: dict[str, Any] | None


class Workflow:
    """deploy_model with its functions in this process. Function errors become task errors, as Lambda reports them."""

    def __init__(self, account: SimpleNamespace, load_app: Any, health_timeout: int) -> None:
        self.account = account
        self.reported: list[dict[str, Any]] = []
        environment = account.environment | {"HEALTH_TIMEOUT_SECONDS": str(health_timeout)}
        ours = [name for name in (*FUNCTIONS.values(), "receive_health") if name != "report_failure"]
        self.handlers = {name: load_app(name, **environment).handler for name in ours}
        self.handlers["report_failure"] = lambda event, _: self.reported.append(event)
        self.client = boto3.client("stepfunctions")
        self.arn = self.client.create_state_machine(
            name="deploy-model",
            roleArn="arn:aws:iam::123456789012:role/workflow",
            definition=self._definition(),
        )["stateMachineArn"]

    @staticmethod
    def _definition() -> str:
        text = (ROOT / "statemachines" / "deploy_model.asl.json").read_text()
        for substitution, name in FUNCTIONS.items():
            text = text.replace("${" + substitution + "}", f"arn:aws:lambda:us-east-1:123456789012:function:{name}")
        definition = json.loads(text)
        for state in definition["States"].values():
            for retry in state.get("Retry", []):
                retry["IntervalSeconds"] = 1  # the same path, sooner
        return json.dumps(definition)

    def invoke(self, parameters: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """Stands in for the service's Invoke."""
        name = parameters["FunctionName"].rsplit(":", 1)[-1]
        try:
            payload = self.handlers[name](json.loads(parameters["Payload"]), self.account.context)
        except Exception as error:  # whatever a function raises is what the workflow sees
            payload = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": payload}
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(payload))}

    def report(self, thing: str, **changes: Any) -> None:
        event = {"thing": thing, "topic_thing": thing, "healthy": True, "model_version": "1.0.3", "reason": None}
        self.handlers["receive_health"](event | changes, self.account.context)

    def start(self, approved_at: str = "2026-11-20T09:30:00Z", version: int = 3) -> str:
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/sightline-models/{version}"
        event = {"time": approved_at, "detail": {"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"}}
        started = self.client.start_execution(stateMachineArn=self.arn, name=uuid.uuid4().hex, input=json.dumps(event))
        return started["executionArn"]

    def path(self, execution: str) -> list[str]:
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def end(self, execution: str) -> Ended:
        """Wait until the execution has ended."""
        until = time.monotonic() + 60
        while (described := self.client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < until, f"still running after 60 s: {self.path(execution)}"
            time.sleep(0.05)
        output = json.loads(described["output"]) if described.get("output") else None
        return Ended(described["status"], self.path(execution), described.get("error"), described.get("cause"), output)

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

    def describe(arn: str) -> dict[str, Any]:
        version = int(arn.rsplit("/", 1)[-1])
        uri = f"s3://artifacts/models/train-{version}/release/"
        return {
            "ModelPackageArn": arn,
            "ModelPackageVersion": version,
            "ModelApprovalStatus": "Approved",
            "CustomerMetadataProperties": {"training_job": f"train-{version}", "release_uri": uri},
        }

    monkeypatch.setattr(registry, "describe", describe)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        monkeypatch.setattr(deployments, "_step_functions", boto3.client("stepfunctions"))

        def make(health_timeout: int = 30) -> Workflow:
            made = Workflow(account, load_app, health_timeout)
            monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", made.invoke)
            return made

        yield make


def devices(workflow: Workflow, **reports: dict[str, Any]) -> Any:
    """Devices that report as soon as they hear of a deployment, before StartDeployment has even returned."""

    def hear(deployment: dict[str, Any]) -> None:
        version = deployment["components"].get("com.sightline.Model", {}).get("componentVersion")
        if version:
            for thing, changes in reports.items():
                workflow.report(thing.replace("_", "-"), **({"model_version": version} | changes))

    return hear


def test_an_approved_model_ends_healthy_when_every_device_reports_so(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    ended = flow.end(flow.start())
    assert (ended.status, ended.path) == ("SUCCEEDED", [*DEPLOYED, "DeploymentHealthy"])
    assert ended.output["plan"]["component_version"] == "1.0.3"
    assert (ended.output["deployment"]["model_version"], ended.output["deployment"]["things"]) == ("1.0.3", 2)
    assert account.fleet.rolled_out() == [V3]
    assert flow.reported == []


def test_an_unhealthy_device_takes_the_model_back(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={"healthy": False, "reason": "golden/0.jpg differs"})
    execution = flow.start()
    ended = flow.end(execution)
    assert (ended.status, ended.path, ended.error) == ("FAILED", TAKEN_BACK, "DeploymentRolledBack")
    assert account.fleet.rolled_out() == [V3, {}]
    assert account.record()["reason"] == "line-2: golden/0.jpg differs"
    # moto drops the cause of SendTaskFailure, so here the error has only its name.
    error = {"Error": "DeviceUnhealthyError", "Cause": None}
    assert json.loads(str(ended.cause)) == error
    assert flow.reported == [{"execution": execution, "state_machine": "deploy-model", "error": error}]


def test_a_device_that_never_reports_takes_the_model_back(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow(health_timeout=1)
    account.fleet.on_deployment = devices(flow, line_1={})
    ended = flow.end(flow.start())
    assert (ended.status, ended.path, ended.error) == ("FAILED", TAKEN_BACK, "DeploymentRolledBack")
    assert json.loads(str(ended.cause))["Error"] == "States.Timeout"
    assert account.fleet.rolled_out() == [V3, {}]
    assert account.record()["status"] == "ROLLED_BACK"
    flow.report("line-2")  # too late
    assert account.record()["status"] == "ROLLED_BACK"


def test_a_roll_back_brings_the_model_before_it_back(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    assert flow.end(flow.start()).status == "SUCCEEDED"
    account.fleet.on_deployment = devices(flow, line_1={"healthy": False, "reason": "no"})
    assert flow.end(flow.start("2026-11-20T10:00:00Z", version=4)).path == TAKEN_BACK
    assert account.fleet.rolled_out() == [V3, V4, V3]


def test_a_later_approval_waits_for_the_roll_out_before_it(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    first = flow.start()
    flow.wait_for("the first deployment", lambda: account.fleet.deployments)
    second = flow.start("2026-11-20T10:00:00Z", version=4)
    flow.wait_for("the second at its deployment", lambda: "StartDeployment" in flow.path(second))
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    assert account.fleet.rolled_out() == [V3]
    flow.report("line-1")
    flow.report("line-2")
    assert [flow.end(first).status, flow.end(second).status] == ["SUCCEEDED", "SUCCEEDED"]
    assert account.fleet.rolled_out() == [V3, V4]


def test_an_older_approval_that_comes_late_ends_superseded(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    flow.end(flow.start("2026-11-20T10:00:00Z", version=4))
    ended = flow.end(flow.start())
    assert (ended.status, ended.path) == ("SUCCEEDED", [*DEPLOYED, "DeploymentSuperseded"])
    assert (account.fleet.rolled_out(), flow.reported) == ([V4], [])


def test_a_component_that_is_still_checked_is_waited_for(workflow: Any, account: SimpleNamespace) -> None:
    flow = workflow()
    account.fleet.on_deployment = devices(flow, line_1={}, line_2={})
    account.fleet.state = "REQUESTED"
    execution = flow.start()
    flow.wait_for("the component version", lambda: account.fleet.recipes)
    account.fleet.state = "DEPLOYABLE"
    assert flow.end(execution).path == [*DEPLOYED, "DeploymentHealthy"]


def test_a_group_without_devices_fails_with_what_to_do_and_changes_nothing(
    workflow: Any, account: SimpleNamespace
) -> None:
    account.fleet.things = []
    flow = workflow()
    ended = flow.end(flow.start())
    assert ended.path == [*DEPLOYED, "RollBack", "ReportFailure", "WasRolledBack", "DeploymentFailed"]
    assert ended.error == "DeploymentFailed"
    assert "add a device to the group" in str(ended.cause)
    assert account.fleet.deployments == []


def test_a_release_that_is_not_there_fails_before_anything_is_created(workflow: Any, account: SimpleNamespace) -> None:
    account.s3.delete_object(Bucket="artifacts", Key="models/train-3/release/model.json")
    flow = workflow()
    ended = flow.end(flow.start())
    assert ended.path == ["PlanComponentVersion", "ReportFailure", "WasRolledBack", "DeploymentFailed"]
    assert (account.fleet.recipes, account.fleet.deployments, len(flow.reported)) == ({}, [], 1)
