"""Health reports: all healthy settles a roll-out, one unhealthy fails it, and no other report does any harm."""

import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sightline.line.messages import Health
from sightline.rollout.record import RolloutState
from tests.named import OWN

TOKEN = "task-token"
WOKEN = (TOKEN, {})


@pytest.fixture
def waiting(account: SimpleNamespace, load_app: Any) -> Any:
    """A roll-out of 1.0.3 that waits for line-1 and line-2; call it to start one."""
    start = load_app("start_deployment", **account.environment)
    return lambda **changes: start.handler(account.event("start_deployment") | changes, account.context)


@pytest.fixture
def app(account: SimpleNamespace, load_app: Any) -> ModuleType:
    return load_app("receive_health", **account.environment)


@pytest.fixture
def send(app: ModuleType, account: SimpleNamespace) -> Any:
    """Send the report of a thing; answers its outcome."""

    def send(thing: str, **changes: Any) -> str:
        event = account.event("receive_health") | {"thing": thing, "topic_thing": thing} | changes
        return " ".join(app.handler(event, account.context)["outcomes"])

    return send


def test_the_workflow_is_told_once_when_every_thing_is_healthy(
    waiting: Any, send: Any, account: SimpleNamespace
) -> None:
    waiting()
    assert send("line-1") == "counted"
    assert account.answers.sent == []
    assert send("line-2") == "woken"
    assert account.answers.sent == [WOKEN]
    assert account.answers.heartbeats == [TOKEN]
    assert account.record()["healthy"] == {"line-1", "line-2"}


def test_one_unhealthy_thing_fails_the_roll_out_with_its_reason(
    waiting: Any, send: Any, account: SimpleNamespace
) -> None:
    waiting()
    send("line-1")
    assert send("line-2", healthy=False, reason="golden/0.jpg: 0 detections, expected 1") == "woken"
    assert account.answers.sent == [WOKEN]
    assert account.record()["failed"] == {"line-2": "golden/0.jpg: 0 detections, expected 1"}


def test_an_unhealthy_report_without_a_reason_says_so(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    waiting()
    send("line-1", healthy=False)
    assert account.record()["failed"] == {"line-1": "no reason given"}


def test_a_report_that_comes_twice_counts_once(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    waiting()
    assert [send("line-1"), send("line-1"), send("line-1")] == ["counted"] * 3
    assert account.answers.sent == []
    assert [send("line-2"), send("line-2"), send("line-1")] == ["woken", "counted", "counted"]
    assert account.answers.sent == [WOKEN]


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
    waiting: Any, send: Any, app: Any, account: SimpleNamespace, first: bool
) -> None:
    waiting()
    send("line-1", healthy=first)
    send("line-2", healthy=first)
    app.deployments.promote(account.rollout(), RolloutState.HEALTHY, "")
    settled, told = account.record(), list(account.answers.sent)
    assert send("line-1", healthy=not first) == "ignored"
    assert (account.record(), account.answers.sent) == (settled, told)


def test_a_report_after_the_roll_back_changes_nothing(
    waiting: Any, send: Any, app: Any, account: SimpleNamespace
) -> None:
    waiting()
    app.deployments.begin_roll_back(account.record()["execution"], OWN)
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
    assert app.handler(message, account.context) == {"outcomes": ["invalid"]}


def test_a_workflow_that_is_gone_is_no_error(waiting: Any, send: Any, account: SimpleNamespace) -> None:
    waiting()
    account.answers.gone.add(TOKEN)
    assert send("line-1") == send("line-2", healthy=False) == "counted"
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
    assert send("line-2") == "woken"  # Lambda invokes an asynchronous handler that failed again
    assert account.answers.sent == [WOKEN]


def test_reports_that_come_at_once_tell_the_workflow_once(
    waiting: Any, app: ModuleType, account: SimpleNamespace
) -> None:
    account.fleet.things = [f"line-{number}" for number in range(8)]
    waiting()
    said = [Health(thing, "2026-11-24T10:00:00Z", "1.0.3", healthy=True, reason="") for thing in account.fleet.things]
    # Not the whole handler: Lambda never runs two in one process, and they would share its metrics.
    threads = [threading.Thread(target=app.receive, args=(report,)) for report in said * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.answers.sent == [WOKEN]
    assert len(account.record()["healthy"]) == 8


def test_a_device_that_failed_stays_failed_whatever_it_says_later(
    waiting: Any, send: Any, account: SimpleNamespace
) -> None:
    account.fleet.things = ["line-1", "line-2", "line-3"]
    waiting()
    send("line-1", healthy=False, reason="no")
    assert send("line-1") == "counted"
    assert account.record()["failed"] == {"line-1": "no"}
    send("line-2")
    assert send("line-3") == "woken"


def window(since: int, **changes: Any) -> dict[str, Any]:
    shadow = {"model_version": "1.0.2", "images": 40, "disagreements": 1}
    times = {"from": f"2026-11-20T10:{since:02}:00+00:00", "to": f"2026-11-20T10:{since + 5:02}:00+00:00"}
    message = {"thing": "line-1", "topic_thing": "line-1", "model_version": "1.0.3", "shadow": shadow}
    return {**message, **times, "latency_ms": {"p95": 50.0}, **changes}


def test_windows_of_live_images_count_once_and_in_order(
    waiting: Any, app: ModuleType, account: SimpleNamespace
) -> None:
    waiting()
    for since in (0, 0, 5, 0, 10):
        app.handler(window(since), account.context)
    assert account.record()["bake"] == {
        "line-1": {"images": 120, "disagreements": 3, "latency_ms": 50, "until": "2026-11-20T10:15:00+00:00"}
    }
    assert account.answers.heartbeats == []  # telemetry keeps no stage waiting


def test_a_slow_device_fails_while_it_bakes(waiting: Any, app: ModuleType, account: SimpleNamespace) -> None:
    waiting()
    app.deployments.bake(account.record()["execution"], task_token="bake-token", bake_seconds=600)
    app.handler(window(0, latency_ms={"p95": 3000.0}), account.context)
    assert account.record()["failed"]["line-1"].startswith("too slow: 95 % of images took up to 3000 ms")


def test_an_event_of_greengrass_counts_for_the_deployment_of_the_roll_out(
    waiting: Any, app: ModuleType, account: SimpleNamespace
) -> None:
    waiting()
    arn = "arn:aws:greengrass:us-east-1:123456789012:coreDevices:line-1"
    event = {"source": "aws.greengrass", "resources": [arn], "time": "2026-11-20T10:00:00Z"}
    event["detail-type"] = "Greengrass V2 Effective Deployment Status Change"
    detail = {"deploymentId": "another", "coreDeviceExecutionStatus": "FAILED", "reason": "ARTIFACT_DOWNLOAD_ERROR"}
    assert app.handler(event | {"detail": detail}, account.context) == {"outcomes": ["ignored"]}
    detail["deploymentId"] = "deployment-1"
    assert app.handler(event | {"detail": detail}, account.context) == {"outcomes": ["counted"]}
    assert account.record()["failed"] == {"line-1": "deployment failed: ARTIFACT_DOWNLOAD_ERROR"}


def test_a_component_that_breaks_counts_once_the_device_runs_the_new_model(
    waiting: Any, send: Any, app: ModuleType, account: SimpleNamespace
) -> None:
    waiting()
    broken = {
        "componentName": "com.sightline.plant.Inspector",
        "lifecycleState": "BROKEN",
        "lifecycleStateDetails": "exit 1",
    }
    others = ("other", "com.sightline.plant-2.Inspector")  # the second is another stack's
    event = {
        "source": "aws.greengrass",
        "resources": ["arn:aws:greengrass:us-east-1:123456789012:coreDevices:line-1"],
        "detail-type": "Greengrass V2 Installed Component Status Change",
        "detail": {"components": [broken, *(broken | {"componentName": other} for other in others)]},
    }
    assert app.handler(event, account.context) == {"outcomes": ["ignored"]}
    send("line-1")
    assert app.handler(event, account.context) == {"outcomes": ["counted"]}
    assert account.record()["failed"] == {"line-1": "com.sightline.plant.Inspector broken: exit 1"}
