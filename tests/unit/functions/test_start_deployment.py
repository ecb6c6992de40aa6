"""Starting a roll-out: one at a time, the newest approval wins, and the record comes before the deployment."""

import time
from datetime import datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sightline.rollout.record import Attempt, RolloutState
from sightline.rollout.stages import Stage
from sightline.rollout.thing_groups import client_token, job_configuration
from sightline.rollout.turns import (
    GRACE_SECONDS,
    NoDevicesError,
    OverlappingGroupsError,
    RolloutInProgressError,
    RolloutSupersededError,
)
from sightline.rollout.versions import NoInspectorError
from tests.fake_greengrass import CANARY_ARN, GROUP_ARN

NEXT = {
    "execution": "arn:aws:states:us-east-1:123456789012:execution:deploy-model:next",
    "approved_at": "2026-11-20T11:00:00Z",
    "component_version": "1.0.4",
    "task_token": "next-token",
}
V3 = {"com.sightline.plant.Inspector": "1.10.0", "com.sightline.plant.Model": "1.0.3"}
V4 = {"com.sightline.plant.Inspector": "1.10.0", "com.sightline.plant.Model": "1.0.4"}


@pytest.fixture
def app(account: SimpleNamespace, load_app: Any) -> ModuleType:
    return load_app("start_deployment", **account.environment)


def settle(app: ModuleType, status: RolloutState) -> None:
    app.deployments.table.update(app.deployments.key, "SET #status = :status", {"status": status})


def test_the_first_roll_out_deploys_the_newest_inspector_and_the_model(
    app: ModuleType, account: SimpleNamespace
) -> None:
    event = account.event("start_deployment")
    before = time.time()
    assert app.handler(event, account.context) is None
    components = {
        "com.sightline.plant.Inspector": {
            "componentVersion": "1.10.0",
            "configurationUpdate": {
                "merge": '{"modelVersion": "1.0.3", "shadowVersion": ""}',
                "reset": ["/accessControl"],
            },
        },
        "com.sightline.plant.Model": {"componentVersion": "1.0.3", "configurationUpdate": {"reset": [""]}},
    }
    assert account.fleet.deployments == [
        {
            "deploymentId": "deployment-1",
            "targetArn": GROUP_ARN,
            "deploymentName": "plant-model-1.0.3",
            "components": components,
            "deploymentPolicies": {"failureHandlingPolicy": "ROLLBACK"},
            "clientToken": client_token("deploy-fleet", event["execution"]),
            "iotJobConfiguration": job_configuration(Stage.FLEET, per_minute=50, abort_percentage=20),
        }
    ]
    record = account.record()
    assert before + 900 + GRACE_SECONDS - 1 <= record.pop("deadline") <= time.time() + 900 + GRACE_SECONDS
    assert before - 1 <= record.pop("started_at") <= time.time()
    assert record == {
        "pk": f"group#{GROUP_ARN}",
        "model#1.0.3": "rolling out",
        "execution": event["execution"],
        "model_version": "1.0.3",
        "approved_at": "2026-11-20T09:30:00+00:00",
        "status": "WAITING",
        "task_token": event["task_token"],
        "things": ["line-1", "line-2"],
        "stages": ["fleet"],
        "stage": "fleet",
        "hold_seconds": 900 + GRACE_SECONDS,
        "failed": {},
        "bake": {},
        "components": {"fleet": components},
        "previous": {"fleet": {}},
        "deployments": {"fleet": "deployment-1"},
    }
    assert account.answers.sent == []


def test_the_token_is_stored_before_the_devices_hear_of_the_deployment(
    app: ModuleType, account: SimpleNamespace
) -> None:
    seen = []
    account.fleet.on_deployment = lambda _: seen.append((account.record()["task_token"], account.record()["status"]))
    app.handler(account.event("start_deployment"), account.context)
    assert seen == [(account.event("start_deployment")["task_token"], "WAITING")]


def test_a_repeated_call_deploys_once_and_waits_with_the_newer_token(app: ModuleType, account: SimpleNamespace) -> None:
    event = account.event("start_deployment")
    app.handler(event, account.context)
    app.handler({**event, "task_token": "second-token"}, account.context)
    assert account.fleet.rolled_out() == [V3]
    assert (account.record()["task_token"], account.record()["previous"]) == ("second-token", {"fleet": {}})


def test_a_later_approval_waits_until_the_group_is_free(app: ModuleType, account: SimpleNamespace) -> None:
    app.handler(account.event("start_deployment"), account.context)
    with pytest.raises(RolloutInProgressError, match=r"busy with 1\.0\.3 \(WAITING\)"):
        app.handler(NEXT, account.context)
    assert account.fleet.rolled_out() == [V3]
    settle(app, RolloutState.HEALTHY)
    app.handler(NEXT, account.context)
    assert account.fleet.rolled_out() == [V3, V4]
    assert account.record()["previous"] == {"fleet": account.fleet.deployments[0]["components"]}


def test_the_new_model_is_compared_with_the_old_one_while_it_is_on_trial(
    app: ModuleType, account: SimpleNamespace
) -> None:
    app.handler(account.event("start_deployment"), account.context)
    settle(app, RolloutState.HEALTHY)
    app.handler(NEXT, account.context)
    merge = account.fleet.deployments[1]["components"]["com.sightline.plant.Inspector"]["configurationUpdate"]["merge"]
    assert merge == '{"modelVersion": "1.0.4", "shadowVersion": "1.0.3"}'


def test_the_canary_group_comes_first_and_the_fleet_when_it_is_promoted(
    load_app: Any, account: SimpleNamespace
) -> None:
    account.fleet.canaries = ["canary-1"]
    app = load_app("start_deployment", **account.environment | {"CANARY_GROUP_ARN": CANARY_ARN})
    event = account.event("start_deployment")
    app.handler(event, account.context)
    assert [entry["targetArn"] for entry in account.fleet.deployments] == [CANARY_ARN]
    assert (
        account.fleet.deployments[0]["iotJobConfiguration"]["abortConfig"]["criteriaList"][0]["thresholdPercentage"]
        == 1
    )
    settle(app, RolloutState.PROMOTED)
    app.handler({**event, "task_token": "fleet-token"}, account.context)
    assert [entry["targetArn"] for entry in account.fleet.deployments] == [CANARY_ARN, GROUP_ARN]
    record = account.record()
    assert (record["stage"], record["things"], record["task_token"]) == ("fleet", ["line-1", "line-2"], "fleet-token")


def test_a_canary_group_without_a_history_goes_back_to_what_the_fleet_runs(
    app: ModuleType, load_app: Any, account: SimpleNamespace
) -> None:
    app.handler(account.event("start_deployment"), account.context)
    settle(app, RolloutState.HEALTHY)
    account.fleet.canaries = ["canary-1"]
    app = load_app("start_deployment", **account.environment | {"CANARY_GROUP_ARN": CANARY_ARN})
    app.handler(NEXT, account.context)
    previous = account.record()["previous"]
    assert previous["canary"] == previous["fleet"] == account.fleet.deployments[0]["components"]


def test_a_thing_in_both_groups_is_refused(load_app: Any, account: SimpleNamespace) -> None:
    account.fleet.canaries = ["line-1"]
    app = load_app("start_deployment", **account.environment | {"CANARY_GROUP_ARN": CANARY_ARN})
    with pytest.raises(OverlappingGroupsError, match="line-1 is in the canary group and in the fleet group"):
        app.handler(account.event("start_deployment"), account.context)
    assert account.record() is None


def test_an_earlier_approval_that_comes_late_is_superseded(app: ModuleType, account: SimpleNamespace) -> None:
    app.handler(NEXT, account.context)
    with pytest.raises(RolloutSupersededError):
        app.handler(account.event("start_deployment"), account.context)
    assert account.fleet.rolled_out() == [V4]


def test_after_an_abandoned_roll_out_a_roll_back_goes_to_what_ran_before_it(
    app: ModuleType, account: SimpleNamespace
) -> None:
    app.handler(account.event("start_deployment"), account.context)
    app.deployments.table.update(app.deployments.key, "SET #deadline = :past", {"past": 1})
    app.handler(NEXT, account.context)
    assert account.record()["previous"] == {"fleet": {}}
    assert account.fleet.rolled_out() == [V3, V4]


def test_what_the_group_runs_healthily_is_not_deployed_again(app: ModuleType, account: SimpleNamespace) -> None:
    app.handler(account.event("start_deployment"), account.context)
    settle(app, RolloutState.HEALTHY)
    again = {**NEXT, "component_version": "1.0.3"}
    app.handler(again, account.context)
    assert account.fleet.rolled_out() == [V3]
    assert account.answers.sent == [("next-token", {})]


def test_a_newer_inspector_is_deployed_even_with_the_same_model(app: ModuleType, account: SimpleNamespace) -> None:
    app.handler(account.event("start_deployment"), account.context)
    settle(app, RolloutState.HEALTHY)
    account.fleet.inspectors.append("1.11.0")
    app.handler({**NEXT, "component_version": "1.0.3"}, account.context)
    assert account.fleet.rolled_out() == [V3, {**V3, "com.sightline.plant.Inspector": "1.11.0"}]


def test_other_components_of_the_group_stay(app: ModuleType, account: SimpleNamespace) -> None:
    nucleus = {"aws.greengrass.Nucleus": {"componentVersion": "2.14.0"}}
    account.fleet.CreateDeployment(targetArn=GROUP_ARN, components=nucleus, clientToken="by-hand")
    app.handler(account.event("start_deployment"), account.context)
    assert account.fleet.rolled_out()[-1] == {**V3, "aws.greengrass.Nucleus": "2.14.0"}


def test_a_group_without_things_is_refused_before_anything_changes(app: ModuleType, account: SimpleNamespace) -> None:
    account.fleet.things = []
    with pytest.raises(NoDevicesError, match="has no things; add a device to the group"):
        app.handler(account.event("start_deployment"), account.context)
    assert (account.record(), account.fleet.deployments) == (None, [])


def test_without_an_inspector_nothing_changes(app: ModuleType, account: SimpleNamespace) -> None:
    account.fleet.inspectors = []
    with pytest.raises(NoInspectorError):
        app.handler(account.event("start_deployment"), account.context)
    assert (account.record(), account.fleet.deployments) == (None, [])


def test_of_two_that_start_in_the_same_moment_one_waits(app: ModuleType, account: SimpleNamespace) -> None:
    attempt = Attempt(NEXT["execution"], "1.0.4", datetime.fromisoformat(NEXT["approved_at"]))
    app.handler(account.event("start_deployment"), account.context)
    with pytest.raises(RolloutInProgressError, match="in the same moment"):
        app.begin(attempt, None, "next-token")  # it had read that the group was free
    assert account.record()["model_version"] == "1.0.3"


def test_an_execution_that_was_stopped_before_it_takes_the_devices_gives_them_back_and_deploys_nothing(
    app: ModuleType, account: SimpleNamespace
) -> None:
    """Its end was handled when it had nothing yet: nobody else would let them go before the deadline."""
    event = account.event("start_deployment")
    account.answers.ended = {event["execution"]}
    with pytest.raises(RolloutSupersededError, match="ended before it had the devices"):
        app.handler(event, account.context)
    assert account.rollout().status == RolloutState.ABANDONED
    assert account.fleet.deployments == []
    app.handler(NEXT, account.context)
    assert account.rollout().execution == NEXT["execution"]
