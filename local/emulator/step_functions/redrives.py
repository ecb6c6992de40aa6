"""RedriveExecution, which the emulator lacks: an execution that ended badly goes on in the state where it ended.

A shard of a distributed map that had succeeded runs again, and the definition is the one of now; on AWS neither is so.
Source: Step Functions developer guide, "Redriving executions"; API reference, RedriveExecution.
"""

import contextvars
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from local.emulator.aws_shapes import AwsError, Query, Structure
from local.emulator.step_functions import ends

PERIOD = timedelta(days=14)
MOST_EVENTS = 25_000  # of a history
OVER = {"output": None, "stopDate": None, "error": None, "cause": None}


def redrive(arn: str) -> Structure:
    """Let an execution go on. Return RedriveExecution's answer. Raise AwsError."""
    from ministack.services import stepfunctions

    ended = stepfunctions._executions.get(arn)
    if ended is None:
        raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    reason = why_not(ended)
    if reason:
        raise AwsError("ExecutionNotRedrivable", reason)
    moment, count = stepfunctions.now_iso(), ended.get("redriveCount", 0) + 1
    state, given = place(ended)
    # A record of its own: a task of the one that was stopped may still run, and must not go on with this one.
    execution = {**ended, **OVER, "status": "RUNNING", "redriveCount": count, "redriveDate": moment}
    execution["events"] = list(ended["events"])
    stepfunctions._executions[arn] = execution
    stepfunctions._add_event(execution, "ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": count}})
    stepfunctions._emit_execution_status_event(execution)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_run, execution, state, given), daemon=True).start()
    return {"redriveDate": moment}


def why_not(execution: Structure) -> str:
    """Return why an execution can't be redriven, in AWS's words; empty where it can."""
    status = execution["status"]
    if status not in ends.REDRIVABLE:
        return f"Execution is {status} and cannot be redriven"
    if len(execution["events"]) >= MOST_EVENTS:
        return "Execution history event limit exceeded"
    if datetime.now(UTC) - datetime.fromisoformat(execution["stopDate"]) > PERIOD:
        return "Execution redrivable period exceeded"
    return ""


def place(execution: Structure) -> tuple[str | None, Any]:
    """Return the state that an execution was in when it ended, None before the first, and that state's input."""
    for event in reversed(execution["events"]):
        if "stateEnteredEventDetails" in event:
            entered = event["stateEnteredEventDetails"]
            return entered["name"], json.loads(entered["input"])
    return None, json.loads(execution["input"])


def _run(execution: Structure, name: str | None, given: Any) -> None:
    """Run the states of an execution from one on, which it has entered before."""
    from ministack.services import stepfunctions

    machine = stepfunctions._state_machines[execution["stateMachineArn"]]
    definition = json.loads(machine["definition"])
    ends.watch(execution, definition)  # the time of the whole begins anew
    known = {"Id": execution["executionArn"], "Input": json.loads(execution["input"]), "Name": execution["name"]}
    context: Structure = {
        "Execution": {**known, "StartTime": execution["startDate"], "RedriveCount": execution["redriveCount"]},
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }
    is_entered = name is not None
    name = name or definition["StartAt"]
    try:
        while name and execution["status"] == "RUNNING":
            state = definition["States"][name]
            context["State"] = {"Name": name, "EnteredTime": stepfunctions.now_iso(), "RetryCount": 0}
            if not is_entered:
                told = {"name": name, "input": json.dumps(given)}
                stepfunctions._add_event(execution, f"{state['Type']}StateEntered", {"stateEnteredEventDetails": told})
            given, after = _step(state, given, execution, context)
            told = {"name": name, "output": json.dumps(given)}
            stepfunctions._add_event(execution, f"{state['Type']}StateExited", {"stateExitedEventDetails": told})
            name, is_entered = after, False
    except stepfunctions._ExecutionError as error:
        stepfunctions._fail_execution(execution, error.error, error.cause)
        return
    except Exception as error:
        stepfunctions._fail_execution(execution, "States.Runtime", str(error))
        return
    if execution["status"] == "RUNNING":
        execution |= {"status": "SUCCEEDED", "output": json.dumps(given), "stopDate": stepfunctions.now_iso()}
        told = {"output": execution["output"]}
        stepfunctions._add_event(execution, "ExecutionSucceeded", {"executionSucceededEventDetails": told})
        stepfunctions._emit_execution_status_event(execution)


def _step(state: Structure, given: Any, execution: Structure, context: Structure) -> tuple[Any, str | None]:
    """Run one state. Return its output and the name of the next one."""
    from ministack.services import stepfunctions

    kind = state["Type"]
    if kind == "Fail":
        raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, given, context))
    if kind == "Succeed":
        given = stepfunctions._apply_input_path(state, given, context)
        return stepfunctions._apply_output_path(state, given, context), None
    run = getattr(stepfunctions, f"_execute_{kind.lower()}")
    found: tuple[Any, str | None] = (
        run(state, given, execution, context) if kind in ("Task", "Map", "Parallel") else run(state, given, context)
    )
    return found


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack import app
    from ministack.core.responses import error_response_json, json_response
    from ministack.services import stepfunctions

    answer, describe = app.SERVICE_HANDLERS["states"], stepfunctions._describe_execution

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Query) -> Any:
        if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return await answer(method, path, headers, body, query)
        try:
            return stepfunctions._finalize_response(json_response(redrive(json.loads(body)["executionArn"])))
        except AwsError as error:
            return error_response_json(error.code, error.message, error.status)

    def described(request: Structure) -> Any:
        status, headers, body = describe(request)
        if status != 200:
            return status, headers, body
        execution = stepfunctions._executions[request["executionArn"]]
        reason = why_not(execution)
        more = {"redriveCount": execution.get("redriveCount", 0)}
        more |= {"redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE"}
        more |= {"redriveStatusReason": reason} if reason else {}
        more |= {"redriveDate": execution["redriveDate"]} if "redriveDate" in execution else {}
        return json_response({**json.loads(body), **more})

    app.SERVICE_HANDLERS["states"] = handle
    stepfunctions._describe_execution = described
