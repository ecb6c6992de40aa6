"""Starting state machines, once for one name."""

import json
from typing import Any

import boto3

_step_functions: Any = boto3.client("stepfunctions")


def start_once(state_machine_arn: str, name: str, payload: dict[str, Any]) -> bool:
    """Start an execution unless one of this name was started before; True when it was started or found running."""
    try:
        _step_functions.start_execution(stateMachineArn=state_machine_arn, name=name, input=json.dumps(payload))
    except _step_functions.exceptions.ExecutionAlreadyExists:
        return False
    return True
