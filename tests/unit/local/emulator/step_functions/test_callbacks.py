"""What the emulator leaves out of tasks with a token; these fail when a hook that the local run uses has moved."""

import time
from typing import Any

import pytest
from ministack.services import stepfunctions

from local.emulator.step_functions import callbacks

TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": "start", "Payload": {"task_token.$": "$$.Task.Token"}},
    "TimeoutSecondsPath": "$.seconds",
    "ResultPath": "$.answer",
    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}],
    "Next": "Answered",
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run TASK with a function; answers (output, next state)."""
    for name in ("_execute_task", "_invoke_with_callback"):
        monkeypatch.setattr(stepfunctions, name, getattr(stepfunctions, name))

    def run(function: Any, seconds: int) -> Any:
        monkeypatch.setattr(stepfunctions, "_call_lambda", lambda _, event: function(event))
        callbacks.register()
        execution: dict[str, Any] = {"events": []}
        return stepfunctions._execute_task(TASK, {"seconds": seconds}, execution, {"State": {"Name": "Task"}})

    return run


def test_a_task_waits_as_long_as_its_timeout_path_says(run: Any) -> None:
    started = time.monotonic()
    output, following = run(lambda event: None, 1)
    assert (output["error"]["Error"], following) == ("States.Timeout", "Caught")
    assert 0.9 <= time.monotonic() - started < 10


def test_an_error_of_the_function_that_got_the_token_fails_the_task_at_once(run: Any) -> None:
    def fail(event: Any) -> None:
        raise stepfunctions._ExecutionError("NoDevicesError", "the group is empty")

    output, following = run(fail, 60)
    assert (output["error"], following) == ({"Error": "NoDevicesError", "Cause": "the group is empty"}, "Caught")


def test_an_answer_to_the_token_ends_the_task(run: Any) -> None:
    def answer(event: Any) -> None:
        task = stepfunctions._task_tokens[event["task_token"]]
        task["result"] = '{"things": 2}'
        task["event"].set()

    assert run(answer, 60) == ({"seconds": 60, "answer": {"things": 2}}, "Answered")
