"""The workflows as their ASL files have them, as far as pages and pictures show them."""

import json
from collections.abc import Iterator
from typing import NotRequired, TypedDict

from scripts.generated import ROOT
from sightline.aws import workflows

# In the order of the loop; a workflow that is not named here follows by its name.
ORDER = ["label_images", "train_model", "deploy_model"]


class State(workflows.State):
    """One state."""

    Comment: NotRequired[str]
    Resource: NotRequired[str]  # of a task: what is called, as an ARN
    ItemProcessor: NotRequired["Workflow"]  # what a map runs for each item


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
