"""An execution that ended badly goes on where it ended; these fail when a hook of the local run has moved."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ministack.services import eventbridge, stepfunctions

from local.emulator.aws_shapes import AwsError
from local.emulator.step_functions import ends, redrives
from tests.unit.local.emulator.step_functions.test_ends import ARN, start

WHOLE = {
    "StartAt": "First",
    "States": {
        "First": {"Type": "Pass", "Result": {"seen": 1}, "ResultPath": "$.first", "Next": "Work"},
        "Work": {"Type": "Task", "Resource": "arn:aws:lambda:::work", "ResultPath": "$.work", "Next": "IsDone"},
        "IsDone": {"Type": "Choice", "Choices": [{"Variable": "$.work", "IsPresent": True, "Next": "Done"}]},
        "Done": {"Type": "Succeed"},
    },
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        eventbridge, "_dispatch_event", lambda event, *_, **__: sent.append(json.loads(event["Detail"]))
    )
    for name in ("_run_execution", "_fail_execution", "_execute_task"):
        monkeypatch.setattr(stepfunctions, name, getattr(stepfunctions, name))
    ends.register()
    return sent


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, told: list[dict[str, Any]]) -> list[Any]:
    """What the task does in its calls: an answer or an exception; the inputs that it got go to the end."""
    todo: list[Any] = []

    def run(state: dict[str, Any], given: Any, execution: Any, context: dict[str, Any]) -> Any:
        assert context["Execution"]["Input"] == {}
        found = todo.pop(0)
        if isinstance(found, Exception):
            raise found
        return {**given, "work": found}, state["Next"]

    monkeypatch.setattr(stepfunctions, "_execute_task", run)
    return todo


def redriven(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Redrive the execution. Return it when its end has been told."""
    redrives.redrive(ARN)
    deadline = time.monotonic() + 5
    while told[-1]["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return stepfunctions._executions[ARN]  # type: ignore[no-any-return]


def kinds(execution: dict[str, Any]) -> list[str]:
    return [event["type"] for event in execution["events"]]


def test_a_task_that_failed_runs_again_and_what_was_done_before_does_not(
    told: list[dict[str, Any]], work: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(monkeypatch, WHOLE)
    work += [stepfunctions._ExecutionError("Broken", "no power"), stepfunctions._ExecutionError("Broken", "again"), 7]
    stepfunctions._run_execution(ARN)
    assert redriven(told)["cause"] == "again"
    execution = redriven(told)
    assert (execution["status"], json.loads(execution["output"])) == ("SUCCEEDED", {"first": {"seen": 1}, "work": 7})
    assert kinds(execution) == [
        "PassStateEntered", "PassStateExited", "TaskStateEntered", "ExecutionFailed", "ExecutionRedriven",
        "ExecutionFailed", "ExecutionRedriven", "TaskStateExited", "ChoiceStateEntered", "ChoiceStateExited",
        "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert [(event["status"], event["redriveCount"]) for event in told] == [
        ("FAILED", 0), ("RUNNING", 1), ("FAILED", 1), ("RUNNING", 2), ("SUCCEEDED", 2),
    ]  # fmt: skip


def test_a_task_that_still_runs_when_its_execution_is_stopped_does_not_go_on_with_the_redriven_one(
    told: list[dict[str, Any]], work: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = start(monkeypatch, WHOLE)
    work.append(1)

    def stop_and_redrive(*given: Any) -> Any:
        monkeypatch.setattr(stepfunctions, "_execute_task", run)
        stepfunctions._stop_execution({"executionArn": ARN})
        redriven(told)
        return run(*given)

    run = stepfunctions._execute_task
    work.append(2)
    monkeypatch.setattr(stepfunctions, "_execute_task", stop_and_redrive)
    stepfunctions._run_execution(ARN)
    execution = stepfunctions._executions[ARN]
    assert (stopped["status"], execution["status"]) == ("ABORTED", "SUCCEEDED")
    assert kinds(execution).count("TaskStateExited") == 1


def test_only_what_ended_badly_in_the_last_14_days_can_be_redriven(
    told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = start(monkeypatch, WHOLE)
    with pytest.raises(AwsError, match="Execution is RUNNING and cannot be redriven"):
        redrives.redrive(ARN)
    stepfunctions._stop_execution({"executionArn": ARN})
    execution["stopDate"] = (datetime.now(UTC) - timedelta(days=15)).isoformat()
    with pytest.raises(AwsError, match="Execution redrivable period exceeded"):
        redrives.redrive(ARN)
    with pytest.raises(AwsError) as caught:
        redrives.redrive(f"{ARN}-other")
    assert caught.value.code == "ExecutionDoesNotExist"
