"""State machines as graphs, and their conditions as people write them."""

import re
from typing import Any

import pytest

from sightline.api.workflow_graph import condition, workflow
from tests.project import states, workflows


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"Variable": "$.claim.images", "NumericGreaterThan": 0}, "claim.images > 0"),
        ({"Variable": "$.round", "NumericGreaterThanEquals": 2}, "round ≥ 2"),
        ({"Variable": "$.round", "NumericLessThan": 2.5}, "round < 2.5"),
        ({"Variable": "$.round", "NumericLessThanEquals": 2}, "round ≤ 2"),
        ({"Variable": "$.round", "NumericEquals": 2}, "round = 2"),
        ({"Variable": "$.state", "StringEquals": "ready"}, "state = ready"),
        ({"Variable": "$.state", "StringEquals": "$.x"}, "state = x"),
        ({"Variable": "$.accepted", "BooleanEquals": True}, "accepted"),
        ({"Variable": "$.accepted", "BooleanEquals": False}, "not accepted"),
        ({"Variable": "$.error", "IsPresent": True}, "error is there"),
        ({"Variable": "$.error", "IsPresent": False}, "error is missing"),
        ({"Variable": "$.name", "StringMatches": "a*"}, "name StringMatches a*"),
        ({"Comment": "why", "Variable": "$.a", "Next": "B", "NumericEquals": 1}, "a = 1"),
        ({"Not": {"Variable": "$.a", "NumericEquals": 1}, "Next": "B"}, "not a = 1"),
        (
            {"And": [{"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "NumericEquals": 1}], "Next": "B"},
            "a is there and a = 1",
        ),
        (
            {"Or": [{"Variable": "$.a", "BooleanEquals": True}, {"Not": {"Variable": "$.b", "BooleanEquals": True}}]},
            "a or not b",
        ),
    ],
)
def test_a_condition_reads_as_people_write_it(rule: dict[str, Any], said: str) -> None:
    assert condition(rule) == said


def conditions() -> list[Any]:
    return [
        pytest.param(choice, id=f"{name}.{state}.{number}")
        for name in workflows()
        for state, given in states(name).items()
        for number, choice in enumerate(given.get("Choices", []))
    ]


@pytest.mark.parametrize("rule", conditions())
def test_no_condition_of_the_application_shows_the_name_of_an_operator(rule: dict[str, Any]) -> None:
    assert not re.search(r"(Numeric|String|Boolean|Timestamp|Is)[A-Z]", condition(rule))


def test_a_state_machine_becomes_its_states_and_the_ways_between_them() -> None:
    definition: Any = {
        "StartAt": "Plan",
        "States": {
            "Plan": {
                "Type": "Task",
                "Next": "IsNew",
                "Catch": [
                    {"ErrorEquals": ["TooFewError", "InvalidMetricError"], "Next": "Rejected"},
                    {"ErrorEquals": ["States.ALL"], "Next": "Failed"},
                ],
            },
            "IsNew": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.new", "BooleanEquals": True, "Next": "Rejected"}],
                "Default": "Done",
            },
            "Rejected": {"Type": "Succeed"},
            "Failed": {"Type": "Fail"},
            "Done": {"Type": "Succeed"},
        },
    }
    assert workflow("train-model", definition) == {
        "machine": "train-model",
        "start": "Plan",
        "states": [
            {"name": "Plan", "type": "Task"},
            {"name": "IsNew", "type": "Choice"},
            {"name": "Rejected", "type": "Succeed"},
            {"name": "Failed", "type": "Fail"},
            {"name": "Done", "type": "Succeed"},
        ],
        "edges": [
            {"from": "Plan", "to": "IsNew", "label": ""},
            {"from": "IsNew", "to": "Rejected", "label": "new"},
            {"from": "IsNew", "to": "Done", "label": "otherwise"},
            {"from": "Plan", "to": "Rejected", "label": "TooFewError, InvalidMetricError", "error": True},
            {"from": "Plan", "to": "Failed", "label": "error", "error": True},
        ],
    }
