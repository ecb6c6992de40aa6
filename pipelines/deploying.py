"""Execute what was planned, say why where CloudFormation takes it back, and go back to the release that was good."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pipelines import changes
from pipelines.changes import settled, stack_of, values
from pipelines.place import Bootstrapped, StepError
from pipelines.releases import Good, Releases

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def deploy(place: Bootstrapped, release: str, tell: Callable[[str], None]) -> None:
    """Execute the change set that was planned for a release. Raise StepError when the stack does not take it."""
    plan = Releases(place.aws, place).plan(release)
    if plan is None:
        raise StepError(f"nothing was planned for release {release} of {place.stack}; run plan.sh before")
    if plan.change_set is None:
        tell(f"{place.stack}: nothing to change")
        return
    settled(place, tell)
    if not _is_available(place, plan.change_set):
        raise StepError(
            f"the change set of release {release} is gone: {place.stack} was changed after it was planned; "
            "plan the release again, look at its changes, then deploy it"
        )
    _execute(place, plan.change_set, tell)


def keep_as_good(place: Bootstrapped, release: str) -> None:
    """Note that a release passed its checks: this one a later roll-back goes back to. Raise StepError."""
    releases = Releases(place.aws, place)
    plan, stack = releases.plan(release), stack_of(place.aws, place.stack)
    if plan is None or stack is None:
        raise StepError(f"release {release} of {place.stack} was not deployed; run plan.sh and deploy.sh before")
    releases.keep_good(Good(release, plan.template_key, values(stack)))


def roll_back(place: Bootstrapped, tell: Callable[[str], None]) -> Good:
    """Give the stack the template and parameters of the release that was good. Raise StepError."""
    releases = Releases(place.aws, place)
    good, stack = releases.good(), stack_of(place.aws, place.stack)
    if good is None or stack is None:
        raise StepError(f"no release of {place.stack} has passed its checks yet, so there is none to go back to")
    changes.check(settled(place, tell), place.stack)
    change_set = changes.make(
        place,
        releases.url(good.template_key),
        [{"ParameterKey": name, "ParameterValue": value} for name, value in good.parameters.items()],
        f"back-to-{good.release}",
        watch=True,
    )
    if change_set is None:
        tell(f"{place.stack} is as release {good.release[:12]} left it")
    else:
        _execute(place, change_set, tell)
    return good


def _execute(place: Bootstrapped, change_set: str, tell: Callable[[str], None]) -> None:
    client = place.aws.cloudformation
    before = {event["EventId"] for event in _events(place)}
    client.execute_change_set(StackName=place.stack, ChangeSetName=change_set)
    stack = settled(place, tell, begun=True)
    status = stack["StackStatus"] if stack else "gone"
    tell(f"{place.stack}: {status}")
    if status not in WELL:
        why = [event for event in reversed(_events(place)) if event["EventId"] not in before and _tells(event)]
        lines = [f"  {event['LogicalResourceId']}: {event['ResourceStatusReason']}" for event in why]
        raise StepError("\n".join([f"CloudFormation took the release back: {place.stack} is {status}", *lines]))


def _is_available(place: Bootstrapped, change_set: str) -> bool:
    """Say whether a change set can be executed: any other one that was since has CloudFormation delete it."""
    client = place.aws.cloudformation
    try:
        found = client.describe_change_set(StackName=place.stack, ChangeSetName=change_set)
    except client.exceptions.ChangeSetNotFoundException:
        return False
    return found.get("ExecutionStatus") == "AVAILABLE"


def _events(place: Bootstrapped) -> "list[StackEventTypeDef]":
    if stack_of(place.aws, place.stack) is None:
        return []
    pages = place.aws.cloudformation.get_paginator("describe_stack_events").paginate(StackName=place.stack)
    return [event for page in pages for event in page["StackEvents"]]


def _tells(event: "StackEventTypeDef") -> bool:
    """Say whether an event says why: of a resource that failed, or of an alarm that went off."""
    if not event.get("ResourceStatusReason"):
        return False
    return event["ResourceStatus"].endswith("_FAILED") or "ROLLBACK_IN_PROGRESS" in event["ResourceStatus"]
