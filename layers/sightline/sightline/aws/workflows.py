"""State machines: executions started once for one name, what they do at the moment, and answers to those that wait."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NotRequired, Self, TypedDict

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.fields import Fields

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef, HistoryEventTypeDef

CAUSE = 300  # characters of a cause that a list shows
HISTORY = 50  # last events that are looked at; a state has no more between its entry and the next one
# What Step Functions says of a token whose task is over: the workflow went on without the answer.
GONE_TOKENS = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


class Catcher(TypedDict):
    """Where a state goes on an error."""

    ErrorEquals: list[str]
    Next: str


class State(TypedDict):
    """A state of Amazon States Language, as far as it says where it goes."""

    Type: str
    Next: NotRequired[str]
    Choices: NotRequired[list[dict[str, object]]]
    Default: NotRequired[str]
    Catch: NotRequired[list[Catcher]]


class Definition(TypedDict):
    """A state machine in Amazon States Language."""

    StartAt: str
    States: dict[str, State]


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as a list shows it. `started_at` is ISO 8601; `state` the one it is or ended in, None before the
    first; `problem` says in one line why it ended badly, and is empty otherwise.
    """

    name: str
    status: str
    started_at: str
    state: str | None
    problem: str = ""


class BadEnd(StrEnum):
    """How an execution ended that did not end well."""

    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"  # the whole execution, not a task of it
    ABORTED = "ABORTED"  # somebody stopped it

    def said(self, error: str) -> str:
        """Return what people are told, after the name of the state machine."""
        told = {BadEnd.ABORTED: "was stopped", BadEnd.TIMED_OUT: "ran out of time"}
        return told.get(self, f"failed: {error or 'unknown'}")


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """An execution that has ended badly. `redrives`: how often it went on after such an end before."""

    arn: str
    machine_arn: str
    name: str
    status: BadEnd
    error: str  # "" where Step Functions gives none
    cause: str
    redrives: int

    @classmethod
    def from_event(cls, detail: object) -> Self:
        """Read the detail of EventBridge's event "Step Functions Execution Status Change". Raise InvalidFieldError."""
        fields = Fields(detail, "in the event of an execution's end")
        return cls(
            arn=fields.text("executionArn"),
            machine_arn=fields.text("stateMachineArn"),
            name=fields.text("name"),
            status=fields.choice("status", BadEnd),
            error=fields.text("error", ""),
            cause=fields.text("cause", ""),
            redrives=fields.whole("redriveCount", 0, default=0),
        )

    @property
    def machine(self) -> str:
        """Return the name of its state machine."""
        return self.machine_arn.rpartition(":")[2]


def is_running(aws: Aws, execution_arn: str) -> bool:
    """Return whether an execution runs at the moment: one that had ended may have been redriven."""
    client = aws.step_functions
    try:
        return client.describe_execution(executionArn=execution_arn)["status"] in ("RUNNING", "PENDING_REDRIVE")
    except client.exceptions.ExecutionDoesNotExist:  # it ended more than 90 days ago
        return False


def bad_end(aws: Aws, execution_arn: str) -> EndedExecution | None:
    """Return how an execution ended badly, which it may have done unheard. None where it runs or ended well."""
    client = aws.step_functions
    try:
        described = client.describe_execution(executionArn=execution_arn)
    except client.exceptions.ExecutionDoesNotExist:  # it ended more than 90 days ago
        return None
    return EndedExecution.from_event(described) if described["status"] in set(BadEnd) else None


class StateMachine:
    """One state machine, by its ARN."""

    def __init__(self, aws: Aws, arn: str) -> None:
        self.aws = aws
        self.arn = arn

    def start_once(self, name: str, payload: Mapping[str, object]) -> bool:
        """Start an execution unless one of this name was started before. Return whether it was started or found
        running.
        """
        client = self.aws.step_functions
        try:
            client.start_execution(stateMachineArn=self.arn, name=name, input=json.dumps(payload))
        except client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def running(self) -> set[str]:
        """Return the names of the executions that run. The list lags by moments behind what was started."""
        pages = self.aws.step_functions.get_paginator("list_executions").paginate(
            stateMachineArn=self.arn, statusFilter="RUNNING"
        )
        return {execution["name"] for page in pages for execution in page["executions"]}

    def newest(self, limit: int) -> list[Execution]:
        """Return the newest executions, at most `limit`."""
        listed = self.aws.step_functions.list_executions(stateMachineArn=self.arn, maxResults=limit)["executions"]
        return [self._shown(execution) for execution in listed]

    def _shown(self, execution: "ExecutionListItemTypeDef") -> Execution:
        events = last_events(self.aws, execution["executionArn"])
        status, started = execution["status"], execution["startDate"].isoformat(timespec="seconds")
        return Execution(execution["name"], status, started, _entered(events), _problem(status, events))

    def definition(self) -> Definition:
        """Return the Amazon States Language definition that is deployed."""
        deployed = self.aws.step_functions.describe_state_machine(stateMachineArn=self.arn)
        found: Definition = json.loads(deployed["definition"])
        return found


def current_state(aws: Aws, execution_arn: str) -> str | None:
    """Return the state that an execution entered last, None before the first."""
    return _entered(last_events(aws, execution_arn))


def last_events(aws: Aws, execution_arn: str) -> Sequence["HistoryEventTypeDef"]:
    """Return the last events of an execution without what states were given, the newest first."""
    return aws.step_functions.get_execution_history(
        executionArn=execution_arn, reverseOrder=True, maxResults=HISTORY, includeExecutionData=False
    )["events"]


def _problem(status: str, events: Sequence["HistoryEventTypeDef"]) -> str:
    """Return why an execution ended badly, as its last event tells it: what people are told, and the cause's first
    line. Return nothing for any other.
    """
    if status not in set(BadEnd):
        return ""
    failed = events[0].get("executionFailedEventDetails", {}) if events else {}
    said = BadEnd(status).said(failed.get("error", ""))
    cause = _sentence(failed.get("cause", ""))
    return f"{said}: {cause}" if cause else said


def _sentence(cause: str) -> str:
    """Return the first line of a cause; a function's is JSON that holds it as `errorMessage`."""
    try:
        told = json.loads(cause)
    except ValueError:
        told = cause
    text = str(told.get("errorMessage", "")) if isinstance(told, dict) else cause
    return text.partition("\n")[0][:CAUSE]


def _entered(events: Sequence["HistoryEventTypeDef"]) -> str | None:
    entered = (event for event in events if event["type"].endswith("StateEntered"))
    return next((event["stateEnteredEventDetails"]["name"] for event in entered), None)


class Callbacks:
    """Answers to workflows that wait with a task token."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws

    def succeed(self, token: str, output: str = "{}") -> bool:
        """Answer the task with JSON text. Return False when its workflow had gone on."""
        try:
            self.aws.step_functions.send_task_success(taskToken=token, output=output)
        except ClientError as error:
            return _went_on(error)
        return True

    def heartbeat(self, token: str) -> bool:
        """Tell the task that its answer is still to come. Return False when its workflow had gone on."""
        try:
            self.aws.step_functions.send_task_heartbeat(taskToken=token)
        except ClientError as error:
            return _went_on(error)
        return True


def _went_on(error: ClientError) -> bool:
    """Return False for a token that is gone. Raise every other error."""
    if error.response["Error"]["Code"] not in GONE_TOKENS:
        raise error
    return False
