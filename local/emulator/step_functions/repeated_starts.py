"""StartExecution again with the name and the input of an execution that runs, which the emulator refuses: AWS answers
as it did the first time. Source: Step Functions API reference, StartExecution.
"""

from typing import Any

from local.emulator.aws_shapes import Structure


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack.core.responses import json_response
    from ministack.services import stepfunctions

    start = stepfunctions._start_execution

    def started(request: Structure) -> Any:
        machine = stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", ""))
        arn = f"{(machine or '').replace(':stateMachine:', ':execution:')}:{request.get('name')}"
        running = stepfunctions._executions.get(arn)
        if running and running["status"] == "RUNNING" and running["input"] == request.get("input", "{}"):
            return json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(request)

    stepfunctions._start_execution = started
