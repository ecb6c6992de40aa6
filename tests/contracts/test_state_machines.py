"""Every workflow: nothing without a timeout and a retry, nothing that cleans up after an end, and telling names."""

import json
import re
from typing import Any

import pytest

from tests.project import (
    ROOT,
    folder_of,
    function_names,
    functions,
    handler_records,
    resources,
    scopes,
    state_machines,
    states,
    targets,
    workflow,
    workflows,
)

TRANSIENT = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
    ],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "JitterStrategy": "FULL",
}
# A new account runs ten functions at a time. Others end within 15 minutes, as long as a function runs at most.
THROTTLED = {
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 15,
    "BackoffRate": 1,
    "MaxAttempts": 60,
}
EACH_STATE = [(name, key) for name in workflows() for key in states(name)]
EACH_TASK = [(name, key) for name, key in EACH_STATE if states(name)[key]["Type"] == "Task"]


def test_every_workflow_of_the_template_has_its_file_and_the_other_way_round() -> None:
    assert sorted(state_machines()) == workflows()


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_every_task_says_why_times_out_and_retries(name: str, key: str) -> None:
    task = states(name)[key]
    assert task.get("Comment"), "a task says in Comment what its name can't say"
    assert "TimeoutSeconds" in task or "TimeoutSecondsPath" in task
    assert task.get("Retry")


@pytest.mark.parametrize(("name", "key"), EACH_STATE)
def test_an_error_is_caught_only_where_the_workflow_goes_on(name: str, key: str) -> None:
    """What an end leaves behind is given back by GiveBack, which a stopped execution needs anyway."""
    for catch in states(name)[key].get("Catch", []):
        caught = states(name)[catch["Next"]]
        assert caught["Type"] != "Fail" or caught["Error"] == "ShardFailed"  # the map says how many, and of what


def test_every_workflow_is_given_back() -> None:
    """The rule names each: one that is not named would hold what it has for ever when it is stopped."""
    (event,) = [
        entry["Properties"]["Pattern"]["detail"]
        for entry in functions()["give_back"]["Events"].values()
        if entry["Type"] == "EventBridgeRule"
    ]
    assert event["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert {one["Ref"] for one in event["stateMachineArn"]} == set(resources("AWS::Serverless::StateMachine"))


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_every_function_task_retries_what_lambda_says_is_transient_and_throttling_for_15_minutes(
    name: str, key: str
) -> None:
    task = states(name)[key]
    if ":lambda:invoke" in task["Resource"]:
        assert TRANSIENT in task["Retry"]
        assert THROTTLED in task["Retry"]
        named = [error for retry in task["Retry"] for error in retry["ErrorEquals"]]
        assert len(named) == len(set(named)), "only the first that names an error is used"


def test_throttling_is_retried_for_15_minutes() -> None:
    assert THROTTLED["BackoffRate"] == 1
    assert THROTTLED["IntervalSeconds"] * THROTTLED["MaxAttempts"] >= 15 * 60  # type: ignore[operator]


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_every_function_task_gets_the_correlation_id_for_its_log(name: str, key: str) -> None:
    task = states(name)[key]
    if ":lambda:invoke" in task["Resource"]:
        assert "correlation_id.$" in task["Parameters"]["Payload"], "one id must find every log line"


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_a_task_gives_its_function_what_the_function_takes(name: str, key: str) -> None:
    task = states(name)[key]
    if ":lambda:invoke" in task["Resource"]:
        taken, _ = handler_records(folder_of(key))
        given = {field.removesuffix(".$") for field in task["Parameters"]["Payload"]}
        assert taken is None or given - {"correlation_id"} == taken - {"correlation_id"}


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_a_task_keeps_only_what_its_function_answers(name: str, key: str) -> None:
    task = states(name)[key]
    kept = set(re.findall(r"\$\.Payload\.(\w+)", json.dumps(task.get("ResultSelector", {}))))
    if ":lambda:invoke" in task["Resource"]:
        _, answered = handler_records(folder_of(key))
        assert answered is None or kept <= answered


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_a_task_with_a_token_gives_it_to_its_function(name: str, key: str) -> None:
    task = states(name)[key]
    uses_token = "$$.Task.Token" in json.dumps(task.get("Parameters", {}))
    assert task["Resource"].endswith(".waitForTaskToken") is uses_token


@pytest.mark.parametrize("name", workflows())
def test_every_next_exists_and_every_state_is_reached(name: str) -> None:
    for scope in scopes(workflow(name)):
        reached, waiting = set(), [scope["StartAt"]]
        while waiting:
            key = waiting.pop()
            assert key in scope["States"], f"{name}: there is no state {key}"
            if key not in reached:
                reached.add(key)
                waiting += targets(scope["States"][key])
        assert set(scope["States"]) - reached == set(), f"{name}: no way leads there"


@pytest.mark.parametrize(("name", "key"), EACH_STATE)
def test_every_state_goes_on_or_ends(name: str, key: str) -> None:
    state = states(name)[key]
    ends = state["Type"] in ("Succeed", "Fail") or state.get("End") is True
    assert ends is not bool(targets(state))


@pytest.mark.parametrize("name", workflows())
def test_substitutions_are_the_same_in_workflow_and_template(name: str) -> None:
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / "statemachines" / f"{name}.asl.json").read_text()))
    given = set(state_machines()[name]["DefinitionSubstitutions"])
    assert used - given == set(), f"name them in DefinitionSubstitutions of {name}, in infra/; then `make template`"
    assert given - used == set(), f"no state of {name} uses them"


@pytest.mark.parametrize("name", workflows())
def test_a_substitution_is_the_resource_of_its_name(name: str) -> None:
    given = state_machines()[name]["DefinitionSubstitutions"]
    functions = {key: value for key, value in given.items() if key.endswith("Function")}
    assert functions == {key: {"Fn::GetAtt": f"{key}.Arn"} for key in functions}


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_one_word_names_state_function_and_folder(name: str, key: str) -> None:
    task = states(name)[key]
    if ":lambda:invoke" in task["Resource"]:
        assert task["Parameters"]["FunctionName"] == "${" + key + "Function}"
        assert f"{key}Function" in function_names(), "add the function to a part in infra/; then `make template`"
        assert function_names()[f"{key}Function"] == folder_of(key)


@pytest.mark.parametrize(("name", "key"), EACH_TASK)
def test_every_task_is_in_a_test_of_its_workflow(name: str, key: str) -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "integration").glob(f"test_{name}*.py"))
    assert key in tests or folder_of(key) in tests, f"name it in tests/integration/test_{name}_paths.py"


@pytest.mark.parametrize(("name", "key"), EACH_STATE)
def test_choices_ask_and_ends_are_past(name: str, key: str) -> None:
    kind = states(name)[key]["Type"]
    if kind == "Choice":
        assert re.match(r"(Is|Are|Has|Have|Was|Were|Does|Did|Can|Should)[A-Z]", key), "a choice is named as a question"
    else:
        assert not re.match(r"(Is|Are|Has|Was)[A-Z]", key), "only a choice is a question"
    if kind == "Fail":
        assert re.search(r"(ed|Back)$", key), "a failed end says what has happened"


@pytest.mark.parametrize(("name", "key"), EACH_STATE)
def test_a_failed_end_gives_error_and_cause(name: str, key: str) -> None:
    state = states(name)[key]
    if state["Type"] == "Fail":
        assert {"Error", "ErrorPath"} & set(state)
        assert {"Cause", "CausePath"} & set(state)


@pytest.mark.parametrize("name", workflows())
def test_workflows_hold_no_names_of_resources(name: str) -> None:
    text = (ROOT / "statemachines" / f"{name}.asl.json").read_text()
    assert re.findall(r"arn:aws[\w-]*:(?!states:::)[^\"]*", text) == []
    assert re.findall(r"s3://|\b\d{12}\b", text) == []


@pytest.mark.parametrize("name", workflows())
def test_workflows_are_written_as_json_dumps_writes_them(name: str) -> None:
    path = ROOT / "statemachines" / f"{name}.asl.json"
    definition: Any = json.loads(path.read_text())
    assert path.read_text().rstrip() == json.dumps(definition, indent=2, ensure_ascii=False)
