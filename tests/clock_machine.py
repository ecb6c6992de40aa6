"""A real ASL file with the real functions under a simulated clock: hours pass in milliseconds, and always in the same
way.

It knows what deploy_model uses of the language and refuses the rest; moto's interpreter and the emulator's run the same
file in real time.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.project import folder_of, workflow

KNOWN = {
    "Type", "Comment", "Next", "Default", "Choices", "Resource", "Parameters", "ResultSelector", "ResultPath",
    "TimeoutSeconds",
    "TimeoutSecondsPath", "HeartbeatSecondsPath", "Retry", "Catch", "Error", "CausePath",
}  # fmt: skip


class TaskError(Exception):
    """An error of a task, by its name in the language."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(name)
        self.name, self.cause = name, cause


@dataclass
class Token:
    """A task that waits for an answer, until `ends`, and no longer than `patience` after the last heartbeat."""

    ends: float
    patience: float
    heard: float
    answer: str | None = None


@dataclass
class Execution:
    """One execution: where it is, or how it ended."""

    name: str
    status: str = "RUNNING"
    path: list[str] = field(default_factory=list)
    error: str = ""
    cause: str = ""
    output: dict[str, Any] = field(default_factory=dict)
    steps: Iterator[float | Token] = field(default_factory=lambda: iter(()))
    waits: float | Token = 0.0


class ClockMachine:
    """A state machine whose `clock` is told; `step` lets every execution go on that can. Also its own Step Functions
    client.
    """

    def __init__(
        self, name: str, handler_of: Callable[[str], Callable[..., Any]], context: Any, clock: Callable[[], float]
    ) -> None:
        self.definition, self.name = workflow(name), name
        self.handler_of, self.context, self.clock = handler_of, context, clock
        self.executions: list[Execution] = []
        self.tokens: dict[str, Token] = {}
        for key, state in self.definition["States"].items():
            assert set(state) <= KNOWN, f"{key}: this interpreter does not know {set(state) - KNOWN}"

    # ------------------------------------------------------------------------------------------- Step Functions' client
    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        self._token(taskToken, "SendTaskSuccess").answer = output

    def send_task_heartbeat(self, *, taskToken: str) -> None:  # noqa: N803
        self._token(taskToken, "SendTaskHeartbeat").heard = self.clock()

    def _token(self, token: str, operation: str) -> Token:
        if token not in self.tokens or self.tokens[token].answer is not None:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, operation)
        return self.tokens[token]

    # ------------------------------------------------------------------------------------------------------- executions
    def start(self, name: str, request: dict[str, Any]) -> Execution:
        execution = Execution(name)
        execution.steps = self._run(execution, request)
        self.executions.append(execution)
        return execution

    def kill(self, execution: Execution) -> None:
        """Stop it where it is, as a person may."""
        execution.status = "ABORTED"

    def step(self) -> None:
        """Let every execution go on whose wait is over."""
        for execution in self.executions:
            while execution.status == "RUNNING" and self._is_over(execution.waits):
                execution.waits = next(execution.steps, 0.0)

    def _is_over(self, waits: float | Token) -> bool:
        now = self.clock()
        if isinstance(waits, float):
            return now >= waits
        return waits.answer is not None or now >= waits.ends or now - waits.heard >= waits.patience

    def _run(self, execution: Execution, data: dict[str, Any]) -> Iterator[float | Token]:
        key = self.definition["StartAt"]
        while True:
            execution.path.append(key)
            state = self.definition["States"][key]
            kind = state["Type"]
            if kind == "Succeed":
                execution.status, execution.output = "SUCCEEDED", data
                return
            if kind == "Fail":
                path = state["CausePath"].removeprefix("States.JsonToString(").removesuffix(")")
                execution.error, execution.cause = state["Error"], json.dumps(self._at(path, data, {}))
                execution.status = "FAILED"
                return
            if kind == "Choice":
                met = [choice["Next"] for choice in state["Choices"] if self._holds(choice, data)]
                key = met[0] if met else state["Default"]
            elif kind == "Pass":  # with plain values
                data[state["ResultPath"].removeprefix("$.")] = state["Parameters"]
                key = state["Next"]
            else:
                assert kind == "Task", kind
                try:
                    key = yield from self._task(execution, key, state, data)
                except TaskError as error:  # nothing has caught it
                    execution.status, execution.error, execution.cause = "FAILED", error.name, error.cause
                    return

    def _task(self, execution: Execution, key: str, state: dict[str, Any], data: dict[str, Any]) -> Any:
        """One task with its retries and catches; answers the next state, and changes `data`."""
        tries: dict[int, int] = {}
        while True:
            try:
                result = yield from self._attempt(execution, key, state, data)
            except TaskError as error:
                place = _match(state["Retry"], error.name)
                retry = state["Retry"][place] if place is not None else {}
                if place is not None and tries.get(place, 0) < retry["MaxAttempts"]:
                    tries[place] = tries.get(place, 0) + 1
                    pause = retry["IntervalSeconds"] * retry.get("BackoffRate", 2) ** (tries[place] - 1)
                    yield self.clock() + min(pause, retry.get("MaxDelaySeconds", pause))
                    continue
                place = _match(state.get("Catch", []), error.name)
                if place is None:
                    raise
                catch = state["Catch"][place]
                data[catch["ResultPath"].removeprefix("$.")] = {"Error": error.name, "Cause": error.cause}
                return catch["Next"]
            if "ResultSelector" in state:
                given = {"Payload": result}
                result = {name[:-2]: self._at(path, given, {}) for name, path in state["ResultSelector"].items()}
            if state["ResultPath"]:
                data[state["ResultPath"].removeprefix("$.")] = result
            return state["Next"]

    def _attempt(self, execution: Execution, key: str, state: dict[str, Any], data: dict[str, Any]) -> Any:
        token = f"token-{len(self.tokens)}"
        context = {
            "Execution": {"Id": execution.name, "Name": execution.name},
            "Task": {"Token": token},
            "StateMachine": {"Name": self.name},
        }
        payload = {
            name.removesuffix(".$"): self._at(value, data, context) if name.endswith(".$") else value
            for name, value in state["Parameters"]["Payload"].items()
        }
        waits = state["Resource"].endswith(".waitForTaskToken")
        if waits:
            now = self.clock()
            seconds = self._at(state["TimeoutSecondsPath"], data, {})
            heartbeat = state.get("HeartbeatSecondsPath")
            patience = self._at(heartbeat, data, {}) if heartbeat else float("inf")
            self.tokens[token] = Token(now + seconds, patience, now)
        try:
            answer = self.handler_of(folder_of(key))(json.loads(json.dumps(payload)), self.context)
        except Exception as error:  # whatever a function raises is what the workflow sees
            self.tokens.pop(token, None)
            cause = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
            raise TaskError(type(error).__name__, cause) from error
        if not waits:
            return json.loads(json.dumps(answer))
        yield self.tokens[token]
        waited = self.tokens.pop(token)
        if waited.answer is None:
            raise TaskError("States.Timeout" if self.clock() >= waited.ends else "States.HeartbeatTimeout", "")
        return json.loads(waited.answer)

    def _holds(self, choice: dict[str, Any], data: dict[str, Any]) -> bool:
        if "And" in choice:
            return all(self._holds(part, data) for part in choice["And"])
        try:
            value = self._at(choice["Variable"], data, {})
        except KeyError:
            assert "IsPresent" in choice, choice
            return not choice["IsPresent"]
        if not choice.get("IsPresent", True):
            return False
        tests = {name: wanted for name, wanted in choice.items() if name not in ("Variable", "Next", "IsPresent")}
        assert set(tests) <= {"BooleanEquals", "StringEquals"}, tests
        return all(value == wanted for wanted in tests.values())

    @staticmethod
    def _at(path: str, data: dict[str, Any], context: dict[str, Any]) -> Any:
        value: Any = context if path.startswith("$$.") else data
        for part in path.lstrip("$").strip(".").split("."):
            value = value[part]
        return value


def _match(rules: list[dict[str, Any]], error: str) -> int | None:
    """The first Retry or Catch that names the error."""
    for place, rule in enumerate(rules):
        if {error, "States.ALL"} & set(rule["ErrorEquals"]):
            return place
    return None
