"""A bake: the record says until when, and a device that failed before the token was known wakes the workflow at
once.
"""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from sightline.rollout import deployments
from sightline.rollout.record import RolloutState
from sightline.rollout.turns import RolloutSupersededError


@pytest.fixture
def baking(account: SimpleNamespace, load_app: Any) -> Any:
    load_app("start_deployment", **account.environment).handler(account.event("start_deployment"), account.context)
    app = load_app("bake_model", **account.environment)
    return lambda **changes: app.handler(account.event("bake_model") | changes, account.context)


def test_a_repeated_call_waits_with_the_newer_token_and_bakes_no_longer(baking: Any, account: SimpleNamespace) -> None:
    baking()
    until = account.record()["bake_until"]
    baking(bake_seconds=9000, task_token="second")
    record = account.record()
    assert (record["status"], record["task_token"], record["bake_until"]) == (RolloutState.BAKING, "second", until)
    assert account.answers.sent == []


def test_a_bake_that_a_wrong_clock_has_begun_begins_anew(
    baking: Any, account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(deployments.time, "time", lambda: true() + 5 * 3600)
        baking(bake_seconds=60)
    assert account.record()["bake_until"] > true() + 4 * 3600
    baking(bake_seconds=60)
    assert account.record()["bake_until"] <= true() + 60


def test_a_failure_that_came_before_the_token_wakes_the_workflow(
    baking: Any, account: SimpleNamespace, load_app: Any
) -> None:
    report = {"thing": "line-1", "topic_thing": "line-1", "healthy": False, "model_version": "1.0.3", "reason": "no"}
    load_app("receive_health", **account.environment).handler(report, account.context)
    load_app("receive_health", **account.environment).handler(
        report | {"thing": "line-2", "topic_thing": "line-2"}, account.context
    )
    baking()
    assert account.answers.sent[-1] == ("bake-token", {})


def test_a_roll_out_that_was_taken_back_bakes_nothing(baking: Any, account: SimpleNamespace, load_app: Any) -> None:
    roll_back = load_app("roll_back", **account.environment)
    roll_back.handler({"execution": account.record()["execution"]}, account.context)
    with pytest.raises(RolloutSupersededError):
        baking()
