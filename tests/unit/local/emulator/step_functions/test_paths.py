"""A path that leads nowhere fails the execution, as on AWS; these fail when a hook of the local run has moved."""

from typing import Any

import pytest
from ministack.services import stepfunctions

from local.emulator.step_functions import paths

HOOKED = ("_resolve_params_obj", "_evaluate_rule", "_apply_input_path", "_apply_output_path")
DATA = {"name": "a", "empty": None, "list": [{"key": 1}]}
CONTEXT = {"Execution": {"Name": "run"}}


@pytest.fixture(autouse=True)
def hooked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HOOKED:
        monkeypatch.setattr(stepfunctions, name, getattr(stepfunctions, name))
    paths.register()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.name", "a"),
        ("$.empty", None),
        ("$.list[0].key", 1),
        ("$.list[*].nothing", []),  # no definite path: it finds none, and that is an answer
        ("$$.Execution.Name", "run"),
        ("$", DATA),
        ("States.Format('{}-{}', $.name, $$.Execution.Name)", "a-run"),
    ],
)
def test_a_path_that_leads_somewhere_is_resolved(path: str, value: Any) -> None:
    assert stepfunctions._resolve_params_obj({"inner": {"field.$": path}}, DATA, CONTEXT) == {"inner": {"field": value}}


@pytest.mark.parametrize(
    "path",
    [
        "$.nothing",
        "$.name.deeper",
        "$.list[1]",
        "$.list[0].nothing",
        "$$.Execution.Nothing",
        "States.Format('{}', $.nothing)",
        "States.ArrayLength(States.Array($.list[7]))",
    ],
)
def test_one_that_leads_nowhere_ends_the_execution(path: str) -> None:
    with pytest.raises(stepfunctions._ExecutionError, match="could not be found in the input") as raised:
        stepfunctions._resolve_params_obj({"inner": {"field.$": path}}, DATA, CONTEXT)
    assert raised.value.error == "States.Runtime"


def test_a_choice_may_ask_whether_something_is_there_and_nothing_else_of_it() -> None:
    assert stepfunctions._evaluate_rule({"Variable": "$.nothing", "IsPresent": False}, DATA)
    assert stepfunctions._evaluate_rule({"Variable": "$.empty", "IsNull": True}, DATA)
    guarded = {"And": [{"Variable": "$.nothing", "IsPresent": True}, {"Variable": "$.nothing", "StringEquals": "a"}]}
    assert not stepfunctions._evaluate_rule(guarded, DATA)
    with pytest.raises(stepfunctions._ExecutionError, match="could not be found"):
        stepfunctions._evaluate_rule({"Variable": "$.nothing", "StringEquals": "a"}, DATA)


@pytest.mark.parametrize("apply", ["_apply_input_path", "_apply_output_path"])
def test_input_and_output_paths_are_checked_too(apply: str) -> None:
    state = {"InputPath": "$.nothing", "OutputPath": "$.nothing"}
    with pytest.raises(stepfunctions._ExecutionError, match="could not be found"):
        getattr(stepfunctions, apply)(state, DATA, CONTEXT)
    assert getattr(stepfunctions, apply)({}, DATA, CONTEXT) == DATA
