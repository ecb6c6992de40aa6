"""A state machine as a graph, from its own definition."""

from collections.abc import Iterator, Mapping

from sightline.api.shapes import GraphEdge, GraphState, Workflow
from sightline.aws.workflows import Definition, State

OPERATORS = {
    "NumericGreaterThan": ">",
    "NumericGreaterThanEquals": "≥",
    "NumericLessThan": "<",
    "NumericLessThanEquals": "≤",
    "NumericEquals": "=",
    "StringEquals": "=",
}


def workflow(machine: str, definition: Definition) -> Workflow:
    """Return the states of an Amazon States Language definition, and the ways between them."""
    states = definition["States"]
    edges: list[GraphEdge] = [
        {"from": name, "to": to, "label": label} for name, state in states.items() for to, label in next_states(state)
    ]
    edges += [
        {"from": name, "to": to, "label": label, "error": True}
        for name, state in states.items()
        for to, label in _catches(state)
    ]
    named: list[GraphState] = [{"name": name, "type": state["Type"]} for name, state in states.items()]
    return {"machine": machine, "start": definition["StartAt"], "states": named, "edges": edges}


def next_states(state: State) -> Iterator[tuple[str, str]]:
    """Give the states that may follow without an error, each with its condition."""
    if "Next" in state:
        yield state["Next"], ""
    for choice in state.get("Choices", []):
        yield str(choice["Next"]), condition(choice)
    if "Default" in state:
        yield state["Default"], "otherwise"


def _catches(state: State) -> Iterator[tuple[str, str]]:
    for catch in state.get("Catch", []):
        errors = [error for error in catch["ErrorEquals"] if error != "States.ALL"]
        yield catch["Next"], ", ".join(errors) or "error"


def condition(rule: Mapping[str, object]) -> str:
    """A choice rule as people write it: `claim.images > 0`."""
    for word, joint in (("And", " and "), ("Or", " or ")):
        parts = rule.get(word)
        if isinstance(parts, list):
            return joint.join(condition(part) for part in parts)
    denied = rule.get("Not")
    if isinstance(denied, Mapping):
        return f"not {condition(denied)}"
    variable = str(rule["Variable"]).removeprefix("$.")
    operator, value = next((key, value) for key, value in rule.items() if key not in {"Variable", "Next", "Comment"})
    if operator == "IsPresent":
        return f"{variable} is {'there' if value else 'missing'}"
    if operator == "BooleanEquals":
        return variable if value else f"not {variable}"
    return f"{variable} {OPERATORS.get(operator, operator)} {str(value).removeprefix('$.')}"
