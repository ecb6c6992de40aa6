"""Taking a model back: the group runs again what it ran before."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

NEXT = {
    "execution": "next",
    "approved_at": "2026-11-20T11:00:00Z",
    "component_version": "1.0.4",
    "task_token": "next-token",
}
NOTHING = {"rolled_back": False, "deployment_ids": None, "components": None}
V3 = {"com.sightline.plant.Inspector": "1.10.0", "com.sightline.plant.Model": "1.0.3"}


@pytest.fixture
def start(account: SimpleNamespace, load_app: Any) -> Any:
    app = load_app("start_deployment", **account.environment)

    def start(**changes: Any) -> None:
        app.handler(account.event("start_deployment") | changes, account.context)

    return start


@pytest.fixture
def app(account: SimpleNamespace, load_app: Any) -> ModuleType:
    return load_app("roll_back", **account.environment)


def test_the_group_gets_back_the_components_it_ran_before(
    app: ModuleType, start: Any, account: SimpleNamespace
) -> None:
    start()
    app.deployments.table.update(app.deployments.key, "SET #status = :status", {"status": "HEALTHY"})
    account.fleet.inspectors.append("1.11.0")
    start(**NEXT)
    assert app.handler({"execution": "next"}, account.context) == {
        "rolled_back": True,
        "deployment_ids": {"fleet": "deployment-3"},
        "components": {"fleet": V3},
    }
    assert account.fleet.deployments[2]["components"] == account.fleet.deployments[0]["components"]
    assert account.record()["status"] == "ROLLED_BACK"


def test_a_model_that_was_taken_back_is_no_longer_approved(
    app: ModuleType, start: Any, account: SimpleNamespace
) -> None:
    """What scores in the cloud is the latest approved model: it must not be one that the devices were freed of."""
    group = {"ModelPackageGroupName": account.environment["MODEL_PACKAGE_GROUP"]}
    for _ in range(3):
        account.sagemaker.create_model_package(**group, ModelApprovalStatus="Approved")
    start()
    assert account.record()["model_version"] == "1.0.3"
    app.handler({"execution": account.record()["execution"]}, account.context)
    packages = account.sagemaker.list_model_packages(**group)["ModelPackageSummaryList"]
    states = {package["ModelPackageVersion"]: package["ModelApprovalStatus"] for package in packages}
    assert states == {1: "Approved", 2: "Approved", 3: "Rejected"}


def test_before_the_first_roll_out_there_was_no_model(app: ModuleType, start: Any, account: SimpleNamespace) -> None:
    start()
    rolled_back = app.handler(
        account.event("roll_back") | {"execution": account.record()["execution"]}, account.context
    )
    assert rolled_back == {
        "rolled_back": True,
        "deployment_ids": {"fleet": "deployment-2"},
        "components": {"fleet": {}},
    }
    assert account.fleet.rolled_out() == [V3, {}]


def test_rolling_back_twice_deploys_once(app: ModuleType, start: Any, account: SimpleNamespace) -> None:
    start()
    event = {"execution": account.record()["execution"]}
    assert app.handler(event, account.context) == app.handler(event, account.context)
    assert len(account.fleet.deployments) == 2


def test_an_execution_that_never_took_the_group_changes_nothing(app: ModuleType, account: SimpleNamespace) -> None:
    assert app.handler(account.event("roll_back"), account.context) == NOTHING
    assert (account.record(), account.fleet.deployments) == (None, [])


def test_an_execution_whose_group_went_to_another_one_changes_nothing(
    app: ModuleType, start: Any, account: SimpleNamespace
) -> None:
    start()
    before = account.record()
    assert app.handler({"execution": "another"}, account.context) == NOTHING
    assert (account.record(), len(account.fleet.deployments)) == (before, 1)


def test_a_rolled_back_group_is_free_for_the_next_approval(
    app: ModuleType, start: Any, account: SimpleNamespace
) -> None:
    start()
    app.handler({"execution": account.record()["execution"]}, account.context)
    start(**NEXT)
    assert account.record()["previous"] == {"fleet": {}}
    assert account.fleet.rolled_out() == [V3, {}, {**V3, "com.sightline.plant.Model": "1.0.4"}]
