"""Greengrass's control plane in the emulator: versions never change, tokens count once, devices are known by their
reports.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from local.emulator.greengrass import service, state
from sightline.rollout.recipes import inspector_recipe, model_recipe
from tests.named import OWN

GROUP = "arn:aws:iot:us-east-1:000000000000:thinggroup/line"


class Account(state.Neighbours):
    """The rest of the account: two things in the group, artifacts whose content is their name, a clock that is told."""

    def __init__(self) -> None:
        self.now, self.things, self.events = 1_800_000_000.0, ["line-1", "line-2"], list[tuple[str, Any]]()

    def clock(self) -> float:  # type: ignore[override]
        return self.now

    def things_in(self, group_arn: str) -> list[str]:
        return self.things if group_arn == GROUP else []

    def is_thing(self, name: str) -> bool:
        return name != "removed"

    def read(self, uri: str) -> bytes:
        if "missing" in uri:
            raise LookupError("NoSuchKey")
        return uri.encode()

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        self.events.append((resources[0].rsplit(":", 1)[-1], detail))


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    state.clear()
    made = Account()
    monkeypatch.setattr(state, "neighbours", made)
    yield made


def ask(method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    sent = json.dumps(body).encode() if body is not None else b""
    status, _, answer = asyncio.run(service.handle_request(method, path, {}, sent, query))
    return status, json.loads(answer)


def create(recipe: dict[str, Any]) -> tuple[int, Any]:
    blob = base64.b64encode(json.dumps(recipe).encode()).decode()
    return ask("POST", "/greengrass/v2/createComponentVersion", {"inlineRecipe": blob})


def test_a_component_version_is_created_once_and_never_changed() -> None:
    recipe = model_recipe(OWN, "1.0.3", "s3://b/model.zip", sha256="0" * 64)
    status, answer = create(recipe)
    assert (status, answer["componentVersion"]) == (201 if status == 201 else 200, "1.0.3")
    assert create(recipe)[0] == 409
    arn = quote(answer["arn"], safe="")
    found = json.loads(base64.b64decode(ask("GET", f"/greengrass/v2/components/{arn}")[1]["recipe"]))
    digest = found["Manifests"][0]["Artifacts"][0].pop("Digest")
    assert base64.b64decode(digest) == hashlib.sha256(b"s3://b/model.zip").digest()
    assert found["Manifests"][0]["Artifacts"][0].pop("Algorithm") == "SHA-256"
    assert found == recipe
    assert ask("GET", f"/greengrass/v2/components/{arn}/metadata")[1]["status"]["componentState"] == "DEPLOYABLE"


@pytest.mark.parametrize(
    "change",
    [
        {"Manifest": []},
        {"ComponentVersion": "three"},
        {"ComponentVersion": "1.0.1000000"},
        {"ComponentVersion": "1000000.0.1"},
        {"Manifests": [{"lifecycle": {}}]},
        {"ComponentName": None},
    ],
)
def test_a_recipe_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    recipe = inspector_recipe(OWN, "1.0.1", "s3://b/inspector.zip", {}) | change
    if recipe["ComponentName"] is None:
        del recipe["ComponentName"]
    assert create(recipe)[0] == 400


def test_the_newest_version_comes_first() -> None:
    for version in ("1.0.9", "1.0.10", "1.0.2"):
        create(inspector_recipe(OWN, version, "s3://b/inspector.zip", {}))
    arn = quote(f"{state.PREFIX}:components:com.sightline.plant.Inspector", safe="")
    versions = ask("GET", f"/greengrass/v2/components/{arn}/versions")[1]["componentVersions"]
    assert [entry["componentVersion"] for entry in versions] == ["1.0.10", "1.0.9", "1.0.2"]
    unknown = quote(f"{state.PREFIX}:components:none", safe="")
    assert ask("GET", f"/greengrass/v2/components/{unknown}/versions")[0] == 404


def test_a_recipe_whose_artifact_is_not_there_is_refused() -> None:
    assert create(model_recipe(OWN, "1.0.3", "s3://b/missing.zip", sha256="0" * 64))[0] == 400


def deploy(token: str, job: dict[str, Any] | None = None, **components: str) -> tuple[int, Any]:
    named = {name: {"componentVersion": version} for name, version in components.items()}
    body = {"targetArn": GROUP, "components": named, "clientToken": token}
    return ask("POST", "/greengrass/v2/deployments", body | ({"iotJobConfiguration": job} if job else {}))


def tell(thing: str, deployment: str = "", status: str = "SUCCEEDED", events: Any = ()) -> Any:
    """A device's report, with one inspector; answers the deployment that it gets."""
    component = {
        "name": "com.sightline.plant.Inspector",
        "version": "1.0.1",
        "root": True,
        "state": "RUNNING",
        "details": "",
    }
    done = (
        {"id": deployment, "status": status, "reason": "no space" if status == "FAILED" else ""} if deployment else {}
    )
    body = {"status": "HEALTHY", "components": [component], "deployment": done, "events": list(events)}
    status, answer = ask("POST", f"/greengrass/simulated/{thing}", body)
    return answer["deployment"] if status == 200 else status


def test_a_deployment_with_the_same_token_is_one_and_the_latest_is_known() -> None:
    create(inspector_recipe(OWN, "1.0.1", "s3://b/inspector.zip", {}))
    wanted = {"com.sightline.plant.Inspector": "1.0.1"}
    first = deploy("a", **wanted)[1]["deploymentId"]
    assert deploy("a", **wanted)[1]["deploymentId"] == first
    second = deploy("b", **wanted)[1]["deploymentId"]
    listed = ask("GET", "/greengrass/v2/deployments", targetArn=GROUP, historyFilter="LATEST_ONLY")[1]["deployments"]
    assert [entry["deploymentId"] for entry in listed] == [second]
    assert deploy("c", **{"com.sightline.plant.Inspector": "9.9.9"})[0] == 404


def test_what_a_simulated_device_reports_is_what_the_service_tells() -> None:
    create(inspector_recipe(OWN, "1.0.1", "s3://b/inspector.zip", {}))
    number = deploy("a", **{"com.sightline.plant.Inspector": "1.0.1"})[1]["deploymentId"]
    for thing in ("line-1", "line-2"):
        assert tell(thing)["deploymentId"] == number
        assert tell(thing, number) is None
    devices = ask("GET", "/greengrass/v2/coreDevices")[1]["coreDevices"]
    assert [device["coreDeviceThingName"] for device in devices] == ["line-1", "line-2"]
    installed = ask("GET", "/greengrass/v2/coreDevices/line-1/installedComponents")[1]["installedComponents"]
    assert [entry["componentVersion"] for entry in installed] == ["1.0.1"]
    assert ask("GET", f"/greengrass/v2/deployments/{number}")[1]["deploymentStatus"] == "COMPLETED"
    assert ask("GET", "/greengrass/v2/coreDevices/none")[0] == 404


def effective(thing: str) -> list[tuple[str, str]]:
    found = ask("GET", f"/greengrass/v2/coreDevices/{thing}/effectiveDeployments")[1]["effectiveDeployments"]
    return [(entry["deploymentId"], entry["coreDeviceExecutionStatus"]) for entry in found]


def test_a_device_that_was_away_gets_only_the_newest_deployment() -> None:
    tell("line-1")
    numbers = [deploy(token)[1]["deploymentId"] for token in ("a", "b", "c")]
    assert effective("line-1") == [(numbers[2], "QUEUED")]
    assert tell("line-1")["deploymentId"] == numbers[2]
    assert effective("line-1") == [(numbers[2], "IN_PROGRESS")]
    assert tell("line-1")["deploymentId"] == numbers[2]  # it was switched off before it had told how it went
    tell("line-1", numbers[2])
    assert effective("line-1") == [(numbers[2], "SUCCEEDED")]


def test_a_deployment_is_handed_out_no_faster_than_it_says(cloud: Account) -> None:
    cloud.things = [f"line-{number}" for number in range(5)]
    deploy("a", {"jobExecutionsRolloutConfig": {"maximumPerMinute": 2}})
    assert [tell(thing) is not None for thing in cloud.things] == [True, True, False, False, False]
    cloud.now += 61
    assert [tell(thing) is not None for thing in cloud.things[2:]] == [True, True, False]


def test_a_deployment_that_fails_too_often_is_handed_out_no_more_and_each_failure_is_an_event(cloud: Account) -> None:
    cloud.things = [f"line-{number}" for number in range(5)]
    rule = {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 50, "minNumberOfExecutedThings": 2}
    number = deploy("a", {"abortConfig": {"criteriaList": [rule]}})[1]["deploymentId"]
    for thing in cloud.things[:2]:
        tell(thing)
        tell(thing, number, "FAILED")
    detail = {"deployment-id": number, "coreDeviceExecutionStatus": "FAILED", "reason": "no space"}
    assert cloud.events == [("line-0", detail), ("line-1", detail)]
    assert tell("line-2") is None
    assert ask("GET", f"/greengrass/v2/deployments/{number}")[1]["deploymentStatus"] == "CANCELED"


def test_a_component_that_breaks_is_an_event(cloud: Account) -> None:
    broken = {
        "componentName": "c",
        "componentVersion": "1.0.1",
        "lifecycleState": "BROKEN",
        "lifecycleStateDetails": "x",
    }
    tell("line-1", events=[broken])
    assert cloud.events == [("line-1", {"components": [{"root": True, **broken}]})]


def test_iam_checks_the_resource_that_a_request_names() -> None:
    blob = base64.b64encode(json.dumps(inspector_recipe(OWN, "1.0.1", "s3://b/i.zip", {})).encode()).decode()
    body = json.dumps({"inlineRecipe": blob}).encode()
    arn = f"{state.PREFIX}:components:com.sightline.plant.Inspector:versions:1.0.1"
    assert service.resource_arn("POST", "/greengrass/v2/createComponentVersion", body) == arn
    assert service.resource_arn("GET", f"/greengrass/v2/components/{quote(arn, safe='')}", b"") == arn
    assert service.resource_arn("POST", "/greengrass/v2/deployments", b"{}") == "*"
    for of_a_device in ("installedComponents", "effectiveDeployments"):
        path = f"/greengrass/v2/coreDevices/line-1/{of_a_device}"
        assert service.resource_arn("GET", path, b"") == f"{state.PREFIX}:coreDevices:line-1"


def test_a_thing_that_was_removed_is_no_device_any_more() -> None:
    assert tell("removed") == 403
    assert state.devices == {}


def test_a_core_device_is_deleted_once() -> None:
    tell("line-1")
    assert ask("DELETE", "/greengrass/v2/coreDevices/line-1")[0] in (200, 204)
    assert ask("DELETE", "/greengrass/v2/coreDevices/line-1")[0] == 404
