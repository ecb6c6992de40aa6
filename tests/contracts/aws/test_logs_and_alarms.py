"""Logs that AWS delivers, how long they are kept, and how an execution may end without a word."""

import tomllib
from fnmatch import fnmatchcase

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.project import ROOT, resources, template
from tests.resolved import ACCOUNT, REGION, Resolver

RESOLVER = Resolver()


@pytest.mark.parametrize("workflow", sorted(resources("AWS::Serverless::StateMachine")))
@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"])
def test_people_hear_of_every_way_in_which_an_execution_ends_badly(workflow: str, metric: str) -> None:
    watched = [
        alarm["Properties"]["Dimensions"][0]["Value"]
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["MetricName"] == metric
    ]
    assert {"Ref": workflow} in watched, "only ExecutionsFailed counts executions that failed"


def test_logs_are_kept_for_a_time_that_cloudwatch_takes() -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, "AWS::Logs::LogGroup").schema
    taken = schema["properties"]["RetentionInDays"]["enum"]
    assert template()["Parameters"]["LogRetentionDays"]["AllowedValues"] == taken


def test_the_profiles_give_parameters_that_the_template_takes() -> None:
    with (ROOT / "samconfig.toml").open("rb") as file:
        profiles = tomllib.load(file)
    given = [
        word.split("=", 1)
        for name, profile in profiles.items()
        if name != "version"
        for word in profile["deploy"]["parameters"].get("parameter_overrides", "").split()
    ]
    known = template()["Parameters"]
    assert [name for name, _ in given if name not in known] == []
    assert [
        (name, value) for name, value in given if value not in map(str, known[name].get("AllowedValues", [value]))
    ] == []


def test_what_aws_delivers_goes_to_groups_that_need_no_policy_of_the_account() -> None:
    destinations = [
        entry["CloudWatchLogsLogGroup"]["LogGroupArn"]
        for machine in resources("AWS::Serverless::StateMachine").values()
        for entry in machine["Properties"]["Logging"]["Destinations"]
    ]
    stages = resources("AWS::ApiGatewayV2::Stage").values()
    destinations += [stage["Properties"]["AccessLogSettings"]["DestinationArn"] for stage in stages]
    groups = {RESOLVER.value(arn).split(":")[6] for arn in destinations}
    assert [group for group in groups if not group.startswith("/aws/vendedlogs/")] == []


@pytest.mark.parametrize("group", sorted(resources("AWS::Logs::LogGroup")))
def test_the_key_lets_logs_encrypt_each_group(group: str) -> None:
    """A group that the key's policy does not name is not made: CreateLogGroup fails, and the stack rolls back."""
    [statement] = [
        entry
        for entry in resources("AWS::KMS::Key")["DataKey"]["Properties"]["KeyPolicy"]["Statement"]
        if entry["Sid"] == "LogGroupsEncrypt"
    ]
    patterns = RESOLVER.value(statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"])
    name = RESOLVER.value(resources("AWS::Logs::LogGroup")[group]["Properties"]["LogGroupName"])
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    assert any(fnmatchcase(arn, pattern) for pattern in patterns)


def test_no_page_gives_parameters_beside_a_profile() -> None:
    """`--parameter-overrides` on the command line replaces all that the profile holds."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    texts = {page.relative_to(ROOT).as_posix(): page.read_text().replace("\\\n", " ") for page in pages}
    assert [
        name
        for name, text in texts.items()
        for line in text.splitlines()
        if "--config-env" in line and "--parameter-overrides" in line
    ] == []
