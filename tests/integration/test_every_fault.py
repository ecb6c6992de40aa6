"""Every task of every workflow × every error that its service documents × how often it comes: what the real state does.

Each state runs as it stands in its ASL file, in moto's interpreter, with every other state replaced by an end of the
same name. The service is replaced by a script of failures (the interpreter knows no SageMaker: its jobs stand as an
invocation); waits between attempts are skipped. What must come out is worked out by a few lines of this file, from the
rules of the Amazon States Language alone. What no Catch takes ends the execution; what then is given back, and who is
told, is the business of `give_back` (test_stopped_executions.py).
"""

import json
import re
import time
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.session import get_session
from moto import mock_aws
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from tests.project import ROOT, folder_of, scopes, states, targets, workflow, workflows

pytestmark = pytest.mark.slow

WORKING = ("Task", "Map", "Parallel")
CASES = [(name, key) for name in workflows() for key, state in states(name).items() if state["Type"] in WORKING]
# Raised by Step Functions itself. No Catch takes States.Runtime and States.DataLimitExceeded.
OF_STATES = ["States.Timeout", "States.TaskFailed", "States.Permissions"]
OF_MAPS = ["States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed", "States.ResultWriterFailed"]
OF_LAMBDA = ["AWSLambdaException", "SdkClientException", "ClientExecutionTimeoutException", "Unknown"]
OF_SAGEMAKER = ["AmazonSageMakerException", "SdkClientException"]
OF_WORKFLOWS = ["SdkClientException", "ThrottlingException", "ExecutionAlreadyExistsException"]
# "Best practices for Step Functions": handle transient Lambda service exceptions.
TRANSIENT = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]


def documented(service: str, operation: str) -> list[str]:
    """The errors that a service's own model lists for an operation."""
    shapes = get_session().get_service_model(service).operation_model(operation).error_shapes
    return [shape.name for shape in shapes]


def errors_of(state: dict[str, Any], key: str) -> list[str]:
    """What may go wrong in a state, by the names that Step Functions gives it, and every name that the state knows."""
    resource = state.get("Resource", "")
    if "lambda:invoke" in resource:
        found = [f"Lambda.{name}" for name in [*documented("lambda", "Invoke"), *OF_LAMBDA]] + raised_by(key)
    elif "sagemaker:" in resource:
        operation = resource.rsplit(":", 1)[1].removesuffix(".sync")
        names = documented("sagemaker", operation[0].upper() + operation[1:])
        found = [f"SageMaker.{name.removesuffix('Exception')}Exception" for name in names]
        found += [f"SageMaker.{name}" for name in OF_SAGEMAKER]
    elif "states:" in resource:
        names = documented("stepfunctions", "StartExecution")
        found = [f"StepFunctions.{name.removesuffix('Exception')}Exception" for name in names]
        found += [f"StepFunctions.{name}" for name in OF_WORKFLOWS]
    else:
        assert state["Type"] == "Map", "a service whose errors nobody has listed here"
        found = list(OF_MAPS)
    waits = ["States.HeartbeatTimeout"] if "waitForTaskToken" in resource else []
    return sorted({*found, *OF_STATES, *waits, *known_to(state)} - {"States.ALL"})


def raised_by(key: str) -> list[str]:
    """The errors that the function's own description names."""
    text = (ROOT / "functions" / folder_of(key) / "app.py").read_text().split('"""')[1]
    errors = text.partition("Errors:")[2]
    return [*re.findall(r"\b\w+Error\b", errors), "AnythingElseError"]


def known_to(state: dict[str, Any]) -> set[str]:
    return {name for part in ("Retry", "Catch") for entry in state.get(part, []) for name in entry["ErrorEquals"]}


Edge = tuple[str, int]  # `Retry` or `Catch`, and the place in its list


def expected(state: dict[str, Any], error: str, failures: int) -> tuple[str | None, list[Edge]]:
    """The next state after a task that fails that often with that error, or None for a failed execution; and the edges
    on the way.
    """
    retries, edges = [0] * len(state.get("Retry", [])), []
    for _ in range(failures):
        number = matching(state.get("Retry", []), error)
        if number is not None and retries[number] < state["Retry"][number].get("MaxAttempts", 3):
            retries[number] += 1
            edges.append(("Retry", number))
            continue
        caught = matching(state.get("Catch", []), error)
        if caught is None:
            return None, edges
        return state["Catch"][caught]["Next"], [*edges, ("Catch", caught)]
    return state.get("Next", "End"), edges


def matching(entries: list[dict[str, Any]], error: str) -> int | None:
    for number, entry in enumerate(entries):
        names = entry["ErrorEquals"]
        if error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout"):
            return number
    return None


class Failing:
    """One state of a workflow, alone, and a service that fails as often as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, key: str) -> None:
        scope = next(scope for scope in scopes(workflow(name)) if key in scope["States"])
        self.state = scope["States"][key]
        others = {other: {"Type": "Succeed"} for other in targets(self.state)}
        text = json.dumps({"StartAt": key, "States": {key: self.state, **others}})
        text = re.sub(r"arn:aws:states:::sagemaker:\w+\.sync", "arn:aws:states:::lambda:invoke", text)
        text = re.sub(r"\$\{\w+\}", "arn:aws:lambda:us-east-1:123456789012:function:none", text)
        self.left, self.error = 0, ""
        self.key = key
        monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None))
        monkeypatch.setattr(ExecutionState, "_evaluate_with_timeout", lambda state, env: self.work(env))
        self.client = boto3.client("stepfunctions")
        role = "arn:aws:iam::123456789012:role/workflow"
        self.arn = self.client.create_state_machine(name=key, roleArn=role, definition=text)["stateMachineArn"]

    def work(self, env: Any) -> None:
        if not self.left:
            env.stack.append(env.states.get_input())
            return
        self.left -= 1
        of_states = self.error.startswith("States.")
        raised = (
            StatesErrorName(StatesErrorNameType.from_name(self.error)) if of_states else CustomErrorName(self.error)
        )
        details = EventDetails(taskFailedEventDetails=TaskFailedEventDetails(error=self.error, cause="planted"))
        raise FailureEventException(FailureEvent(env, raised, HistoryEventType.TaskFailed, details))

    def run(self, error: str, failures: int) -> str | None:
        """The state that follows, `End` for none, or None for a failed execution."""
        self.error, self.left = error, failures
        started = self.client.start_execution(stateMachineArn=self.arn, name=uuid.uuid4().hex, input="{}")
        execution = started["executionArn"]
        until = time.monotonic() + 30
        while (status := self.client.describe_execution(executionArn=execution)["status"]) == "RUNNING":
            assert time.monotonic() < until, f"{error} × {failures} never ends"
            time.sleep(0.002)
        if status == "FAILED":
            return None
        events = self.client.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
        assert entered[0] == self.key
        return entered[1] if len(entered) > 1 else "End"


@pytest.fixture(autouse=True)
def account() -> Iterator[None]:
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield


@pytest.fixture(scope="module")
def edges() -> Iterator[dict[str, int]]:
    counts = {"there": 0, "executed": 0, "runs": 0}
    yield counts
    print(
        f"\n{counts['executed']} of {counts['there']} Retry and Catch edges executed "
        f"({counts['executed'] / max(1, counts['there']):.0%}), in {counts['runs']} runs of {len(CASES)} states"
    )


@pytest.mark.parametrize(("name", "key"), CASES)
def test_every_documented_error_is_retried_as_often_as_the_file_says_and_goes_where_it_says(
    name: str, key: str, monkeypatch: pytest.MonkeyPatch, edges: dict[str, int]
) -> None:
    failing = Failing(monkeypatch, name, key)
    state, executed = failing.state, set[Edge]()
    assert failing.run("", 0) == state.get("Next", "End")
    for error in errors_of(state, key):
        number = matching(state.get("Retry", []), error)
        attempts = 0 if number is None else state["Retry"][number].get("MaxAttempts", 3)
        for failures in sorted({1, max(1, attempts), attempts + 1}):
            following, passed = expected(state, error, failures)
            assert failing.run(error, failures) == following, f"{error} × {failures}"
            executed |= set(passed)
            edges["runs"] += 1
    there = {(part, number) for part in ("Retry", "Catch") for number in range(len(state.get(part, [])))}
    assert executed == there, "an edge that no documented error takes"
    edges["there"] += len(there)
    edges["executed"] += len(executed)


@pytest.mark.parametrize(("name", "key"), CASES)
def test_what_lambda_calls_transient_is_tried_again(name: str, key: str) -> None:
    state = states(name)[key]
    if "lambda:invoke" in state.get("Resource", ""):
        assert [error for error in TRANSIENT if matching(state["Retry"], error) is None] == []
