"""A state machine as a graph, from its own definition."""

from collections.abc import Iterator
from typing import Any

OPERATORS = {
    "NumericGreaterThan": ">",
    "NumericGreaterThanEquals": "≥",
    "NumericLessThan": "<",
    "NumericLessThanEquals": "≤",
    "NumericEquals": "=",
    "StringEquals": "=",
}


def graph(definition: dict[str, Any]) -> dict[str, Any]:
    """`{"start", "states": [{"name", "type"}], "edges": [{"from", "to", "label"}]}` of an Amazon States Language
    definition.

    Edges that are taken on an error have `"error": true` too.
    """
    states = definition["States"]
    edges: list[dict[str, Any]] = [
        {"from": name, "to": to, "label": label} for name, state in states.items() for to, label in _next_states(state)
    ]
    edges += [
        {"from": name, "to": to, "label": label, "error": True}
        for name, state in states.items()
        for to, label in _catches(state)
    ]
    named = [{"name": name, "type": state["Type"]} for name, state in states.items()]
    return {"start": definition["StartAt"], "states": named, "edges": edges}


def _next_states(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "Next" in state:
        yield state["Next"], ""
    for choice in state.get("Choices", []):
        yield choice["Next"], condition(choice)
    if "Default" in state:
        yield state["Default"], "otherwise"


def _catches(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for catch in state.get("Catch", []):
        errors = [error for error in catch["ErrorEquals"] if error != "States.ALL"]
        yield catch["Next"], ", ".join(errors) or "error"


def condition(rule: dict[str, Any]) -> str:
    """A choice rule as people write it: `claim.images > 0`."""
    for word, joint in (("And", " and "), ("Or", " or ")):
        if word in rule:
            return joint.join(condition(part) for part in rule[word])
    if "Not" in rule:
        return f"not {condition(rule['Not'])}"
    variable = str(rule["Variable"]).removeprefix("$.")
    operator, value = next((key, value) for key, value in rule.items() if key not in {"Variable", "Next", "Comment"})
    if operator == "IsPresent":
        return f"{variable} is {'there' if value else 'missing'}"
    if operator == "BooleanEquals":
        return variable if value else f"not {variable}"
    return f"{variable} {OPERATORS.get(operator, operator)} {str(value).removeprefix('$.')}"
