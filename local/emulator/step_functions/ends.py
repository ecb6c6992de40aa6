"""How an execution ends: once, in time, and with an event that says why.

The emulator lets a task that fails later overwrite that its execution was stopped, knows no `TimeoutSeconds` of a whole
definition, and leaves error and cause out of the events of executions that did not fail by themselves. Source: Step
Functions developer guide, "Automating Step Functions event delivery with EventBridge", "Redriving executions".
"""

import contextvars
import json
import threading
import time
from typing import Any

from local.emulator.aws_shapes import Structure

KIND = "Step Functions Execution Status Change"
REDRIVABLE = ("FAILED", "ABORTED", "TIMED_OUT")
LOOK_SECONDS = 0.2


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack.services import eventbridge, stepfunctions

    run, fail, dispatch = stepfunctions._run_execution, stepfunctions._fail_execution, eventbridge._dispatch_event

    def run_execution(arn: str) -> Any:
        execution = stepfunctions._executions.get(arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        watch(execution, json.loads(machine.get("definition", "{}")))
        return run(arn)

    def fail_execution(execution: Structure, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def dispatch_event(event: Any, *rest: Any, **named: Any) -> Any:
        if event.get("Source") == "aws.states" and event.get("DetailType") == KIND:
            event = {**event, "Detail": json.dumps(_told(json.loads(event["Detail"])))}
        return dispatch(event, *rest, **named)

    stepfunctions._run_execution, stepfunctions._fail_execution = run_execution, fail_execution
    eventbridge._dispatch_event = dispatch_event


def watch(execution: Structure, definition: Structure) -> None:
    """End an execution when it has run for longer than its definition allows, counted from now."""
    if seconds := definition.get("TimeoutSeconds"):
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(_end_in_time, execution, seconds), daemon=True).start()


def _end_in_time(execution: Structure, seconds: float) -> None:
    """End an execution that runs for longer than its definition allows."""
    from ministack.services import stepfunctions

    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if execution["status"] != "RUNNING":
            return
        time.sleep(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
    if execution["status"] == "RUNNING":
        execution |= {"status": "TIMED_OUT", "stopDate": stepfunctions.now_iso(), "error": "States.Timeout"}
        stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        stepfunctions._emit_execution_status_event(execution)


def _told(detail: Structure) -> Structure:
    """Return an event's detail with the redrives, and with what AWS says of every end that is not a good one."""
    from ministack.services import stepfunctions

    execution = stepfunctions._executions.get(detail["executionArn"]) or {}
    date = stepfunctions._iso_to_epoch_ms(execution.get("redriveDate"))
    detail = {**detail, "redriveCount": execution.get("redriveCount", 0), "redriveDate": date}
    if detail["status"] not in REDRIVABLE:
        return detail
    why = {name: execution.get(name) or None for name in ("error", "cause")}
    return {**detail, **why, "redriveStatus": "REDRIVABLE", "redriveStatusReason": None}
