"""Which devices a stack has, and whether they are healthy: the one answer of page and command line."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from sightline.models.standing import Standing
from sightline.models.states import ModelState
from sightline.rollout.fleet import Fleet, NucleusStatus
from sightline.rollout.reports import ModelReport, Reports
from sightline.rollout.stages import Groups, Stage
from tests.fake_account import account
from tests.fake_greengrass import CANARY_ARN, GROUP_ARN, SEEN
from tests.named import OWN

__all__ = ["account"]


LONG = 1e9  # seconds
IN_SERVICE, REJECTED = ModelState.IN_SERVICE, ModelState.REJECTED


@pytest.fixture
def fleet(account: SimpleNamespace) -> Fleet:
    account.fleet.things, account.fleet.canaries = ["line-2", "line-1"], ["line-9"]
    Standing(account.aws, "deployments", GROUP_ARN).change("1.0.3", IN_SERVICE, {})
    return Fleet(account.aws, OWN, Groups(GROUP_ARN, CANARY_ARN), "deployments", silent_after=LONG)


def report(healthy: bool, at: str = "2026-11-20T10:00:00Z") -> ModelReport:
    return ModelReport(healthy, "" if healthy else "golden/0.jpg: 0 detections", at)


def test_devices_are_those_of_the_groups_also_those_that_never_connected(
    fleet: Fleet, account: SimpleNamespace
) -> None:
    account.fleet.cores = {"line-1": "HEALTHY", "line-9": "UNHEALTHY", "of-another-stack": "HEALTHY"}
    assert [(device.thing, device.stage, device.status, device.last_seen) for device in fleet.devices()] == [
        ("line-1", Stage.FLEET, NucleusStatus.HEALTHY, SEEN),
        ("line-2", Stage.FLEET, NucleusStatus.NEVER_SEEN, None),
        ("line-9", Stage.CANARY, NucleusStatus.UNHEALTHY, SEEN),
    ]


@pytest.mark.parametrize(
    ("nucleus", "said", "healthy"),
    [
        ("HEALTHY", {"1.0.3": report(True)}, True),
        ("HEALTHY", {"1.0.3": report(False)}, False),
        ("UNHEALTHY", {"1.0.3": report(True)}, False),
        ("HEALTHY", {"1.0.2": report(True)}, None),  # of the model before
        ("HEALTHY", {}, None),
    ],
)
def test_a_device_is_healthy_when_its_components_run_and_its_model_is_proven(
    fleet: Fleet, account: SimpleNamespace, nucleus: str, said: dict[str, ModelReport], healthy: bool | None
) -> None:
    account.fleet.cores, account.fleet.installed = {"line-1": nucleus}, {"line-1": "1.0.3"}
    for version, told in said.items():
        fleet.reports.remember("line-1", version, told)
    device = fleet.devices()[0]
    assert (device.thing, device.model, device.healthy) == ("line-1", "1.0.3", healthy)


@pytest.mark.parametrize("state", [state for state in ModelState if state not in (IN_SERVICE, ModelState.ROLLING_OUT)])
def test_a_device_that_runs_what_is_not_in_service_is_named_and_not_healthy(
    fleet: Fleet, account: SimpleNamespace, state: ModelState
) -> None:
    account.fleet.cores, account.fleet.installed = {"line-1": "HEALTHY"}, {"line-1": "1.0.3"}
    fleet.reports.remember("line-1", "1.0.3", report(True))
    assert (fleet.devices()[0].healthy, fleet.devices()[0].problem) == (True, "")
    fleet.standing.change("1.0.3", state, {"1.0.3": IN_SERVICE})
    assert (fleet.devices()[0].healthy, fleet.devices()[0].problem) == (
        False,
        f"line-1 runs model 3, which is {state}",
    )


def test_a_model_of_which_nothing_is_known_is_not_in_service(fleet: Fleet, account: SimpleNamespace) -> None:
    account.fleet.cores, account.fleet.installed = {"line-1": "HEALTHY"}, {"line-1": "1.0.2"}
    assert fleet.devices()[0].problem == "line-1 runs model 2, which is not in service"


def test_a_device_that_says_nothing_for_too_long_is_silent_and_not_healthy(
    fleet: Fleet, account: SimpleNamespace
) -> None:
    account.fleet.cores, account.fleet.installed = {"line-1": "HEALTHY"}, {"line-1": "1.0.3"}
    fleet.reports.remember("line-1", "1.0.3", report(True))
    fleet.silent_after = timedelta(seconds=600)
    device = fleet.devices()[0]
    assert (device.is_silent, device.healthy) == (True, None)
    assert device.problem == "line-1 is silent since 2026-11-20 10:00 UTC"
    fleet.reports.hear("line-1")
    device = fleet.devices()[0]
    assert (device.is_silent, device.healthy, device.problem) == (False, True, "")


def test_a_silent_device_that_has_a_model_it_must_not_run_says_both(fleet: Fleet, account: SimpleNamespace) -> None:
    account.fleet.cores, account.fleet.installed = {"line-1": "HEALTHY"}, {"line-1": "1.0.3"}
    fleet.standing.change("1.0.3", REJECTED, {"1.0.3": IN_SERVICE})
    fleet.silent_after = timedelta(seconds=600)
    assert fleet.devices()[0].problem == (
        "line-1 runs model 3, which is rejected; it is silent since 2026-11-20 10:00 UTC"
    )


def test_a_device_that_was_never_there_is_not_silent(fleet: Fleet) -> None:
    assert {(device.is_silent, device.problem) for device in fleet.devices()} == {(False, "")}


def test_without_a_model_there_is_no_health(fleet: Fleet, account: SimpleNamespace) -> None:
    account.fleet.cores = {"line-1": "HEALTHY"}
    assert [(device.model, device.healthy) for device in fleet.devices()] == [("", None)] * 3


def test_a_report_that_is_older_than_the_last_one_changes_nothing(account: SimpleNamespace) -> None:
    reports = Reports(account.aws, "deployments")
    reports.remember("line-1", "1.0.3", report(True, "2026-11-20T10:00:00Z"))
    reports.remember("line-1", "1.0.3", report(False, "2026-11-20T09:00:00Z"))
    reports.remember("line-1", "1.0.4", report(False))
    assert reports.of("line-1") == {"1.0.3": report(True), "1.0.4": report(False)}
    assert reports.of("line-2") == {}


def test_the_groups_of_a_stack_are_found_from_its_outputs() -> None:
    outputs = {"ThingGroupArn": GROUP_ARN, "CanaryThingGroupName": "canary"}
    assert Groups.from_outputs(outputs).by_stage() == {Stage.CANARY: CANARY_ARN, Stage.FLEET: GROUP_ARN}
    assert list(Groups.from_outputs(outputs).by_stage()) == [Stage.CANARY, Stage.FLEET]
    assert Groups.from_outputs({"ThingGroupArn": GROUP_ARN}).by_stage() == {Stage.FLEET: GROUP_ARN}
