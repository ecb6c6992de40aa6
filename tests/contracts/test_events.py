"""Sample events: one for each function, which reads nothing that its event does not hold."""

import ast
import json
from typing import Any

import pytest

from tests.project import ROOT, states, workflows

FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
EVENTS = sorted(path.stem for path in (ROOT / "events").glob("*.json"))


def event(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return loaded


def payload_fields(state: dict[str, Any]) -> set[str]:
    return {key.removesuffix(".$") for key in state["Parameters"].get("Payload", {})}


FUNCTION_TASKS = [
    (name, key)
    for name in workflows()
    for key, state in states(name).items()
    if state["Type"] == "Task" and ":lambda:invoke" in state["Resource"]
]


def test_every_function_has_an_event_and_every_event_a_function() -> None:
    assert sorted(set(FOLDERS) - set(EVENTS)) == [], "write events/<name>.json for these functions"
    assert sorted(set(EVENTS) - set(FOLDERS)) == [], "no function has these events"


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_an_object_without_secrets(name: str) -> None:
    text = json.dumps(event(name))
    assert "AKIA" not in text
    assert "aws_secret" not in text.lower()


@pytest.mark.parametrize(("workflow", "key"), FUNCTION_TASKS)
def test_a_state_sends_what_the_event_of_its_function_shows(workflow: str, key: str) -> None:
    folder = states(workflow)[key]["Parameters"]["FunctionName"].strip("${}").removesuffix("Function")
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in folder).strip("_")
    assert payload_fields(states(workflow)[key]) == set(event(name))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_handler_reads_only_what_its_event_holds(folder: str) -> None:
    tree = ast.parse((ROOT / "functions" / folder / "app.py").read_text())
    read = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "event"
        and isinstance(node.slice, ast.Constant)
    }
    assert read - set(event(folder)) == set()
