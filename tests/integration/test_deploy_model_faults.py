"""The fault matrix: the real deploy_model.asl.json, the real functions, the emulator's Greengrass and its simulated
nuclei; only the inspectors and the time are simulated. Whatever goes wrong, the devices end on the right model, and the
execution says why.
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

from edge.inspector.settings import defaults
from local.emulator.greengrass import components, state
from sightline.models import registry
from sightline.models.registry import RegisteredModel
from sightline.models.standing import Standing
from sightline.models.states import Cause, ModelState, after
from sightline.rollout import deployments
from sightline.rollout.deployments import Deployments
from sightline.rollout.fleet import Fleet
from sightline.rollout.recipes import inspector_recipe
from sightline.rollout.stages import Groups
from tests.clock_machine import ClockMachine, Execution
from tests.fake_account import DEPLOYMENTS_TABLE, LIMITS, MODELS
from tests.fake_line import Line, Trouble
from tests.given_aws import GivenAws
from tests.named import OWN
from tests.registered import registered

GROUPS = "arn:aws:iot:us-east-1:000000000000:thinggroup"
CANARY, FLEET = f"{GROUPS}/canary", f"{GROUPS}/fleet"
FUNCTIONS = (
    "plan_component_version", "create_component_version", "start_deployment", "promote_or_roll_back", "bake_model",
    "roll_back", "request_roll_back", "receive_health", "give_back",
)  # fmt: skip
NOTES_TABLE: Any = {
    "TableName": "tasks",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
STAGE = ["StartDeployment", "PromoteOrRollBack", "HasStageEnded", "BakeModel", "PromoteOrRollBack", "HasStageEnded"]
PLANNED = ["IsRollBackRequested", "PlanComponentVersion", "CreateComponentVersion"]
TAKEN_BACK = ["RollBack", "WasRollBackRequested", "WasRolledBack", "DeploymentRolledBack"]
# What the reason must say of each fault.
SAID = {
    "download": "can't be downloaded: 403 Forbidden",
    "digest": "is not what the component was created with",
    "install": "Install ended with exit code 1",
    "start-up": "ended with exit code 1",
    "crash": "com.sightline.plant.Inspector errored: ended with exit code 1",
    "golden": "golden/0.jpg: 0 detections, expected 1",
    "slow": "too slow: 95 % of images took up to 9000 ms, allowed are 2000",
    "silent": "sent no health report for",
    "disagree": "different verdicts on",
}


class Workflow(ClockMachine):
    """deploy_model over a line, with what is given back when it ends badly."""

    def __init__(self, load_app: Any, line: Line, environment: dict[str, str]) -> None:
        self.line = line
        apps = {name: load_app(name, **environment) for name in FUNCTIONS}
        for app in apps.values():
            if hasattr(app, "time"):
                app.time = SimpleNamespace(time=line.clock)
        self.handlers = {name: app.handler for name, app in apps.items()}
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

    def stop(self, execution: Execution) -> Any:
        """Stop an execution as a person may; EventBridge tells of it. Return what was given back."""
        self.kill(execution)
        machine = "arn:aws:states:us-east-1:123456789012:stateMachine:sightline-deploy-model"
        detail = {"executionArn": execution.name, "stateMachineArn": machine, "name": execution.name}
        return self.handlers["give_back"]({"detail": {**detail, "status": execution.status}}, self.context)

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:  # noqa: N803
        return {"status": next(one.status for one in self.executions if one.name == executionArn)}

    def roll_out(self, version: int, minute: int = 0) -> Execution:
        return self.end(self.approve(version, minute))


@pytest.fixture
def make(tmp_path: Path, aws: GivenAws, load_app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`make(canary=2, fleet=4, ABORT_PERCENTAGE="50")` gives a line with its workflow."""
    config = Config(signature_version=UNSIGNED)
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb", config=config)
        s3.create_bucket(Bucket="artifacts")
        dynamodb.create_table(**DEPLOYMENTS_TABLE)
        dynamodb.create_table(**NOTES_TABLE)
        topic = boto3.client("sns").create_topic(Name="notifications")["TopicArn"]
        for version in (3, 4, 5):
            for name in ("model.onnx", "model.json"):
                s3.put_object(Bucket="artifacts", Key=f"models/train-{version}/release/{name}", Body=b'{"golden": []}')
        s3.put_object(Bucket="artifacts", Key=INSPECTOR, Body=EMPTY_ZIP)
        sagemaker = boto3.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName=MODELS)
        monkeypatch.setattr(registry, "describe", describe)
        aws.given["dynamodb"] = dynamodb

        def read(uri: str) -> bytes:
            bucket, key = uri.removeprefix("s3://").split("/", 1)
            return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

        def make(canary: int = 1, fleet: int = 3, limits: dict[str, float] | None = None, **changes: str) -> Workflow:
            groups = {FLEET: [f"line-{number}" for number in range(1, fleet + 1)]}
            groups[CANARY] = [f"canary-{number}" for number in range(1, canary + 1)]
            line = Line(tmp_path, read, groups)
            monkeypatch.setattr(state, "neighbours", line)
            aws.given["greengrassv2"] = line.serve(boto3.client("greengrassv2", config=config))
            aws.given["iot"] = line.serve(boto3.client("iot", config=config))
            recipe = inspector_recipe(OWN, "1.0.1", f"s3://artifacts/{INSPECTOR}", defaults())
            components.create_component_version({"inlineRecipe": json.dumps(recipe).encode()})
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
                "MODEL_PACKAGE_GROUP": MODELS,
                "TASKS_TABLE": NOTES_TABLE["TableName"],
                "IMAGES_TABLE": "none",
                "LABEL_IMAGES_ARN": "none",
                "MAX_ROUNDS": "2",
                "NOTIFICATION_TOPIC": topic,
            }
            made = Workflow(load_app, line, environment | changes)
            aws.given["stepfunctions"] = made
            monkeypatch.setattr(deployments, "time", SimpleNamespace(time=line.clock))
            return made

        yield make


INSPECTOR = "components/com.sightline.plant.Inspector/1.0.1/inspector.zip"
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def describe(_: Any, arn: str) -> RegisteredModel:
    return registered(int(arn.rsplit("/", 1)[-1]), arn=arn)


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


def settings(flow: Workflow) -> set[tuple[str, str]]:
    """Model and shadow model of every device's inspector."""
    files = [flow.line.root / thing / "settings" / "com.sightline.plant.Inspector.json" for thing in flow.line.nuclei]
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
    assert (ended.status, ended.error, ended.path[-4:]) == ("FAILED", "DeploymentRolledBack", TAKEN_BACK)
    assert ended.path.count("StartDeployment") == (1 if stage == "canary" else 2)
    cause = json.loads(ended.cause)
    assert cause["Error"] == "ModelRefusedError"
    # A later model is swapped in a running inspector: one that dies of it is no failed start, but never proves the
    # model.
    assert SAID["silent" if fault == "start-up" and not first else fault] in cause["Cause"]
    assert things[0] in cause["Cause"] or fault == "disagree"
    assert everywhere(flow, "" if first else "1.0.3")
    if not first:
        assert settings(flow) == {("1.0.3", "")}


def test_of_two_approvals_at_once_the_later_one_wins(make: Any) -> None:
    flow = make()
    first, second = flow.approve(3), flow.approve(4)
    flow.until(lambda: "RUNNING" not in {first.status, second.status} and flow.line.settled())
    assert (first.status, second.status) == ("SUCCEEDED", "SUCCEEDED")
    assert everywhere(flow, "1.0.4")


def test_an_older_approval_that_comes_second_changes_nothing(make: Any) -> None:
    flow = make()
    second, first = flow.approve(4), flow.approve(3)
    flow.until(lambda: "RUNNING" not in {first.status, second.status} and flow.line.settled())
    assert (first.path[-1], second.path[-1]) == ("DeploymentSuperseded", "DeploymentHealthy")
    assert everywhere(flow, "1.0.4")


def test_a_newer_approval_waits_for_the_roll_out_before_it_also_for_one_that_fails(make: Any) -> None:
    flow = make()
    flow.line.trouble = Trouble("crash", ("1.0.3",), ("line-1",))
    first = flow.approve(3)
    flow.until(lambda: first.path[-1] == "BakeModel")
    second = flow.approve(4)
    flow.until(lambda: "RUNNING" not in {first.status, second.status} and flow.line.settled())
    assert (first.error, second.path[-1]) == ("DeploymentRolledBack", "DeploymentHealthy")
    assert everywhere(flow, "1.0.4")


def test_a_device_that_is_offline_for_a_week_stops_nobody_and_catches_up(make: Any) -> None:
    flow = make(canary=0)
    assert flow.roll_out(3).status == "SUCCEEDED"
    flow.line.offline = {"line-3"}
    ended = flow.roll_out(4)
    assert ended.status == "SUCCEEDED"
    assert "1 have not taken it yet: line-3" in ended.output["decision"]["reason"]
    assert flow.line.models() == {"line-1": "1.0.4", "line-2": "1.0.4", "line-3": "1.0.3"}
    flow.line.now += 7 * 86400
    flow.line.offline = set()
    flow.line.tick()
    assert everywhere(flow, "1.0.4")
    assert settings(flow) == {("1.0.4", "")}


def test_a_device_that_was_offline_during_a_roll_out_and_its_roll_back_never_sees_the_bad_model(make: Any) -> None:
    flow = make(canary=0)
    assert flow.roll_out(3).status == "SUCCEEDED"
    flow.line.offline, flow.line.trouble = {"line-3"}, Trouble("golden", ("1.0.4",), ("line-1", "line-2"))
    assert flow.roll_out(4).error == "DeploymentRolledBack"
    flow.line.offline = set()
    flow.line.tick()
    assert everywhere(flow, "1.0.3")
    assert not any((flow.line.root / "line-3/packages/artifacts/com.sightline.plant.Model/1.0.4").glob("*"))


def test_when_nobody_is_there_to_prove_a_model_it_is_taken_back(make: Any) -> None:
    flow = make(canary=0)
    flow.line.offline = {"line-1", "line-2", "line-3"}
    ended = flow.roll_out(3)
    assert (ended.error, everywhere(flow, "")) == ("DeploymentRolledBack", True)
    assert "too few devices of the fleet stage proved the model" in ended.cause


def test_half_a_fleet_that_fails_stops_the_hand_out_and_is_taken_back(make: Any) -> None:
    flow = make(canary=0, fleet=24, ROLLOUT_PER_MINUTE="6")
    flow.line.trouble = Trouble("install", ("1.0.3",), tuple(f"line-{number}" for number in range(1, 25, 2)))
    ended = flow.roll_out(3)
    assert ended.error == "DeploymentRolledBack"
    assert "devices of the fleet stage failed: line-" in ended.cause
    bad = flow.line.phases[0][1]
    tried = {thing for thing, deployment, phase, _ in flow.line.phases if (deployment, phase) == (bad, "installing")}
    assert 10 <= len(tried) <= 18  # the others never got it
    assert everywhere(flow, "")


def test_a_few_failures_in_a_fleet_are_lived_with_and_named(make: Any) -> None:
    flow = make(canary=0, fleet=12)
    flow.line.trouble = Trouble("golden", ("1.0.3",), ("line-7",))
    ended = flow.roll_out(3)
    assert ended.status == "SUCCEEDED"
    assert "11 of 12 devices" in ended.output["decision"]["reason"]
    assert "failed: line-7" in ended.output["decision"]["reason"]


def test_a_fleet_gets_a_deployment_no_faster_than_the_rate_says(make: Any) -> None:
    flow = make(canary=0, fleet=12, ROLLOUT_PER_MINUTE="3")
    assert flow.roll_out(3).status == "SUCCEEDED"
    began: dict[float, int] = {}
    for _, _, phase, at in flow.line.phases:
        if phase == "downloading":
            began[at] = began.get(at, 0) + 1
    assert list(began.values()) == [3, 3, 3, 3]


def test_without_canary_devices_a_model_goes_straight_to_the_fleet(make: Any) -> None:
    ended = make(canary=0).roll_out(3)
    assert ended.path == [*PLANNED, *STAGE, "DeploymentHealthy"]


def test_a_device_in_both_groups_is_refused_before_anything_changes(make: Any) -> None:
    flow = make()
    flow.line.groups[FLEET].append("canary-1")
    ended = flow.end(flow.approve(3))
    assert (ended.error, everywhere(flow, "")) == ("DeploymentFailed", True)
    assert "canary-1 is in the canary group and in the fleet group" in ended.cause


def test_a_person_rolls_back_what_was_good_yesterday(make: Any) -> None:
    flow = make()
    flow.roll_out(3)
    flow.roll_out(4)
    ended = flow.end(flow.ask_back("misses scratches"))
    assert (ended.status, ended.path) == (
        "SUCCEEDED",
        [
            "IsRollBackRequested",
            "RequestRollBack",
            "IsRollOutRunning",
            "RollBack",
            "WasRollBackRequested",
            "RollBackDone",
        ],
    )
    assert everywhere(flow, "1.0.3")
    again = flow.end(flow.ask_back("misses more"))
    assert (again.error, "was rolled back already" in again.cause) == ("NothingToRollBackError", True)
    assert flow.roll_out(5).status == "SUCCEEDED"
    assert everywhere(flow, "1.0.5")


def test_a_person_stops_a_roll_out_that_runs(make: Any) -> None:
    flow = make()
    flow.roll_out(3)
    running = flow.approve(4)
    flow.until(lambda: running.path[-1] == "BakeModel")
    asked = flow.ask_back("line 3 stands still")
    flow.until(lambda: running.status != "RUNNING" and asked.status != "RUNNING" and flow.line.settled())
    assert (asked.path[-1], running.error) == ("RollOutStopped", "DeploymentRolledBack")
    assert "line 3 stands still" in running.cause
    assert everywhere(flow, "1.0.3")


@pytest.mark.parametrize("told", [True, False])
def test_a_roll_out_whose_execution_was_stopped_lets_the_devices_go(make: Any, told: bool) -> None:
    """At once, as soon as its end is told; else after a while."""
    flow = make()
    flow.roll_out(3)
    stopped = flow.approve(4)
    flow.until(lambda: stopped.path[-1] == "BakeModel")
    if told:
        assert flow.stop(stopped)["rollouts"] == 1
        assert flow.stop(stopped)["rollouts"] == 0
    else:
        flow.kill(stopped)
    began = flow.line.now
    flow.line.trouble = Trouble("golden", ("1.0.5",), ("canary-1",))
    assert flow.roll_out(5).error == "DeploymentRolledBack"
    assert everywhere(flow, "1.0.3")  # not the model that nobody proved
    assert (flow.line.now - began < 1800) is told
    assert flow.stop(stopped)["rollouts"] == 0  # out of order


@pytest.mark.parametrize("waits_in", ["StartDeployment", "BakeModel"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_model_whose_roll_out_was_stopped_may_be_approved_again(make: Any, waits_in: str, first: bool) -> None:
    flow = make()
    if not first:
        flow.roll_out(3)
    stopped = flow.approve(4)
    flow.until(lambda: stopped.path[-1] == waits_in and flow.line.models()["canary-1"] == "1.0.4")
    flow.stop(stopped)
    assert flow.roll_out(4, minute=30).status == "SUCCEEDED"
    assert everywhere(flow, "1.0.4")


@pytest.mark.parametrize("waits_in", ["StartDeployment", "BakeModel"])
def test_a_person_takes_back_what_a_stopped_roll_out_left(make: Any, waits_in: str) -> None:
    flow = make()
    flow.roll_out(3)
    stopped = flow.approve(4)
    flow.until(lambda: stopped.path[-1] == waits_in and flow.line.models()["canary-1"] == "1.0.4")
    flow.stop(stopped)
    flow.line.tick()
    assert flow.line.models()["canary-1"] == "1.0.4"  # the devices are left alone until a person says so
    assert flow.end(flow.ask_back("it was stopped")).path[-1] == "RollBackDone"
    assert everywhere(flow, "1.0.3")


def test_every_function_may_run_twice(make: Any) -> None:
    flow = make()
    for name, handler in list(flow.handlers.items()):
        flow.handlers[name] = twice(handler)
    flow.line.deliver = lambda message: [flow.handlers["receive_health"](message, flow.context) for _ in range(2)]
    assert flow.roll_out(3).status == "SUCCEEDED"
    flow.line.trouble = Trouble("crash", ("1.0.4",), ("line-1",))
    assert flow.roll_out(4).error == "DeploymentRolledBack"
    assert everywhere(flow, "1.0.3")
    assert len(state.deployments) == 2 + 2 + 1 + 2  # canary, fleet; trials of both, the canary settled, both back


def twice(handler: Callable[..., Any]) -> Callable[..., Any]:
    def run(event: Any, context: Any) -> Any:
        handler(event, context)
        return handler(event, context)

    return run


def fleet(flow: Workflow, aws: GivenAws) -> Fleet:
    return Fleet(aws, OWN, Groups(FLEET, CANARY), "deployments", silent_after=1e9)


def test_a_device_that_is_off_during_a_roll_back_is_named_until_it_has_changed(make: Any, aws: GivenAws) -> None:
    flow = make()
    flow.roll_out(3)
    flow.roll_out(4)
    states = Deployments(aws, "deployments", FLEET).models
    assert states() == {"1.0.3": "replaced", "1.0.4": "in service"}
    flow.line.offline = {"canary-1"}
    flow.end(flow.ask_back("too many alarms"))
    assert states() == {"1.0.3": "in service", "1.0.4": "taken back"}
    assert flow.line.models()["canary-1"] == "1.0.4"
    problems = [device.problem for device in fleet(flow, aws).devices() if device.problem]
    assert problems == ["canary-1 runs model 4, which is taken back"]
    flow.line.offline = set()
    flow.until(lambda: flow.line.models()["canary-1"] == "1.0.3")
    flow.line.tick()
    assert not any(device.wrong for device in fleet(flow, aws).devices())


def test_no_roll_back_returns_to_a_model_that_was_rejected(make: Any, aws: GivenAws) -> None:
    flow = make()
    flow.roll_out(3)
    flow.roll_out(4)
    standing = Standing(aws, "deployments", FLEET)
    assert standing.change("1.0.3", after("1.0.3", ModelState.REPLACED, Cause.REJECTION), standing.states())
    ended = flow.end(flow.ask_back("too many alarms"))
    assert ended.status == "FAILED"
    assert "the model before it, 1.0.3, is rejected; approve the model" in str(ended.cause)
    assert everywhere(flow, "1.0.4")
    assert standing.states() == {"1.0.3": "rejected", "1.0.4": "in service"}


def test_a_model_that_is_rejected_while_it_waits_for_its_turn_never_goes_out(make: Any, aws: GivenAws) -> None:
    flow = make()
    first = flow.approve(3)
    flow.until(lambda: flow.line.models()["canary-1"] == "1.0.3")
    second = flow.approve(4)
    flow.step()
    standing = Standing(aws, "deployments", FLEET)
    assert standing.change("1.0.4", ModelState.REJECTED, standing.states())
    assert flow.end(first).status == "SUCCEEDED"
    assert (flow.end(second).status, second.path[-1]) == ("SUCCEEDED", "DeploymentSuperseded")
    assert everywhere(flow, "1.0.3")
    assert standing.states() == {"1.0.3": "in service", "1.0.4": "rejected"}
