"""The decision on a stage, as the record and Greengrass make it."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sightline.rollout.decisions import ModelRefusedError
from sightline.rollout.turns import RolloutSupersededError


@pytest.fixture
def app(account: SimpleNamespace, load_app: Any) -> ModuleType:
    """A roll-out of 1.0.3 waits for line-1 and line-2."""
    load_app("start_deployment", **account.environment).handler(account.event("start_deployment"), account.context)
    return load_app("promote_or_roll_back", **account.environment)


def prove(app: ModuleType, *things: str) -> None:
    app.deployments.table.update(app.deployments.key, "ADD #healthy :things", {"things": set(things)})


def decide(app: ModuleType, account: SimpleNamespace) -> dict[str, Any]:
    answer: dict[str, Any] = app.handler(account.event("promote_or_roll_back"), account.context)
    return answer


def test_proven_devices_bake_and_the_last_stage_is_done_after_that(app: ModuleType, account: SimpleNamespace) -> None:
    prove(app, "line-1", "line-2")
    assert decide(app, account) == {
        "step": "BAKE",
        "reason": "2 of 2 devices of the fleet stage are healthy with 1.0.3",
        "bake_seconds": 600,
    }
    app.deployments.bake(account.record()["execution"], task_token="bake", bake_seconds=0)
    first, again = decide(app, account), decide(app, account)
    assert (first["step"], again["step"]) == ("DONE", "DONE")
    assert account.record()["status"] == "HEALTHY"
    assert len(account.fleet.deployments) == 1  # nobody compared, so nothing is to be told


def test_a_workflow_that_wakes_early_without_a_reason_goes_on_baking(app: ModuleType, account: SimpleNamespace) -> None:
    prove(app, "line-1", "line-2")
    app.deployments.bake(account.record()["execution"], task_token="bake", bake_seconds=300)
    decision = decide(app, account)
    assert (decision["step"], 295 <= decision["bake_seconds"] <= 300) == ("BAKE", True)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("FAILED", "line-2: deployment failed: no space left"),
        ("SUCCEEDED", "line-2: took the deployment (succeeded) and sent no health report for 900 s"),
    ],
)
def test_a_silent_device_that_took_the_deployment_failed(
    app: ModuleType, account: SimpleNamespace, status: str, said: str
) -> None:
    prove(app, "line-1")
    entry = {"deploymentId": "deployment-1", "coreDeviceExecutionStatus": status, "reason": "no space left"}
    account.fleet.effective["line-2"] = [entry]
    with pytest.raises(ModelRefusedError, match="1 of 2 devices of the fleet stage failed") as raised:
        decide(app, account)
    assert said in str(raised.value)


def test_a_silent_device_that_has_not_taken_it_yet_stops_nobody(app: ModuleType, account: SimpleNamespace) -> None:
    prove(app, "line-1")
    account.fleet.effective["line-2"] = [{"deploymentId": "deployment-1", "coreDeviceExecutionStatus": "QUEUED"}]
    assert decide(app, account)["reason"].endswith("1 have not taken it yet: line-2")


def test_another_execution_has_no_say(app: ModuleType, account: SimpleNamespace) -> None:
    with pytest.raises(RolloutSupersededError):
        app.handler({"execution": "another"}, account.context)
