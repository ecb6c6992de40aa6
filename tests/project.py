"""The parts of the application as data, for tests that hold them together."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from client import template_file

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "template.yaml"


def template(path: Path = TEMPLATE) -> dict[str, Any]:
    """template.yaml, or another template of CloudFormation."""
    return template_file.read(path)


def resources(*types: str) -> dict[str, dict[str, Any]]:
    """The resources of these types, by logical name."""
    return {name: entry for name, entry in template()["Resources"].items() if entry["Type"] in types}


def functions() -> dict[str, dict[str, Any]]:
    """Folder name → the properties of its function."""
    found = resources("AWS::Serverless::Function").values()
    return {entry["Properties"]["CodeUri"].strip("/").split("/")[-1]: entry["Properties"] for entry in found}


def function_names() -> dict[str, str]:
    """Logical name → folder name of each function."""
    found = resources("AWS::Serverless::Function").items()
    return {name: entry["Properties"]["CodeUri"].strip("/").split("/")[-1] for name, entry in found}


def state_machines() -> dict[str, dict[str, Any]]:
    """Name of the ASL file → the properties of its state machine."""
    found = resources("AWS::Serverless::StateMachine").values()
    named = {Path(entry["Properties"]["DefinitionUri"]).name: entry["Properties"] for entry in found}
    return {name.removesuffix(".asl.json"): entry for name, entry in named.items()}


def workflow(name: str) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads((ROOT / "statemachines" / f"{name}.asl.json").read_text())
    return definition


def workflows() -> list[str]:
    return sorted(path.name.removesuffix(".asl.json") for path in (ROOT / "statemachines").glob("*.asl.json"))


def scopes(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """The definition and every one nested in its Map and Parallel states: each has StartAt and States."""
    inner = [branch for state in definition["States"].values() for branch in _branches(state)]
    return [definition, *(scope for branch in inner for scope in scopes(branch))]


def _branches(state: dict[str, Any]) -> list[dict[str, Any]]:
    maps = [state[key] for key in ("ItemProcessor", "Iterator") if key in state]
    return [*maps, *state.get("Branches", [])]


def states(name: str) -> dict[str, dict[str, Any]]:
    """Every state of a workflow, nested ones too."""
    return {key: state for scope in scopes(workflow(name)) for key, state in scope["States"].items()}


def targets(state: dict[str, Any]) -> list[str]:
    """The states that may follow a state."""
    named = [state.get("Next"), state.get("Default")]
    named += [entry["Next"] for key in ("Catch", "Choices") for entry in state.get(key, [])]
    return [name for name in named if name]


def folder_of(logical_or_state: str) -> str:
    """The folder that a state or function belongs to by its name: JudgeModel, JudgeModelFunction → judge_model."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", logical_or_state.removesuffix("Function")).lower()


def imports(path: Path) -> set[str]:
    """The modules that a file imports, dotted."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def handler_records(folder: str) -> tuple[set[str] | None, set[str] | None]:
    """The fields that a function's handler takes and answers; None where the function's file has no record of them."""
    tree = ast.parse((ROOT / "functions" / folder / "app.py").read_text())
    records = {node.name: _fields(node) for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "handler":
            taken, answered = node.args.args[0].annotation, node.returns
            return records.get(ast.unparse(taken) if taken else ""), records.get(
                ast.unparse(answered) if answered else ""
            )
    return None, None  # the handler of an API


def _fields(record: ast.ClassDef) -> set[str]:
    return {ast.unparse(entry.target) for entry in record.body if isinstance(entry, ast.AnnAssign)}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a value, itself among them."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from parts(entry)


def references(value: Any) -> set[str]:
    """The logical names and parameters that a part of the template refers to."""
    if isinstance(value, dict):
        found = set().union(*(references(entry) for entry in value.values())) if value else set()
        if isinstance(value.get("Ref"), str):
            found.add(value["Ref"].split(".")[0])  # SAM's `!Ref Function.Alias`
        attribute = value.get("Fn::GetAtt")
        if attribute:
            found.add(attribute.split(".")[0] if isinstance(attribute, str) else attribute[0])
        text = value.get("Fn::Sub")
        if text:
            text, own = (text, {}) if isinstance(text, str) else text  # `own` names are the expression's
            found |= {name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)} - set(own)
        return found
    if isinstance(value, list):
        return set().union(*(references(entry) for entry in value)) if value else set()
    return set()
