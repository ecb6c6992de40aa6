"""Creating the version of the model component."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sightline.rollout.published import ComponentConflictError, ComponentFailedError, ComponentNotReadyError
from sightline.rollout.recipes import model_recipe
from tests.fake_greengrass import COMPONENTS_ARN
from tests.named import OWN

ARN = f"{COMPONENTS_ARN}:com.sightline.plant.Model:versions:1.0.3"


@pytest.fixture
def app(account: SimpleNamespace, load_app: Any) -> ModuleType:
    return load_app("create_component_version", THING_GROUP_ARN=account.environment["THING_GROUP_ARN"])


def test_the_component_version_has_the_models_recipe(app: ModuleType, account: SimpleNamespace) -> None:
    event = account.event("create_component_version")
    assert app.handler(event, account.context) == {"component_arn": ARN}
    recipe = model_recipe(OWN, "1.0.3", event["artifact_uri"], sha256=event["sha256"])
    assert account.fleet.recipes == {ARN: recipe}


def test_creating_the_same_version_again_is_fine(app: ModuleType, account: SimpleNamespace) -> None:
    event = account.event("create_component_version")
    assert [app.handler(event, account.context) for _ in range(2)] == [{"component_arn": ARN}] * 2


def test_a_version_that_is_there_with_other_content_is_a_conflict(app: ModuleType, account: SimpleNamespace) -> None:
    event = account.event("create_component_version")
    app.handler(event, account.context)
    with pytest.raises(ComponentConflictError, match=r"1\.0\.3 is there with other content; register the model"):
        app.handler({**event, "sha256": "0" * 64}, account.context)


@pytest.mark.parametrize("state", ["REQUESTED", "INITIATED"])
def test_the_workflow_comes_again_until_the_version_can_be_deployed(
    app: ModuleType, account: SimpleNamespace, state: str
) -> None:
    account.fleet.state = state
    with pytest.raises(ComponentNotReadyError, match=f"1.0.3 is {state}"):
        app.handler(account.event("create_component_version"), account.context)
    account.fleet.state = "DEPLOYABLE"
    assert app.handler(account.event("create_component_version"), account.context) == {"component_arn": ARN}


def test_a_version_that_greengrass_refuses_fails_with_its_reason(app: ModuleType, account: SimpleNamespace) -> None:
    account.fleet.state = "FAILED"
    with pytest.raises(ComponentFailedError, match="as the test says"):
        app.handler(account.event("create_component_version"), account.context)
