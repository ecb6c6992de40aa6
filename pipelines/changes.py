"""The change set of a release: made with the role of CloudFormation, shown to people before they agree to it."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from client import template_file
from pipelines.place import Bootstrapped, StepError
from pipelines.releases import Plan, Releases
from sightline.aws.clients import Aws

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import (
        ParameterTypeDef,
        RollbackConfigurationTypeDef,
        RollbackTriggerTypeDef,
        StackTypeDef,
    )

POLL_SECONDS = 2.0
PLAN_SECONDS = 900.0
CHANGE_SECONDS = 7200.0  # the longest that a stack is being changed
# CloudFormation watches five alarms at most: those that new code sets off within minutes.
WATCHED = ("PredictFailed", "PredictCrashed", "UploadsDeadLetters", "DeploymentsDeadLetters", "LabelImagesFailed")
WATCH_MINUTES = 10
RELEASE = re.compile(r"[A-Za-z0-9][-A-Za-z0-9]{0,99}")  # names change sets, of letters, digits and hyphens
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
# What holds data: a person looks twice when one is replaced or removed.
HOLDS_DATA = ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Cognito::UserPool",
              "AWS::SageMaker::ModelPackageGroup", "AWS::SageMaker::FeatureGroup")  # fmt: skip
NEW = ("REVIEW_IN_PROGRESS",)  # a stack that has only change sets yet


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource. `replacement` is `True`, `False` or `Conditional`; empty when made or removed."""

    action: str
    name: str
    kind: str
    replacement: str

    @property
    def endangers_data(self) -> bool:
        return self.kind in HOLDS_DATA and (self.action == "Remove" or self.replacement == "True")


def stack_of(aws: Aws, name: str) -> "StackTypeDef | None":
    """Return the stack; None where there is none, or nothing but change sets of it."""
    try:
        [found] = aws.cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] in NEW else found


def values(stack: "StackTypeDef | None") -> dict[str, str]:
    """Return the parameters that a stack runs with."""
    return {one["ParameterKey"]: one["ParameterValue"] for one in (stack.get("Parameters", []) if stack else [])}


def settled(place: Bootstrapped, tell: Callable[[str], None], *, begun: bool = False) -> "StackTypeDef | None":
    """Return the stack when nobody changes it any more, such as the other pipeline. Raise StepError after two hours.

    `begun`: a change of it was begun, so a stack that is not there yet will be.
    """
    until, told = time.monotonic() + CHANGE_SECONDS, ""
    while True:
        stack = stack_of(place.aws, place.stack)
        status = stack["StackStatus"] if stack else NEW[0] if begun else ""
        if not status.endswith("_IN_PROGRESS"):
            return stack
        if time.monotonic() > until:
            raise StepError(f"{place.stack} is {status} after {CHANGE_SECONDS:.0f} s; it goes on without this step")
        if status != told and not begun:
            tell(f"{place.stack} is {status}; this step waits")
        told = status
        time.sleep(POLL_SECONDS)


def check(stack: "StackTypeDef | None", name: str) -> None:
    """Raise StepError for a stack that can't be changed now, with what to do."""
    status = stack["StackStatus"] if stack else ""
    if status == "ROLLBACK_COMPLETE":
        raise StepError(
            f"the first deployment of {name} failed; read its events, delete the stack, then run this again"
        )
    if status.endswith("_FAILED"):
        raise StepError(f"{name} is {status}; mend it in CloudFormation's console, then run this again")


def plan(
    place: Bootstrapped, release: str, template: Path, configured: Mapping[str, str], tell: Callable[[str], None]
) -> tuple[Plan, list[Change]]:
    """Make the change set of a release, from the packed template. Raise StepError when it can't be made."""
    if not RELEASE.fullmatch(release):
        raise StepError(f"RELEASE is {release!r}; use letters, digits and hyphens, at most 100")
    releases = Releases(place.aws, place)
    stack = settled(place, tell)
    check(stack, place.stack)
    own = dict(configured) | {"PermissionsBoundaryArn": place.boundary}
    given: list[ParameterTypeDef] = []
    for name in declared(template):
        if name in own:
            given.append({"ParameterKey": name, "ParameterValue": own[name]})
        elif name in values(stack):
            given.append({"ParameterKey": name, "UsePreviousValue": True})
    key = releases.keep_template(release, template)
    arn = make(place, releases.url(key), given, f"release-{release}", watch=stack is not None)
    planned = Plan(release, key, arn)
    releases.keep_plan(planned)
    return planned, changes(place, arn) if arn else []


def declared(template: Path) -> list[str]:
    """Return the names of a packed template's parameters."""
    return list(template_file.read(template)["Parameters"])


def make(
    place: Bootstrapped, template_url: str, parameters: "list[ParameterTypeDef]", name: str, *, watch: bool
) -> str | None:
    """Return the ARN of a new change set, None where it would change nothing. `watch`: roll back by alarm."""
    client = place.aws.cloudformation
    if stack_of(place.aws, place.stack) is not None:  # of a run before this one
        client.delete_change_set(StackName=place.stack, ChangeSetName=name)
    arn = client.create_change_set(
        StackName=place.stack,
        ChangeSetName=name,
        ChangeSetType="UPDATE" if watch else "CREATE",
        TemplateURL=template_url,
        Parameters=parameters,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        RoleARN=place.role("cloudformation"),
        RollbackConfiguration=watched(place) if watch else {},
    )["Id"]
    until = time.monotonic() + PLAN_SECONDS
    while (found := client.describe_change_set(StackName=place.stack, ChangeSetName=arn))["Status"].endswith(
        ("_PENDING", "_IN_PROGRESS")
    ):
        if time.monotonic() > until:
            raise StepError(f"the change set {name} of {place.stack} was not ready after {PLAN_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    if found["Status"] == "CREATE_COMPLETE":
        return arn
    reason = found.get("StatusReason", "CloudFormation gave no reason")
    client.delete_change_set(StackName=place.stack, ChangeSetName=arn)
    if any(said in reason for said in NO_CHANGES):
        return None
    raise StepError(f"no change set of {place.stack}: {reason}")


def watched(place: Bootstrapped) -> "RollbackConfigurationTypeDef":
    """Return the alarms that take an update back, without those that are on already: they would stop every mend."""
    names = {}
    for page in place.aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=place.stack):
        for entry in page["StackResourceSummaries"]:
            if entry["LogicalResourceId"] in WATCHED:
                names[entry["PhysicalResourceId"]] = entry["LogicalResourceId"]
    alarms = place.aws.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"] if names else []
    triggers: list[RollbackTriggerTypeDef] = [
        {"Arn": alarm["AlarmArn"], "Type": "AWS::CloudWatch::Alarm"}
        for alarm in alarms
        if alarm["StateValue"] != "ALARM"
    ]
    on = [names[alarm["AlarmName"]] for alarm in alarms if alarm["StateValue"] == "ALARM"]
    if on:
        print(f"On already, so not watched during this deployment: {', '.join(on)}.")
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": WATCH_MINUTES}


def changes(place: Bootstrapped, change_set: str) -> list[Change]:
    """Return what a change set does, the resources that hold data first."""
    found: list[Change] = []
    for page in place.aws.cloudformation.get_paginator("describe_change_set").paginate(
        StackName=place.stack, ChangeSetName=change_set
    ):
        for entry in page["Changes"]:
            one = entry["ResourceChange"]
            found.append(
                Change(one["Action"], one["LogicalResourceId"], one["ResourceType"], str(one.get("Replacement", "")))
            )
    return sorted(found, key=lambda one: (not one.endangers_data, one.action, one.name))


def as_markdown(place: Bootstrapped, planned: Plan, found: list[Change]) -> str:
    """Return the change set as a person reads it before approving."""
    head = f"### {place.stack} in {place.account}, {place.region}: release {planned.release[:12]}\n\n"
    if planned.change_set is None:
        return head + "Nothing changes.\n"
    risky = [one.name for one in found if one.endangers_data]
    if risky:
        head += f"**Data is lost or left behind: {', '.join(risky)} would be replaced or removed.**\n\n"
    rows = [f"| {one.action} | `{one.name}` | {one.kind} | {one.replacement} |" for one in found]
    return head + "\n".join(["| action | resource | type | replaced |", "|---|---|---|---|", *rows]) + "\n"
