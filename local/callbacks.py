"""Two things that a task with a token needs and the emulator leaves out.

`TimeoutSecondsPath` is not read, so such a task would wait for a day; and an error of the function that gets the token is
dropped, so the task would wait for an answer that nobody will send.
"""

import threading
from typing import Any

_waiting = threading.local()


def register() -> None:
    """Give both to the emulator of this process."""
    from ministack.services import stepfunctions as service

    execute_task, invoke_with_callback, call_lambda = (
        service._execute_task,
        service._invoke_with_callback,
        service._call_lambda,
    )

    def execute(state: dict[str, Any], raw_input: Any, execution: Any, context: Any) -> Any:
        path = state.get("TimeoutSecondsPath")
        if path:
            state = {**state, "TimeoutSeconds": service._resolve_path_or_ctx(path, raw_input, context)}
        return execute_task(state, raw_input, execution, context)

    def invoke(resource: str, payload: Any, token: str, state: dict[str, Any]) -> Any:
        _waiting.token = token
        try:
            return invoke_with_callback(resource, payload, token, state)
        finally:
            _waiting.token = None

    def call(function: str, event: Any) -> Any:
        try:
            return call_lambda(function, event)
        except service._ExecutionError as error:
            task = service._task_tokens.get(getattr(_waiting, "token", None))
            if task:
                task["error"] = {"Error": error.error, "Cause": error.cause}
                task["event"].set()
            raise

    service._execute_task, service._invoke_with_callback, service._call_lambda = execute, invoke, call
