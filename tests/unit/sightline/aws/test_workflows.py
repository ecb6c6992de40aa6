"""Executions that are started once, where they are, and answers to those that wait."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sightline.aws.clients import Aws
from sightline.aws.workflows import HISTORY, Callbacks, Execution, StateMachine, current_state
from tests.given_aws import GivenAws

DEFINITION = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "Next": "Done"}}}


@pytest.fixture
def arn() -> Iterator[str]:
    with mock_aws():
        yield boto3.client("stepfunctions").create_state_machine(
            name="label-images", definition=json.dumps(DEFINITION), roleArn="arn:aws:iam::123456789012:role/states"
        )["stateMachineArn"]


def test_an_execution_of_one_name_is_started_once(arn: str) -> None:
    machine, client = StateMachine(Aws(), arn), boto3.client("stepfunctions")
    assert machine.start_once("round-1", {"round": 1}) is True
    assert machine.start_once("round-1", {"round": 1}) is True  # the same one, and it is running
    assert machine.start_once("round-1", {"round": 2}) is False
    (running,) = client.list_executions(stateMachineArn=arn)["executions"]
    assert json.loads(client.describe_execution(executionArn=running["executionArn"])["input"]) == {"round": 1}
    client.stop_execution(executionArn=running["executionArn"])
    assert machine.start_once("round-1", {"round": 1}) is False
    assert machine.start_once("round-2", {"round": 1}) is True


def test_an_execution_that_cannot_be_started_is_an_error(arn: str) -> None:
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        StateMachine(Aws(), f"{arn}-2").start_once("round-1", {})


def test_the_definition_is_the_deployed_one(arn: str) -> None:
    assert StateMachine(Aws(), arn).definition() == DEFINITION


def entered(name: str, kind: str = "Task") -> dict[str, Any]:
    return {"type": f"{kind}StateEntered", "stateEnteredEventDetails": {"name": name}}


class StepFunctions:
    """Executions with these histories, the oldest first; task tokens are answered once, and `late` ones never."""

    exceptions = boto3.client("stepfunctions", region_name="us-east-1").exceptions

    def __init__(self, histories: dict[str, list[dict[str, Any]]] | None = None, refusal: str = "TaskTimedOut") -> None:
        self.histories = histories or {}
        self.refusal = refusal
        self.waiting = {"token"}
        self.answers: list[tuple[str, str]] = []
        self.heartbeats: list[str] = []
        self.status = "RUNNING"

    def list_executions(self, *, stateMachineArn: str, maxResults: int) -> dict[str, Any]:  # noqa: N803
        assert stateMachineArn == "arn"
        started = datetime(2026, 11, 20, 9, 30, 0, 500_000, tzinfo=UTC)
        newest = list(reversed(self.histories))[:maxResults]
        return {
            "executions": [
                {"name": name, "executionArn": name, "status": self.status, "startDate": started} for name in newest
            ]
        }

    def get_execution_history(
        self,
        *,
        executionArn: str,  # noqa: N803
        reverseOrder: bool,  # noqa: N803
        maxResults: int,  # noqa: N803
        includeExecutionData: bool,  # noqa: N803
    ) -> dict[str, Any]:
        assert (reverseOrder, includeExecutionData) == (True, False)
        return {"events": list(reversed(self.histories[executionArn]))[:maxResults]}

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        self._check(taskToken, "SendTaskSuccess")
        self.waiting.remove(taskToken)
        self.answers.append((taskToken, output))

    def send_task_heartbeat(self, *, taskToken: str) -> None:  # noqa: N803
        self._check(taskToken, "SendTaskHeartbeat")
        self.heartbeats.append(taskToken)

    def _check(self, token: str, operation: str) -> None:
        if token not in self.waiting:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "as AWS says it"}}, operation)


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ([], None),
        ([{"type": "ExecutionStarted"}], None),
        ([{"type": "ExecutionStarted"}, entered("Plan")], "Plan"),
        ([entered("Plan"), {"type": "TaskStateExited"}, entered("IsNew", "Choice"), {"type": "TaskFailed"}], "IsNew"),
        ([entered("Plan"), entered("Done", "Succeed"), {"type": "ExecutionSucceeded"}], "Done"),
        ([entered("Plan"), *[{"type": "TaskScheduled"}] * (HISTORY - 1)], "Plan"),
    ],
)
def test_an_execution_is_in_the_state_that_it_entered_last(history: list[dict[str, Any]], state: str | None) -> None:
    assert current_state(GivenAws(stepfunctions=StepFunctions({"run": history})), "run") == state


def test_the_newest_executions_come_first_with_their_states() -> None:
    aws = GivenAws(stepfunctions=StepFunctions({"run-1": [entered("A")], "run-2": [], "run-3": [entered("B")]}))
    assert StateMachine(aws, "arn").newest(2) == [
        Execution("run-3", "RUNNING", "2026-11-20T09:30:00+00:00", "B"),
        Execution("run-2", "RUNNING", "2026-11-20T09:30:00+00:00", None),
    ]


@pytest.mark.parametrize(
    ("status", "details", "problem"),
    [
        ("FAILED", {"error": "NoRoomError", "cause": "no room\nTraceback"}, "NoRoomError: no room"),
        ("FAILED", {"error": "BadLabelError", "cause": '{"errorMessage": "no box", "errorType": "BadLabelError"}'},
         "BadLabelError: no box"),
        ("FAILED", {}, "unknown"),
    ],
)  # fmt: skip
def test_an_execution_that_failed_says_why(status: str, details: dict[str, str], problem: str) -> None:
    ended = [entered("A"), {"type": "ExecutionFailed", "executionFailedEventDetails": details}]
    states = StepFunctions({"run-1": ended})
    states.status = status
    (execution,) = StateMachine(GivenAws(stepfunctions=states), "arn").newest(1)
    assert (execution.state, execution.problem) == ("A", f"failed: {problem}")


def test_a_task_is_answered_once() -> None:
    states = StepFunctions()
    callbacks = Callbacks(GivenAws(stepfunctions=states))
    assert callbacks.heartbeat("token") is True
    assert callbacks.succeed("token", '{"n": 1}') is True
    assert callbacks.succeed("token", '{"n": 2}') is False
    assert callbacks.heartbeat("token") is False
    assert (states.answers, states.heartbeats) == ([("token", '{"n": 1}')], ["token"])


@pytest.mark.parametrize("refusal", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_answer_that_comes_too_late_is_told_and_no_error(refusal: str) -> None:
    callbacks = Callbacks(GivenAws(stepfunctions=StepFunctions(refusal=refusal)))
    assert (callbacks.succeed("late"), callbacks.heartbeat("late")) == (False, False)


@pytest.mark.parametrize("refusal", ["InvalidOutput", "AccessDeniedException", "KmsThrottlingException"])
def test_an_answer_that_could_not_be_given_is_an_error(refusal: str) -> None:
    callbacks = Callbacks(GivenAws(stepfunctions=StepFunctions(refusal=refusal)))
    with pytest.raises(ClientError, match=refusal):
        callbacks.succeed("late")
    with pytest.raises(ClientError, match=refusal):
        callbacks.heartbeat("late")
