"""A person's wish to roll back."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sightline.rollout.record import RolloutState
from sightline.rollout.turns import NothingToRollBackError, RolloutSupersededError


@pytest.fixture
def start(account: SimpleNamespace, load_app: Any) -> Any:
    app = load_app("start_deployment", **account.environment)
    return lambda: app.handler(account.event("start_deployment"), account.context)


@pytest.fixture
def app(account: SimpleNamespace, load_app: Any) -> ModuleType:
    return load_app("request_roll_back", **account.environment)


def ask(app: ModuleType, account: SimpleNamespace) -> dict[str, Any]:
    answer: dict[str, Any] = app.handler(account.event("request_roll_back"), account.context)
    return answer


def test_a_settled_model_is_taken_over_and_a_repeated_call_says_the_same(
    app: ModuleType, start: Any, account: SimpleNamespace
) -> None:
    start()
    app.deployments.promote(account.rollout(), RolloutState.HEALTHY, "")
    expected = {"running": False, "model_version": "1.0.3"}
    assert ask(app, account) == ask(app, account) == expected
    record, event = account.record(), account.event("request_roll_back")
    assert (record["status"], record["execution"]) == (RolloutState.ROLLING_BACK, event["execution"])


def test_a_running_roll_out_is_told_and_woken(app: ModuleType, start: Any, account: SimpleNamespace) -> None:
    start()
    assert ask(app, account) == {"running": True, "model_version": "1.0.3"}
    assert account.record()["stop"] == "scratches are missed on line 3"
    assert account.answers.sent == [("task-token", {})]


def test_without_any_roll_out_there_is_nothing_to_roll_back(app: ModuleType, account: SimpleNamespace) -> None:
    with pytest.raises(NothingToRollBackError, match="no model was ever rolled out"):
        ask(app, account)


def test_a_roll_back_that_was_stopped_before_it_takes_the_devices_gives_them_back(
    app: ModuleType, start: Any, account: SimpleNamespace
) -> None:
    start()
    app.deployments.promote(account.rollout(), RolloutState.HEALTHY, "")
    account.answers.ended = {account.event("request_roll_back")["execution"]}
    with pytest.raises(RolloutSupersededError, match="ended before it had the devices"):
        ask(app, account)
    assert account.rollout().status == RolloutState.ABANDONED
