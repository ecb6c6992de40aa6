"""State machines: started once for one name, and what they do at the moment."""

import json
from typing import Any

import boto3

_step_functions: Any = boto3.client("stepfunctions")

HISTORY = 50  # last events that are looked at; a state has no more between its entry and the next one


def start_once(state_machine_arn: str, name: str, payload: dict[str, Any]) -> bool:
    """Start an execution unless one of this name was started before; True when it was started or found running."""
    try:
        _step_functions.start_execution(stateMachineArn=state_machine_arn, name=name, input=json.dumps(payload))
    except _step_functions.exceptions.ExecutionAlreadyExists:
        return False
    return True


def newest(state_machine_arn: str, limit: int) -> list[dict[str, Any]]:
    """The newest executions: `name, status, started_at` (ISO 8601), and the `state` that it is in or ended in."""
    listed = _step_functions.list_executions(stateMachineArn=state_machine_arn, maxResults=limit)["executions"]
    return [
        {
            "name": execution["name"],
            "status": execution["status"],
            "started_at": execution["startDate"].isoformat(timespec="seconds"),
            "state": current_state(execution["executionArn"]),
        }
        for execution in listed
    ]


def current_state(execution_arn: str) -> str | None:
    """The state that an execution entered last; None before the first."""
    events = _step_functions.get_execution_history(
        executionArn=execution_arn, reverseOrder=True, maxResults=HISTORY, includeExecutionData=False
    )["events"]
    entered = (event for event in events if event["type"].endswith("StateEntered"))
    return next((str(event["stateEnteredEventDetails"]["name"]) for event in entered), None)


def definition(state_machine_arn: str) -> dict[str, Any]:
    """The Amazon States Language definition that is deployed."""
    found: dict[str, Any] = json.loads(
        _step_functions.describe_state_machine(stateMachineArn=state_machine_arn)["definition"]
    )
    return found
