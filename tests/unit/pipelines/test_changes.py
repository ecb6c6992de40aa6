"""The change set that a release asks for: which alarms take it back, and when a step waits for the stack."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from pipelines import changes, deploying
from pipelines.changes import WATCHED, make, settled, watched
from pipelines.place import Bootstrapped, StepError
from pipelines.releases import Plan, Releases
from tests.given_aws import GivenAws

PLACE = Bootstrapped("sightline-dev", "123456789012", "eu-central-1")
ARN = "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/release-one/1"
HERE = {"StackName": "sightline-dev"}


class Stubbed:
    """CloudFormation and CloudWatch, which give the answers that a test names, in order, to what it names."""

    def __init__(self) -> None:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-central-1"}
        make: Any = boto3.client
        self.clients = {name: make(name, **keys) for name in ("cloudformation", "cloudwatch")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}

    def answers(self, method: str, answer: dict[str, Any], asked: dict[str, Any], service: str = "") -> None:
        self.stubs[service or "cloudformation"].add_response(method, answer, asked)

    def stack(self, status: str) -> None:
        made = {"StackName": "sightline-dev", "CreationTime": "2026-11-30T00:00:00Z", "StackStatus": status}
        self.answers("describe_stacks", {"Stacks": [made]}, HERE)

    def alarms(self, states: dict[str, str]) -> None:
        """Let the stack have all alarms that are watched, in these states; OK where none is given."""
        listed = [
            {"LogicalResourceId": name, "PhysicalResourceId": f"sightline-dev-{name}-1X",
             "ResourceType": "AWS::CloudWatch::Alarm", "LastUpdatedTimestamp": "2026-11-30T00:00:00Z",
             "ResourceStatus": "CREATE_COMPLETE"}
            for name in (*WATCHED, "ImagesBucket")
        ]  # fmt: skip
        self.answers("list_stack_resources", {"StackResourceSummaries": listed[:2], "NextToken": "more"}, HERE)
        self.answers("list_stack_resources", {"StackResourceSummaries": listed[2:]}, {**HERE, "NextToken": "more"})
        names = [f"sightline-dev-{name}-1X" for name in WATCHED]
        found = [
            {"AlarmName": name, "AlarmArn": arn(name), "StateValue": states.get(name.split("-")[2], "OK")}
            for name in names
        ]
        self.answers("describe_alarms", {"MetricAlarms": found}, {"AlarmNames": names}, "cloudwatch")


def arn(name: str) -> str:
    return f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}"


def triggers(*names: str) -> list[dict[str, str]]:
    return [{"Arn": arn(f"sightline-dev-{name}-1X"), "Type": "AWS::CloudWatch::Alarm"} for name in names]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubbed]:
    stubbed = Stubbed()
    monkeypatch.setattr(Bootstrapped, "aws", GivenAws(**stubbed.clients))
    monkeypatch.setattr(changes, "POLL_SECONDS", 0)
    for stub in stubbed.stubs.values():
        stub.activate()
    yield stubbed
    for stub in stubbed.stubs.values():
        stub.assert_no_pending_responses()


def test_an_update_is_watched_by_the_stacks_five_alarms(aws: Stubbed) -> None:
    aws.alarms({"PredictCrashed": "INSUFFICIENT_DATA"})
    assert watched(PLACE) == {"RollbackTriggers": triggers(*WATCHED), "MonitoringTimeInMinutes": 10}


def test_an_alarm_that_is_on_already_is_not_watched_and_named(aws: Stubbed, capsys: pytest.CaptureFixture[str]) -> None:
    aws.alarms({"PredictFailed": "ALARM", "LabelImagesFailed": "ALARM"})
    assert watched(PLACE)["RollbackTriggers"] == triggers(*WATCHED[1:4])
    assert capsys.readouterr().out == (
        "On already, so not watched during this deployment: PredictFailed, LabelImagesFailed.\n"
    )


@pytest.mark.parametrize("watch", [True, False])
def test_the_change_set_of_an_update_carries_the_alarms_and_that_of_a_new_stack_none(aws: Stubbed, watch: bool) -> None:
    if watch:
        aws.stack("UPDATE_COMPLETE")
        aws.answers("delete_change_set", {}, {**HERE, "ChangeSetName": "release-one"})
        aws.alarms({})
    else:
        aws.stack("REVIEW_IN_PROGRESS")
    asked = {
        **HERE, "ChangeSetName": "release-one", "ChangeSetType": "UPDATE" if watch else "CREATE", "TemplateURL": ANY,
        "Parameters": [], "Capabilities": ANY, "RoleARN": PLACE.role("cloudformation"),
        "RollbackConfiguration":
            {"RollbackTriggers": triggers(*WATCHED), "MonitoringTimeInMinutes": 10} if watch else {},
    }  # fmt: skip
    aws.answers("create_change_set", {"Id": ARN}, asked)
    aws.answers("describe_change_set", {"Status": "CREATE_COMPLETE"}, {**HERE, "ChangeSetName": ARN})
    assert make(PLACE, "https://s3.eu-central-1.amazonaws.com/b/k", [], "release-one", watch=watch) == ARN


def test_a_step_waits_while_another_one_changes_the_stack(aws: Stubbed) -> None:
    said: list[str] = []
    for status in ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
        aws.stack(status)
    aws.stack("UPDATE_COMPLETE")
    stack = settled(PLACE, said.append)
    assert (stack or {})["StackStatus"] == "UPDATE_COMPLETE"
    assert said == [
        "sightline-dev is UPDATE_IN_PROGRESS; this step waits",
        "sightline-dev is UPDATE_COMPLETE_CLEANUP_IN_PROGRESS; this step waits",
    ]


def test_it_waits_for_two_hours_at_most(aws: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "CHANGE_SECONDS", -1)
    aws.stack("UPDATE_IN_PROGRESS")
    with pytest.raises(StepError, match=r"sightline-dev is UPDATE_IN_PROGRESS after -1 s; it goes on without"):
        settled(PLACE, lambda _: None)


@pytest.mark.parametrize("found", [{"ExecutionStatus": "OBSOLETE"}, None])
def test_a_release_that_another_one_overtook_is_to_be_planned_again(
    aws: Stubbed, monkeypatch: pytest.MonkeyPatch, found: dict[str, str] | None
) -> None:
    monkeypatch.setattr(Releases, "plan", lambda _, release: Plan(release, "key", ARN))
    aws.stack("UPDATE_COMPLETE")
    asked = {**HERE, "ChangeSetName": ARN}
    if found:
        aws.answers("describe_change_set", found, asked)
    else:
        aws.stubs["cloudformation"].add_client_error("describe_change_set", "ChangeSetNotFound", expected_params=asked)
    with pytest.raises(StepError, match="the change set of release one is gone: sightline-dev was changed after it"):
        deploying.deploy(PLACE, "one", lambda _: None)


@pytest.mark.parametrize("release", ["v1.2", "feature/roles", "", "-1", "a" * 101])
def test_a_release_whose_change_set_cloudformation_would_not_name_is_refused(tmp_path: Path, release: str) -> None:
    with pytest.raises(StepError, match=r"RELEASE is '.*'; use letters, digits and hyphens, at most 100"):
        changes.plan(PLACE, release, tmp_path, {}, lambda _: None)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ROLLBACK_COMPLETE", "the first deployment of sightline-dev failed; read its events, delete the stack"),
        ("UPDATE_ROLLBACK_FAILED", "sightline-dev is UPDATE_ROLLBACK_FAILED; mend it in CloudFormation's console"),
    ],
)
def test_a_stack_that_cannot_be_changed_says_what_to_do(aws: Stubbed, tmp_path: Path, status: str, said: str) -> None:
    aws.stack(status)
    with pytest.raises(StepError, match=re.escape(said)):
        changes.plan(PLACE, "one", tmp_path, {}, lambda _: None)
