"""Workflows are read for pages and pictures: their order, the states of a map, what follows under which condition."""

from scripts.states_language import ORDER, State, Workflow, every_state, load
from sightline.api.workflow_graph import next_states

MAP: Workflow = {
    "StartAt": "EachShard",
    "States": {
        "EachShard": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "Score", "States": {"Score": {"Type": "Task"}}},
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}


def test_workflows_come_in_the_order_of_the_loop_and_others_after_them() -> None:
    names = list(load())
    assert names[: len(ORDER)] == ORDER
    assert names[len(ORDER) :] == sorted(names[len(ORDER) :])


def test_the_states_of_a_map_follow_it() -> None:
    assert [name for name, _ in every_state(MAP)] == ["EachShard", "Score", "Done"]


def test_what_follows_a_choice_has_its_condition() -> None:
    choice: State = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.claim.images", "NumericGreaterThan": 0, "Next": "Label"}],
        "Default": "NothingNew",
    }
    assert list(next_states(choice)) == [("Label", "claim.images > 0"), ("NothingNew", "otherwise")]
    assert list(next_states({"Type": "Pass", "Next": "Done"})) == [("Done", "")]
    assert list(next_states({"Type": "Succeed"})) == []
