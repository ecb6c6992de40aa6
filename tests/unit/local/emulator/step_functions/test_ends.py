"""An execution ends once, in time, and its event says why; these fail when a hook of the local run has moved."""

import json
import time
from typing import Any

import pytest
from ministack.services import eventbridge, stepfunctions

from local.emulator.step_functions import ends

ARN = "arn:aws:states:us-east-1:000000000000:execution:machine:run"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:machine"
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
FAILS = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "TooLate", "Cause": "it was stopped before"}}}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The details of the events that EventBridge hands to its rules."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(
        eventbridge, "_dispatch_event", lambda event, *_, **__: sent.append(json.loads(event["Detail"]))
    )
    for name in ("_run_execution", "_fail_execution"):
        monkeypatch.setattr(stepfunctions, name, getattr(stepfunctions, name))
    ends.register()
    return sent


def start(monkeypatch: pytest.MonkeyPatch, definition: dict[str, Any]) -> dict[str, Any]:
    machine = {"definition": json.dumps(definition), "name": "machine", "roleArn": "role"}
    execution = {
        "executionArn": ARN, "stateMachineArn": MACHINE, "name": "run", "status": "RUNNING", "input": "{}",
        "startDate": stepfunctions.now_iso(), "stopDate": None, "output": None, "events": [],
    }  # fmt: skip
    monkeypatch.setitem(stepfunctions._state_machines, MACHINE, machine)
    monkeypatch.setitem(stepfunctions._executions, ARN, execution)
    return execution


def test_one_that_runs_for_longer_than_its_definition_allows_is_timed_out(
    told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepfunctions, "_scaled_sleep", lambda _: time.sleep(0.6))
    execution = start(monkeypatch, WAITS | {"TimeoutSeconds": 0.2})
    stepfunctions._run_execution(ARN)
    assert (execution["status"], execution["output"]) == ("TIMED_OUT", None)
    assert [(event["status"], event["error"], event["redriveStatus"]) for event in told] == [
        ("TIMED_OUT", "States.Timeout", "REDRIVABLE")
    ]


def test_one_that_was_stopped_stays_so_and_its_event_has_what_the_person_said(
    told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = start(monkeypatch, FAILS)
    stepfunctions._stop_execution({"executionArn": ARN, "error": "Wrong", "cause": "wrong photos"})
    stepfunctions._fail_execution(execution, "TooLate", "a task of it failed later")
    assert execution["status"] == "ABORTED"
    assert [(event["status"], event["error"], event["cause"]) for event in told] == [
        ("ABORTED", "Wrong", "wrong photos")
    ]


def test_one_that_fails_by_itself_is_told_with_its_error(
    told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(monkeypatch, FAILS)
    stepfunctions._run_execution(ARN)
    assert [(event["status"], event["error"]) for event in told] == [("FAILED", "TooLate")]
