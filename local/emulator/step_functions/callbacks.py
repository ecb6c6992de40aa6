"""Three things that a task with a token needs and the emulator leaves out.

`TimeoutSecondsPath` is not read, so such a task would wait for a day; an error of the function that gets the token is
dropped, so the task would wait for an answer that nobody will send; and heartbeats are taken but not waited for.
"""

import threading
import time
from typing import Any

from local.emulator.aws_shapes import Structure

LOOK_SECONDS = 0.2

_waiting = threading.local()


def register() -> None:
    """Give them to the emulator of this process."""
    from ministack.services import stepfunctions

    execute_task, invoke_with_callback, call_lambda = (
        stepfunctions._execute_task,
        stepfunctions._invoke_with_callback,
        stepfunctions._call_lambda,
    )

    def execute(state: Structure, raw_input: Any, execution: Any, context: Any) -> Any:
        for name in ("TimeoutSeconds", "HeartbeatSeconds"):
            path = state.get(f"{name}Path")
            if path:
                state = {**state, name: stepfunctions._resolve_path_or_ctx(path, raw_input, context)}
        return execute_task(state, raw_input, execution, context)

    def invoke(resource: str, payload: Any, token: str, state: Structure) -> Any:
        _waiting.token = token
        if "HeartbeatSeconds" in state:
            arguments = (stepfunctions._task_tokens, token, float(state["HeartbeatSeconds"]))
            threading.Thread(target=_watch, args=arguments, name="heartbeat", daemon=True).start()
        try:
            return invoke_with_callback(resource, payload, token, state)
        finally:
            _waiting.token = None

    def call(function: str, event: Any) -> Any:
        try:
            return call_lambda(function, event)
        except stepfunctions._ExecutionError as error:
            task = stepfunctions._task_tokens.get(getattr(_waiting, "token", None))
            if task:
                task["error"] = {"Error": error.error, "Cause": error.cause}
                task["event"].set()
            raise

    stepfunctions._execute_task, stepfunctions._invoke_with_callback, stepfunctions._call_lambda = execute, invoke, call


def _watch(tokens: Structure, token: str, seconds: float) -> None:
    """Fail the task of `token` when it gets no heartbeat for `seconds`; end when the task has ended."""
    last, since, seen = None, time.monotonic(), False
    while time.monotonic() - since < seconds:
        task = tokens.get(token)
        if task is None and seen:
            return
        seen = seen or task is not None
        if task is not None and task["heartbeat"] != last:
            last, since = task["heartbeat"], time.monotonic()
        time.sleep(LOOK_SECONDS)
    task = tokens.get(token)
    if task and not task["event"].is_set():
        task["error"] = {"Error": "States.HeartbeatTimeout", "Cause": f"no heartbeat for {seconds:g} s"}
        task["event"].set()
