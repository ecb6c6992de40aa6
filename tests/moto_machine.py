"""A real ASL file with the real functions in this process, run by moto's interpreter: a second opinion beside the
emulator's.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint, HeartbeatEndpoint

from tests.project import ROOT, folder_of, scopes, states

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:"
Handler = Callable[[dict[str, Any], Any], Any]

# moto waits a whole heartbeat for an answer that came while the task was still being started, and then says that it
# timed out; Step Functions takes it at once.
_set_up = CallbackEndpoint.setup_heartbeat_endpoint


def _set_up_answered(endpoint: CallbackEndpoint, heartbeat_seconds: int) -> HeartbeatEndpoint:
    made = _set_up(endpoint, heartbeat_seconds)
    if endpoint.get_outcome() is not None:
        made.notify()  # type: ignore[no-untyped-call]
    return made


CallbackEndpoint.setup_heartbeat_endpoint = _set_up_answered  # type: ignore[method-assign, assignment]


@dataclass
class Ended:
    """How an execution ended: the states it entered, in order, and what it said."""

    status: str
    path: list[str]
    error: str | None
    cause: str | None
    output: dict[str, Any]


class Machine:
    """A state machine in moto. Function errors become task errors, as Lambda reports them.

    `handler_of` gives the handler of a folder in functions/; `substitutions` are those of the template but for
    functions.
    """

    def __init__(
        self, name: str, handler_of: Callable[[str], Handler], context: Any, substitutions: Mapping[str, str] = {}
    ) -> None:
        self.handler_of, self.context = handler_of, context
        text = (ROOT / "statemachines" / f"{name}.asl.json").read_text()
        for key, state in states(name).items():
            if "lambda:invoke" in state.get("Resource", ""):
                text = text.replace("${" + key + "Function}", LAMBDA + folder_of(key))
        for key, value in substitutions.items():
            text = text.replace("${" + key + "}", value)
        assert "${" not in text
        definition = json.loads(text)
        for scope in scopes(definition):
            for state in scope["States"].values():
                for retry in state.get("Retry", []):
                    retry["IntervalSeconds"] = 1  # the same path, sooner
        self.client = boto3.client("stepfunctions")
        self.arn: str = self.client.create_state_machine(
            name=name.replace("_", "-"),
            roleArn="arn:aws:iam::123456789012:role/workflow",
            definition=json.dumps(definition),
        )["stateMachineArn"]

    def invoke(self, parameters: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """Stands in for the Lambda service's Invoke."""
        name = parameters["FunctionName"].rsplit(":", 1)[-1]
        try:
            payload = self.handler_of(name)(json.loads(parameters["Payload"]), self.context)
        except Exception as error:  # whatever a function raises is what the workflow sees
            payload = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": payload}
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(payload))}

    def start(self, name: str, request: dict[str, Any]) -> str:
        """Start an execution; answers its ARN."""
        started = self.client.start_execution(stateMachineArn=self.arn, name=name, input=json.dumps(request))
        return str(started["executionArn"])

    def end(self, execution: str) -> Ended:
        """Wait until the execution has ended."""
        until = time.monotonic() + 60
        while (described := self.client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < until, f"still running after 60 s: {self.path(execution)}"
            time.sleep(0.05)
        output = json.loads(described.get("output") or "{}")
        return Ended(described["status"], self.path(execution), described.get("error"), described.get("cause"), output)

    def path(self, execution: str) -> list[str]:
        """The states that the execution has entered, in order."""
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=execution)
        events = [event for page in pages for event in page["events"]]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
