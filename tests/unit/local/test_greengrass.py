"""Greengrass's control plane in the emulator: versions never change, tokens count once, devices are known by their reports."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from local import greengrass
from sightline.components import inspector_recipe, model_recipe

GROUP = "arn:aws:iot:us-east-1:000000000000:thinggroup/line"


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    for store in (
        greengrass._recipes,
        greengrass._created,
        greengrass._deployments,
        greengrass._tokens,
        greengrass._devices,
    ):
        store.clear()
    yield


def ask(method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    sent = json.dumps(body).encode() if body is not None else b""
    status, _, answer = asyncio.run(greengrass.handle_request(method, path, {}, sent, query))
    return status, json.loads(answer)


def create(recipe: dict[str, Any]) -> tuple[int, Any]:
    blob = base64.b64encode(json.dumps(recipe).encode()).decode()
    return ask("POST", "/greengrass/v2/createComponentVersion", {"inlineRecipe": blob})


def test_a_component_version_is_created_once_and_never_changed() -> None:
    recipe = model_recipe("1.0.3", "s3://b/model.zip", sha256="0" * 64)
    status, answer = create(recipe)
    assert (status, answer["componentVersion"]) == (201 if status == 201 else 200, "1.0.3")
    assert create(recipe)[0] == 409
    arn = quote(answer["arn"], safe="")
    found = json.loads(base64.b64decode(ask("GET", f"/greengrass/v2/components/{arn}")[1]["recipe"]))
    assert found == recipe
    assert ask("GET", f"/greengrass/v2/components/{arn}/metadata")[1]["status"]["componentState"] == "DEPLOYABLE"


@pytest.mark.parametrize(
    "change",
    [{"Manifest": []}, {"ComponentVersion": "three"}, {"Manifests": [{"lifecycle": {}}]}, {"ComponentName": None}],
)
def test_a_recipe_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    recipe = inspector_recipe("1.0.1", "s3://b/inspector.zip", {}) | change
    if recipe["ComponentName"] is None:
        del recipe["ComponentName"]
    assert create(recipe)[0] == 400


def test_the_newest_version_comes_first() -> None:
    for version in ("1.0.9", "1.0.10", "1.0.2"):
        create(inspector_recipe(version, "s3://b/inspector.zip", {}))
    arn = quote(f"{greengrass.PREFIX}:components:com.sightline.Inspector", safe="")
    versions = ask("GET", f"/greengrass/v2/components/{arn}/versions")[1]["componentVersions"]
    assert [entry["componentVersion"] for entry in versions] == ["1.0.10", "1.0.9", "1.0.2"]
    unknown = quote(f"{greengrass.PREFIX}:components:none", safe="")
    assert ask("GET", f"/greengrass/v2/components/{unknown}/versions")[0] == 404


def deploy(token: str, **components: str) -> tuple[int, Any]:
    named = {name: {"componentVersion": version} for name, version in components.items()}
    return ask("POST", "/greengrass/v2/deployments", {"targetArn": GROUP, "components": named, "clientToken": token})


def test_a_deployment_with_the_same_token_is_one_and_the_latest_is_known() -> None:
    create(inspector_recipe("1.0.1", "s3://b/inspector.zip", {}))
    wanted = {"com.sightline.Inspector": "1.0.1"}
    first = deploy("a", **wanted)[1]["deploymentId"]
    assert deploy("a", **wanted)[1]["deploymentId"] == first
    second = deploy("b", **wanted)[1]["deploymentId"]
    listed = ask("GET", "/greengrass/v2/deployments", targetArn=GROUP, historyFilter="LATEST_ONLY")[1]["deployments"]
    assert [entry["deploymentId"] for entry in listed] == [second]
    assert deploy("c", **{"com.sightline.Inspector": "9.9.9"})[0] == 404


def test_what_a_simulated_device_reports_is_what_the_service_tells() -> None:
    create(inspector_recipe("1.0.1", "s3://b/inspector.zip", {}))
    number = deploy("a", **{"com.sightline.Inspector": "1.0.1"})[1]["deploymentId"]
    told = {"status": "HEALTHY", "components": {"com.sightline.Inspector": "1.0.1"}}
    ask("POST", "/greengrass/simulated/line-1", told | {"deployment": {"id": number, "status": "SUCCEEDED"}})
    assert [d["coreDeviceThingName"] for d in ask("GET", "/greengrass/v2/coreDevices")[1]["coreDevices"]] == ["line-1"]
    installed = ask("GET", "/greengrass/v2/coreDevices/line-1/installedComponents")[1]["installedComponents"]
    assert [entry["componentVersion"] for entry in installed] == ["1.0.1"]
    assert ask("GET", f"/greengrass/v2/deployments/{number}")[1]["deploymentStatus"] == "COMPLETED"
    assert ask("GET", "/greengrass/v2/coreDevices/none")[0] == 404


def test_iam_checks_the_resource_that_a_request_names() -> None:
    blob = base64.b64encode(json.dumps(inspector_recipe("1.0.1", "s3://b/i.zip", {})).encode()).decode()
    body = json.dumps({"inlineRecipe": blob}).encode()
    arn = f"{greengrass.PREFIX}:components:com.sightline.Inspector:versions:1.0.1"
    assert greengrass.resource_arn("POST", "/greengrass/v2/createComponentVersion", body) == arn
    assert greengrass.resource_arn("GET", f"/greengrass/v2/components/{quote(arn, safe='')}", b"") == arn
    assert greengrass.resource_arn("POST", "/greengrass/v2/deployments", b"{}") == "*"
