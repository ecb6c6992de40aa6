"""The shapes in console/types.d.ts are those of the API's document: same fields, same ones optional, same ones null."""

import json
import re
from typing import Any

import pytest

from tests.project import ROOT

INTERFACE = re.compile(r"^export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^  (\w+)(\??): ([^;]+);$", re.MULTILINE)
SCHEMAS = json.loads((ROOT / "console" / "openapi.json").read_text())["components"]["schemas"]
# What the page calls it, and what the document does.
NAMES = {
    "AnsweredTask": "TaskAnswered",
    "AttentionImage": "AttentionImage",
    "Box": "Box",
    "Device": "DeviceShown",
    "Execution": "ExecutionShown",
    "Job": "JobShown",
    "JobProgress": "JobProgress",
    "Model": "ModelShown",
    "Overview": "Overview",
    "Proposal": "Proposed",
    "SavedAnswer": "Saved",
    "SignedIn": "Session",
    "Task": "TaskShown",
    "Worker": "WorkerProgress",
    "Workflow": "Workflow",
    "WorkflowEdge": "GraphEdge",
    "WorkflowState": "GraphState",
}

Shape = dict[str, tuple[bool, bool]]  # field: is it always there, may it be null


def shapes_of_the_page() -> dict[str, Shape]:
    text = (ROOT / "console" / "types.d.ts").read_text()
    shapes: dict[str, Shape] = {}
    for name, base, body in INTERFACE.findall(text):
        own = {field: (not optional, "null" in kind.split(" | ")) for field, optional, kind in FIELD.findall(body)}
        shapes[name] = shapes.get(base, {}) | own
    return shapes


def may_be_null(schema: dict[str, Any]) -> bool:
    return any(kind.get("type") == "null" for kind in schema.get("anyOf", []))


@pytest.mark.parametrize(("ours", "theirs"), NAMES.items())
def test_the_page_knows_the_shape_of_what_the_api_answers(ours: str, theirs: str) -> None:
    schema = SCHEMAS[theirs]
    wanted = {
        field: (field in schema["required"], may_be_null(kind)) for field, kind in schema.get("properties", {}).items()
    }
    assert shapes_of_the_page()[ours] == wanted
