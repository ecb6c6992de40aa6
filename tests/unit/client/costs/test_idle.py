"""The idle bill: every resource of the template has a price, and the documentation states the sum to the cent."""

import itertools
import re
from typing import Any

import pytest

from client.costs import idle
from client.costs.bill import Bill
from client.costs.idle import UnpricedResourceError
from client.costs.prices import Prices
from client.costs.template import Template
from client.parameters import ParameterError
from scripts.draw_costs import OPTIONS
from tests.project import ROOT, function_names, resources, targets, template, workflow


def bill(region: str = "us-east-1", whole: Any = None, **parameters: str) -> Bill:
    return Bill.of(idle.uses(Template.of(parameters, whole)), Prices.of(region))


def stated() -> dict[str, str]:
    """What the page says: option → US dollars a month in us-east-1."""
    page = (ROOT / "docs" / "reference" / "costs.md").read_text()
    return dict(re.findall(r"^\| ([^|]+) \| (\d+\.\d\d) \| \d+\.\d\d \|", page, re.MULTILINE))


def test_the_page_states_the_idle_bill_to_the_cent() -> None:
    assert stated()["by default"] == f"{bill().total:.2f}"


@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
def test_the_page_states_the_idle_bill_with_each_option_to_the_cent(option: tuple[str, str]) -> None:
    name, value = option
    assert stated()[f"`{name}={value}`"] == f"{bill(**{name: value}).total:.2f}"


def test_every_parameter_that_changes_the_idle_bill_is_an_option_of_the_page() -> None:
    other = {"ENABLED": "DISABLED", "DISABLED": "ENABLED", "true": "false", "false": "true"}
    known = {name for name, _ in OPTIONS}
    forgotten = []
    for name, entry in template()["Parameters"].items():
        default = str(entry.get("Default", ""))
        values = [str(value) for value in entry.get("AllowedValues", [])] or [other.get(default, "1")]
        if entry["Type"] == "String" and default.startswith("rate("):
            values = ["rate(1 minute)"]
        if "AllowedPattern" in entry:
            values = ["eve@example.com" if "@" in entry["AllowedPattern"] else default]
        if "MinValue" in entry:
            values = [str(max(1, entry["MinValue"]))]
        changed = [value for value in values if abs(bill(**{name: value}).total - bill().total) > 0.005]
        if changed and name not in known:
            forgotten.append(name)
    assert forgotten == []


def test_every_type_of_resource_is_priced_once() -> None:
    types = {entry["Type"] for entry in template()["Resources"].values()}
    assert types - idle.FREE.keys() - idle.PRICED.keys() == set()
    assert idle.FREE.keys() & idle.PRICED.keys() == set()
    assert (idle.FREE.keys() | idle.PRICED.keys()) - types == set(), "priced, but not in the template"


def test_a_resource_that_nobody_priced_is_named() -> None:
    added = {**template(), "Resources": {**template()["Resources"], "Gateway": {"Type": "AWS::EC2::NatGateway"}}}
    with pytest.raises(UnpricedResourceError, match=r"Gateway: AWS::EC2::NatGateway has no idle price"):
        bill(whole=added)


def test_an_event_source_that_nobody_priced_is_named() -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Events": {"Stream": {"Type": "Kinesis"}}}}
    with pytest.raises(UnpricedResourceError, match=r"Kinesis has no idle price"):
        bill(whole={**template(), "Resources": {"Reader": function}})


def test_a_second_alarm_and_a_second_key_cost_what_aws_asks() -> None:
    known = template()["Resources"]
    key, alarm = known["DataKey"], known["PredictFailed"]
    more = {**template(), "Resources": {**known, "OtherKey": key, "OtherAlarm": alarm}}
    assert bill(whole=more).total - bill().total == pytest.approx(1.10)


def test_an_alarm_every_ten_seconds_is_not_priced_as_one_a_minute() -> None:
    alarm = template()["Resources"]["PredictFailed"]
    quick = {**alarm, "Properties": {**alarm["Properties"], "Period": 10}}
    with pytest.raises(UnpricedResourceError, match="PredictFailed"):
        bill(whole={**template(), "Resources": {"PredictFailed": quick}})


def test_containers_that_are_kept_ready_are_paid_by_the_hour() -> None:
    one, two = (bill(PredictConcurrency=number).total - bill().total for number in ("1", "2"))
    assert one == pytest.approx(0.5 * 730 * 3600 * 4.1667e-6)
    assert two == pytest.approx(2 * one)


@pytest.mark.parametrize("name", idle.IDLE_PATHS)
def test_an_execution_that_finds_nothing_goes_the_way_that_is_priced(name: str) -> None:
    path = idle.IDLE_PATHS[name]
    machine = resources("AWS::Serverless::StateMachine")[name]["Properties"]["DefinitionUri"]
    definition = workflow(machine.removeprefix("statemachines/").removesuffix(".asl.json"))
    states = definition["States"]
    assert path[0] == definition["StartAt"]
    assert [(a, b) for a, b in itertools.pairwise(path) if b not in targets(states[a])] == []
    assert states[path[-1]]["Type"] == "Succeed"
    invoked = [state for state in path if states[state]["Type"] == "Task"]
    assert len(invoked) == idle.CALLS[name]
    assert {f"{state}Function" for state in invoked} <= set(function_names())


def test_every_machine_with_a_schedule_has_such_a_way() -> None:
    scheduled = {
        name
        for name, entry in resources("AWS::Serverless::StateMachine").items()
        if any(event["Type"] == "ScheduleV2" for event in entry["Properties"].get("Events", {}).values())
    }
    assert scheduled <= idle.IDLE_PATHS.keys()


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("rate(1 day)", 730 / 24),
        ("rate(6 hours)", 730 / 6),
        ("rate(5 minutes)", 730 * 12),
        ("cron(0 6 * * ? *)", 730 / 24),
    ],
)
def test_a_schedule_is_counted_by_its_rate(expression: str, times: float) -> None:
    found = idle.calls_a_month(
        Template.of({"LabelingSchedule": expression}), {"ScheduleExpression": {"Ref": "LabelingSchedule"}}
    )
    assert found == pytest.approx(times)


def test_a_parameter_that_the_template_does_not_have_is_named() -> None:
    with pytest.raises(ParameterError, match="no parameter MinNewLabel; did you mean MinNewLabels"):
        Template.of({"MinNewLabel": "5"})
