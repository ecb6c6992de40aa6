"""An execution that runs is started once; this fails when a hook of the local run has moved."""

import json
from typing import Any

import pytest
from ministack.services import stepfunctions

from local.emulator.step_functions import repeated_starts
from tests.unit.local.emulator.step_functions.test_ends import ARN, MACHINE, WAITS, start


def test_a_start_with_the_name_and_input_of_one_that_runs_answers_as_the_first_and_no_other_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stepfunctions, "_start_execution", stepfunctions._start_execution)
    repeated_starts.register()
    execution = start(monkeypatch, WAITS)

    def again(given: str) -> tuple[int, Any]:
        request = {"stateMachineArn": MACHINE, "name": "run", "input": given}
        status, _, body = stepfunctions._start_execution(request)
        return status, json.loads(body)

    assert again("{}") == (200, {"executionArn": ARN, "startDate": execution["startDate"]})
    assert again('{"other": 1}')[1]["__type"] == "ExecutionAlreadyExists"
    execution["status"] = "ABORTED"
    assert again("{}")[1]["__type"] == "ExecutionAlreadyExists"
