"""A model's life in any order: people on the page and with the command, events, executions that end early, and devices
that are on or off, against the real functions. A model of the transitions says what must come of each step.
"""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from client import models
from client.target import Target
from sightline.aws.people import FourEyes, FourEyesMode
from sightline.models.registry import Registry
from sightline.models.standing import state_of
from sightline.models.states import TRANSITIONS, Cause, ModelState, ModelStateError
from sightline.names import component_version
from sightline.rollout.approvals import Approvals
from sightline.rollout.decisions import ModelRefusedError
from sightline.rollout.fleet import Fleet
from sightline.rollout.record import OPEN, RolloutState
from sightline.rollout.stages import Groups
from sightline.rollout.turns import NothingToRollBackError, RolloutInProgressError, RolloutSupersededError
from tests.fake_account import account
from tests.fake_cloud import request
from tests.fake_greengrass import GROUP_ARN, FakeGreengrass
from tests.named import OWN

__all__ = ["account"]

FUNCTIONS = (
    "approve_model", "start_deployment", "receive_health", "promote_or_roll_back", "bake_model", "request_roll_back",
    "roll_back",
)  # fmt: skip
THINGS = ("line-1", "line-2")
MODELS = st.integers(1, 3)
WAYS = st.sampled_from(["page", "command"])
MODEL = "com.sightline.plant.Model"
S = ModelState


class Life(RuleBasedStateMachine):
    """Three models and two devices."""

    def __init__(
        self, account: SimpleNamespace, load_app: Callable[..., ModuleType], number: int, monkey: pytest.MonkeyPatch
    ) -> None:
        super().__init__()
        self.monkey = monkey
        self.account, self.clock = account, 0
        aws, group = account.aws, f"models-{number}"
        account.sagemaker.create_model_package_group(ModelPackageGroupName=group)
        account.fleet.__init__()
        account.fleet.on_deployment, account.fleet.cores = self._hear, dict.fromkeys(THINGS, "HEALTHY")
        account.answers.ended.clear()
        boto3.client("dynamodb").delete_item(TableName="deployments", Key={"pk": {"S": f"group#{GROUP_ARN}"}})
        environment = account.environment | {"MODEL_PACKAGE_GROUP": group, "BAKE_SECONDS": "1"}
        self.apps = {name: load_app(name, **environment) for name in FUNCTIONS}
        self.target = Target(
            {
                "ModelPackageGroupName": group,
                "DeploymentsTableName": "deployments",
                "ThingGroupArn": GROUP_ARN,
                "UserPoolId": "none",
            },
            None,
        )
        self.target.aws = aws
        self.registry = Registry(aws, group)
        off = FourEyes(FourEyesMode.OFF, list)
        self.approvals = Approvals(aws, self.registry, "deployments", GROUP_ARN, off)
        self.monkey.setattr("client.pipeline.parameters", lambda _: {"FourEyes": "off"})
        self.devices = Fleet(aws, OWN, Groups(GROUP_ARN), "deployments", silent_after=1e9)
        self.offline: set[str] = set()
        self.expected: dict[int, ModelState] = {}
        for version in range(1, 4):
            account.sagemaker.create_model_package(
                ModelPackageGroupName=group, ModelApprovalStatus="PendingManualApproval"
            )
            self.expected[version] = TRANSITIONS[Cause.REGISTRATION][None]

    # ------------------------------------------------------------------------------------------------------- the line
    def _hear(self, deployment: dict[str, Any]) -> None:
        """Devices that are on take a deployment at once."""
        for thing in THINGS:
            if thing not in self.offline:
                self._take(thing, deployment)

    def _take(self, thing: str, deployment: dict[str, Any]) -> None:
        fleet: FakeGreengrass = self.account.fleet
        if MODEL in deployment["components"]:
            fleet.installed[thing] = deployment["components"][MODEL]["componentVersion"]
        else:
            fleet.installed.pop(thing, None)

    def _call(self, function: str, event: Any) -> Any:
        return self.apps[function].handler(event, self.account.context)

    def _expect(self, version: int, cause: Cause) -> bool:
        """Note what `cause` makes of a model. Return whether it may."""
        found = TRANSITIONS[cause].get(self.expected[version])
        self.expected[version] = found or self.expected[version]
        return found is not None

    def _version(self) -> int:
        return int(self.account.rollout().model_version.rsplit(".", 1)[1])

    def _expect_back(self, cause: Cause) -> None:
        """The newest model is taken back, and the one before it returns."""
        current, version = self.account.rollout(), self._version()
        before = current.model_before(OWN)
        if self.expected[version] != S.TAKEN_BACK:
            cause = cause if self.expected[version] == S.ROLLING_OUT else Cause.ROLL_BACK
            assert self._expect(version, cause)
            if before and S.IN_SERVICE not in self.expected.values():
                self._expect(int(before.rsplit(".", 1)[1]), Cause.RETURN)

    # ----------------------------------------------------------------------------------------------------------- rules
    @rule(version=MODELS, approved=st.booleans(), way=WAYS)
    def decide(self, version: int, approved: bool, way: str) -> None:
        """A person approves or rejects."""
        current = self.account.rollout()
        left = current and current.status == RolloutState.ABANDONED and self._version() == version and not approved
        allowed = not left and self._expect(version, Cause.APPROVAL if approved else Cause.REJECTION)
        if left and self.expected[version] not in TRANSITIONS[Cause.REJECTION]:
            allowed = False
        if way == "page":
            event = request("POST", f"/models/{version}/approval", {"approved": approved}, groups="engineers")
            event["pathParameters"] = {"version": str(version)}
            answer = self._call("approve_model", event)
            assert answer["statusCode"] == (200 if allowed else 409), answer["body"]
            return
        try:
            models.judge(self.target, str(version), approved=approved)
            assert allowed
        except ModelStateError:
            assert not allowed

    @rule(version=MODELS)
    def event(self, version: int) -> None:
        """The event of an approval arrives, perhaps late or twice, and its execution wants the devices."""
        self.clock += 1
        execution = f"arn:aws:states:us-east-1:1:execution:deploy-model:{self.clock}"
        event = {
            "execution": execution, "approved_at": f"2026-11-20T{self.clock // 60:02}:{self.clock % 60:02}:00Z",
            "component_version": component_version(version), "task_token": f"token-{self.clock}",
        }  # fmt: skip
        held = self.account.rollout()
        held = held and held.status in OPEN
        if self.expected[version] == S.CANDIDATE:
            return  # nobody has approved it: PlanComponentVersion refuses it before
        try:
            self._call("start_deployment", event)
        except RolloutInProgressError:
            assert held
        except RolloutSupersededError:
            assert self.expected[version] in (S.REJECTED, S.TAKEN_BACK, S.REPLACED)
        else:
            assert not held
            if self.expected[version] != S.IN_SERVICE:
                assert self._expect(version, Cause.BEGIN)

    @rule(healthy=st.booleans())
    def devices_answer(self, healthy: bool) -> None:
        """Devices that are on try the model; then the workflow decides, and goes on to the end."""
        current = self.account.rollout()
        if not current or current.status not in (RolloutState.WAITING, RolloutState.BAKING):
            return
        event, version = {"execution": current.execution}, self._version()
        for thing in sorted(set(THINGS) - self.offline):
            said = {"thing": thing, "topic_thing": thing, "healthy": healthy, "reason": "golden", "at": "2026-11-21"}
            self._call("receive_health", {**said, "model_version": current.model_version})
        try:
            while (step := self._call("promote_or_roll_back", event)["step"]) == "BAKE":
                self._call("bake_model", {**event, "bake_seconds": 1, "task_token": f"bake-{self.clock}"})
        except ModelRefusedError:
            assert not healthy or len(self.offline) == 2 or current.stop
            self._expect_back(Cause.ABORT if current.stop else Cause.FAILURE)
            assert self._call("roll_back", event)["rolled_back"]
            return
        assert step == "DONE"
        if self.expected[version] != S.IN_SERVICE:
            for other in self.expected:
                if self.expected[other] == S.IN_SERVICE:
                    self._expect(other, Cause.REPLACEMENT)
            assert self._expect(version, Cause.SUCCESS)

    @rule()
    def execution_ends_early(self) -> None:
        """Somebody stops the execution of the roll-out."""
        current = self.account.rollout()
        if not current or current.status not in OPEN:
            return
        self.account.answers.ended.add(current.execution)
        assert self.apps["roll_back"].deployments.abandon(current.execution)
        self._expect(self._version(), Cause.STOP)

    @rule()
    def roll_back(self) -> None:
        """A person rolls the newest model back."""
        self.clock += 1
        execution = f"arn:aws:states:us-east-1:1:execution:deploy-model:{self.clock}"
        current = self.account.rollout()
        wanted = current.model_version if current else "1.0.1"
        asked = {"execution": execution, "request": {"reason": "no", "model_version": wanted}}
        try:
            running = self._call("request_roll_back", asked)["running"]
        except NothingToRollBackError:
            assert (
                current is None
                or current.status == RolloutState.ROLLED_BACK
                or current.models.get(current.model_before(OWN)) in (S.REJECTED, S.TAKEN_BACK)
            )
            return
        if running:
            self.devices_answer(True)
        else:
            self._expect_back(Cause.FAILURE)
            assert self._call("roll_back", {"execution": execution})["rolled_back"]

    @rule(thing=st.sampled_from(THINGS))
    def goes_off(self, thing: str) -> None:
        self.offline.add(thing)

    @rule(thing=st.sampled_from(THINGS))
    def comes_back(self, thing: str) -> None:
        """It takes whatever its group runs by now."""
        self.offline.discard(thing)
        if self.account.fleet.deployments:
            self._take(thing, self.account.fleet.deployments[-1])

    # ------------------------------------------------------------------------------------------------------ invariants
    @invariant()
    def every_model_is_what_it_must_be(self) -> None:
        states = self.approvals.standing.states()
        found = {model.version: state_of(model, states) for model in self.registry.newest()}
        assert found == self.expected
        assert list(found.values()).count(S.IN_SERVICE) <= 1

    @invariant()
    def the_cloud_scores_with_the_model_in_service_and_never_with_one_that_must_not_run(self) -> None:
        champion = self.registry.champion(self.approvals.standing.states())
        serving = [version for version, state in self.expected.items() if state == S.IN_SERVICE]
        if serving:
            assert champion
            assert champion.version == serving[0]
        elif champion:
            assert self.expected[champion.version] in (S.APPROVED, S.ROLLING_OUT)

    @invariant()
    def whatever_runs_and_must_not_is_named(self) -> None:
        current = self.account.rollout()
        for device in self.devices.devices():
            state = self.expected[int(device.model.rsplit(".", 1)[1])] if device.model else None
            assert bool(device.wrong) == (state not in (None, S.IN_SERVICE, S.ROLLING_OUT)), device.problem
            # A device that is on runs nothing wrong, unless an execution ended before it had given the model back.
            settled = current is None or current.status != RolloutState.ABANDONED
            assert not (device.wrong and device.thing not in self.offline and settled), device.problem


def live(account: SimpleNamespace, load_app: Callable[..., ModuleType], examples: int, steps: int) -> None:
    numbers, monkey = iter(range(1_000_000)), pytest.MonkeyPatch()
    try:
        run_state_machine_as_test(
            lambda: Life(account, load_app, next(numbers), monkey),
            settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None),
        )
    finally:
        monkey.undo()


def test_a_models_life_in_any_order(account: SimpleNamespace, load_app: Callable[..., ModuleType]) -> None:
    live(account, load_app, examples=2, steps=10)


@pytest.mark.slow
def test_many_lives(account: SimpleNamespace, load_app: Callable[..., ModuleType]) -> None:
    live(account, load_app, examples=100, steps=50)
