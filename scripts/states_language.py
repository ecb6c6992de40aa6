"""The workflows as their ASL files have them, as far as pages and pictures show them."""

import json
from collections.abc import Iterator
from typing import NotRequired, Required, TypedDict

from scripts.generated import ROOT
from sightline.api.workflow_graph import condition

# In the order of the loop; a workflow that is not named here follows by its name.
ORDER = ["label_images", "train_model", "deploy_model"]


class Catch(TypedDict):
    """Where errors of these names lead."""

    ErrorEquals: list[str]
    Next: str


class State(TypedDict, total=False):
    """One state."""

    Type: Required[str]
    Comment: str
    Resource: str  # of a task: what is called, as an ARN
    Next: str
    Choices: list[dict[str, object]]  # conditions of any shape, each with its `Next`
    Default: str  # the state after a choice of which no condition holds
    Catch: list[Catch]
    ItemProcessor: "Workflow"  # what a map runs for each item


class Workflow(TypedDict):
    """A state machine, or the part of one that a map runs."""

    StartAt: str
    States: dict[str, State]
    Comment: NotRequired[str]


def load() -> dict[str, Workflow]:
    """Return every workflow, by name, in the order of the loop."""
    paths = {path.name.removesuffix(".asl.json"): path for path in (ROOT / "statemachines").glob("*.asl.json")}
    names = [name for name in ORDER if name in paths] + sorted(set(paths) - set(ORDER))
    return {name: json.loads(paths[name].read_text()) for name in names}


def every_state(workflow: Workflow) -> Iterator[tuple[str, State]]:
    """Give the states in their order; those that a map runs for each item follow it."""
    for name, body in workflow["States"].items():
        yield name, body
        if "ItemProcessor" in body:
            yield from every_state(body["ItemProcessor"])


def next_states(body: State) -> Iterator[tuple[str, str]]:
    """Give the states that may follow without an error, each with its condition."""
    if "Next" in body:
        yield body["Next"], ""
    for choice in body.get("Choices", []):
        yield str(choice["Next"]), condition(choice)
    if "Default" in body:
        yield body["Default"], "otherwise"
