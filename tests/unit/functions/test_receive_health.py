"""Health reports: all healthy settles a roll-out, one unhealthy fails it, and no other report does any harm."""

import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

TOKEN = "task-token"
HEALTHY = (TOKEN, {"model_version": "1.0.3", "things": 2, "deployment_id": "deployment-1"})


@pytest.fixture
def waiting(account: SimpleNamespace, load_app: Any) -> Any:
    """A roll-out of 1.0.3 that waits for line-1 and line-2; call it to start one."""
    names = ("DEPLOYMENTS_TABLE", "THING_GROUP_ARN")
    start = load_app("start_deployment", **{name: account.environment[name] for name in names})
    return lambda **changes: start.handler(account.event("start_deployment") | changes, account.context)


@pytest.fixture
def app(account: SimpleNamespace, load_app: Any) -> ModuleType:
    names = ("DEPLOYMENTS_TABLE", "THING_GROUP_ARN")
    return load_app("receive_health", **{name: account.environment[name] for name in names})


@pytest.fixture
def send(app: ModuleType, account: SimpleNamespace) -> Any:
    """Send the report of a thing; answers its outcome."""

    def send(thing: str, **changes: Any) -> str:
        event = account.event("receive_health") | {"thing": thing, "topic_thing": thing} | changes
        return app.handler(event, account.context)["outcome"]

    return send


def test_the_workflow_is_told_once_when_every_thing_is_healthy(
    waiting: Any, send: Any, account: SimpleNamespace
) -> None:
    waiting()
    assert send("line-1") == "counted"
    assert account.answers.sent == []
    assert send("line-2") == "healthy"
    assert account.answers.sent == [HEALTHY]
    assert account.record()["status"] == "HEALTHY"


def test_one_unhealthy_thing_fails_the_roll_out_with_its_reason(
    waiting: Any, send: Any, account: SimpleNamespace
) -> None:
    waiting()
    send("line-1")
    assert send("line-2", healthy=False, reason="golden/0.jpg: 0 detections, expected 1") == "unhealthy"
    cause = "line-2: golden/0.jpg: 0 detections, expected 1"
    assert account.answers.sent == [(TOKEN, {"error": "DeviceUnhealthyError", "cause": cause})]
    assert account.record()["status"] == "UNHEALTHY"


def test_an_unhealthy_report_without_a_reason_says_so(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    waiting()
    send("line-1", healthy=False)
    assert account.answers.sent[0][1]["cause"] == "line-1: no reason given"


def test_a_report_that_comes_twice_counts_once(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    waiting()
    assert [send("line-1"), send("line-1"), send("line-1")] == ["counted"] * 3
    assert account.answers.sent == []
    assert [send("line-2"), send("line-2"), send("line-1")] == ["healthy", "ignored", "ignored"]
    assert account.answers.sent == [HEALTHY]


@pytest.mark.parametrize(
    ("thing", "changes"),
    [("line-1", {"model_version": "1.0.2"}), ("line-9", {}), ("line-1", {"model_version": "1.0.2", "healthy": False})],
)
def test_a_report_of_another_model_or_thing_changes_nothing(
    waiting: Any, send: Any, account: SimpleNamespace, thing: str, changes: dict[str, Any]
) -> None:
    waiting()
    before = account.record()
    assert send(thing, **changes) == "ignored"
    assert account.record() == before


def test_a_report_before_any_roll_out_changes_nothing(send: Any, account: SimpleNamespace) -> None:
    assert send("line-1") == "ignored"
    assert account.record() is None


@pytest.mark.parametrize("first", [True, False])
def test_a_late_report_changes_nothing_that_is_settled(
    waiting: Any, send: Any, account: SimpleNamespace, first: bool
) -> None:
    waiting()
    send("line-1", healthy=first)
    send("line-2", healthy=first)
    settled, told = account.record(), list(account.answers.sent)
    assert send("line-1", healthy=not first) == "ignored"
    assert (account.record(), account.answers.sent) == (settled, told)


def test_a_report_after_the_roll_back_changes_nothing(
    waiting: Any, send: Any, app: Any, account: SimpleNamespace
) -> None:
    waiting()
    app.deployments.begin_roll_back(account.record()["execution"])
    settled = account.record()
    assert [send("line-1"), send("line-2", healthy=False)] == ["ignored", "ignored"]
    assert (account.record(), account.answers.sent) == (settled, [])


def test_a_thing_can_not_speak_for_another_one(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    waiting()
    assert send("line-1", topic_thing="line-2", healthy=False) == "invalid"
    assert account.record()["status"] == "WAITING"


@pytest.mark.parametrize(
    "message", [{}, {"healthy": True}, {"thing": "line-1", "topic_thing": "line-1", "healthy": "no"}]
)
def test_a_message_that_is_no_report_is_refused(app: ModuleType, account: SimpleNamespace, message: Any) -> None:
    assert app.handler(message, account.context) == {"outcome": "invalid"}


def test_a_workflow_that_is_gone_is_no_error(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    waiting()
    account.answers.gone.add(TOKEN)
    assert send("line-1", healthy=False) == "unhealthy"
    assert account.answers.sent == []


def test_a_handler_that_died_before_it_told_the_workflow_is_made_good(
    waiting: Any, send: Any, account: SimpleNamespace
) -> None:
    waiting()
    send("line-1")
    account.answers.crash = True
    with pytest.raises(ClientError):
        send("line-2")
    account.answers.crash = False
    assert send("line-2") == "healthy"  # Lambda invokes an asynchronous handler that failed again
    assert account.answers.sent == [HEALTHY]


def test_reports_that_come_at_once_tell_the_workflow_once(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    account.fleet.things = [f"line-{number}" for number in range(8)]
    waiting()
    threads = [threading.Thread(target=send, args=(thing,)) for thing in account.fleet.things * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.answers.sent == [(TOKEN, {**HEALTHY[1], "things": 8})]
    assert account.record()["status"] == "HEALTHY"
