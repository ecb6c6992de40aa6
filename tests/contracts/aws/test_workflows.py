"""What CreateStateMachine refuses, and what a task needs of its workflow's role, for each workflow of the template."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.emulator.step_functions import managed_rules
from tests.project import ROOT, parts, state_machines
from tests.resolved import ACCOUNT, REGION, Resolver, allows

BACKENDS = ("console", "ground-truth")
CASES = [(name, backend) for name in sorted(state_machines()) for backend in BACKENDS]


def resolver(backend: str) -> Resolver:
    return Resolver(LabelingBackend=backend, CanaryGroup="true")


def definition(name: str, backend: str) -> str:
    """The definition of a workflow as it is sent, its substitutions filled in."""
    given = resolver(backend).value(state_machines()[name]["DefinitionSubstitutions"])
    text = (ROOT / "statemachines" / f"{name}.asl.json").read_text()
    return re.sub(r"\$\{(\w+)\}", lambda match: json.dumps(str(given[match[1]]))[1:-1], text)


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_a_workflow_may_manage_the_rule_of_each_job_in_its_definition(name: str, backend: str) -> None:
    rights = resolver(backend).rights(state_machines()[name]["Policies"])
    needed = [
        (f"events:{verb}", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{managed_rules.RULES[integration]}")
        for integration in managed_rules.waited_for(definition(name, backend))
        for verb in managed_rules.VERBS
    ]
    missing = {(action, arn) for action, arn in needed if not allows(rights, action, arn)}
    assert missing == set(), "Step Functions asks for it when the state machine is made, whether the job runs or not"


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_every_role_in_a_definition_is_one(name: str, backend: str) -> None:
    roles = re.findall(r'"RoleArn": *"([^"]*)"', definition(name, backend))
    assert [role for role in roles if not re.fullmatch(r"arn:aws:iam::\d{12}:role/.+", role)] == []


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_a_definition_is_one_that_step_functions_takes(name: str, backend: str) -> None:
    """At most 1 MB; a state's name has 1 to 80 characters."""
    text = definition(name, backend)
    assert len(text.encode()) < 1024 * 1024
    named = [key for part in parts(json.loads(text)) for key in part.get("States", {})]
    assert [key for key in named if not 1 <= len(key) <= 80] == []


def ways(states: dict[str, Any], name: str, has_error: bool) -> Iterator[tuple[str, bool]]:
    """The states that may follow a state, each with whether the input has `$.error` then."""
    state = states[name]
    for catch in state.get("Catch", []):
        yield catch["Next"], has_error or catch.get("ResultPath") == "$.error"
    for rule in state.get("Choices", []):
        asks = rule if rule.get("Variable") == "$.error" and "IsPresent" in rule else {}
        if not (asks.get("IsPresent") is False and has_error):
            yield rule["Next"], has_error or asks.get("IsPresent") is True
        has_error = has_error or asks.get("IsPresent") is False
    if "Default" in state:
        yield state["Default"], has_error
    if "Next" in state:
        yield state["Next"], has_error or state.get("ResultPath") == "$.error"


@pytest.mark.parametrize("name", sorted(state_machines()))
def test_an_error_that_is_read_is_there_on_every_way(name: str) -> None:
    """A path that is not in the input ends the execution with States.Runtime, and the error is lost."""
    machine = json.loads((ROOT / "statemachines" / f"{name}.asl.json").read_text())
    seen, todo = set(), [(machine["StartAt"], False)]
    while todo:
        if (at := todo.pop()) not in seen:
            seen.add(at)
            todo += ways(machine["States"], *at)
    given = {key: [state.get("Parameters"), state.get("CausePath")] for key, state in machine["States"].items()}
    reads = {key for key, paths in given.items() if "$.error" in json.dumps(paths)}
    assert {key for key, has_error in seen if key in reads and not has_error} == set()
