"""What has to end before a stack is deleted, so that nothing starts anew meanwhile and nothing is left half done."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from client.doctor.deployed import Deployed

GONE = (
    "ExecutionDoesNotExist", "NoSuchBucket", "NoSuchEntity", "NotFoundException", "ResourceNotFound",
    "ResourceNotFoundException", "StateMachineDoesNotExist",
)  # fmt: skip
KEPT_OF_A_SCHEDULE = (
    "Name", "GroupName", "Description", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow",
    "StartDate", "EndDate", "KmsKeyArn", "Target",
)  # fmt: skip


@contextmanager
def if_there() -> Iterator[None]:
    """Leave the block where what it is about is gone: an earlier removal has deleted it."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in GONE and not (code == "ValidationException" and "does not exist" in str(error)):
            raise


def stop(stack: Deployed) -> Iterator[str]:
    """Stop all that works in the stack. Give a line for each kind of thing that was stopped."""
    if off := _switch_off(stack):
        yield f"{off} rules and schedules are off"
    yield from _stop_executions(stack)
    yield from _part_with_devices(stack)


def _switch_off(stack: Deployed) -> int:
    events, scheduler, off = stack.aws.client("events"), stack.aws.client("scheduler"), 0
    for rule in stack.of_kind("AWS::Events::Rule"):
        with if_there():
            events.disable_rule(Name=rule.id.rsplit("/", 1)[-1].rsplit("|", 1)[-1])
            off += 1
    for schedule in stack.of_kind("AWS::Scheduler::Schedule"):
        with if_there():
            found = scheduler.get_schedule(Name=schedule.id.rsplit("/", 1)[-1])
            same = {field: found[field] for field in KEPT_OF_A_SCHEDULE if found.get(field) is not None}
            scheduler.update_schedule(**same, State="DISABLED")
            off += 1
    return off


def _stop_executions(stack: Deployed) -> Iterator[str]:
    """Stop what runs, jobs of SageMaker with it, and have what it held given back: the rule that does so is off."""
    client = stack.aws.step_functions
    for machine in stack.of_kind("AWS::StepFunctions::StateMachine"):
        stopped = 0
        with if_there():
            pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine.id, statusFilter="RUNNING")
            for execution in [one for page in pages for one in page["executions"]]:
                client.stop_execution(
                    executionArn=execution["executionArn"], error="StackRemoved", cause="sightline remove"
                )
                stopped += 1
                _give_back(stack, execution["executionArn"], machine.id, execution["name"])
        if stopped:
            yield f"executions of {machine.name} stopped: {stopped}"


def _give_back(stack: Deployed, arn: str, machine_arn: str, name: str) -> None:
    """Let the stack's own function do what it does after every end that is not a good one."""
    detail = {"executionArn": arn, "stateMachineArn": machine_arn, "name": name, "status": "ABORTED"}
    with if_there():
        stack.aws.lambda_.invoke(
            FunctionName=stack.id_of("GiveBackFunction"),
            Payload=json.dumps({"detail": {**detail, "error": "StackRemoved", "cause": "sightline remove"}}).encode(),
        )


def _part_with_devices(stack: Deployed) -> Iterator[str]:
    """End the deployments to the devices, and detach their policy, which AWS does not delete while a certificate has
    it.
    """
    iot, cancelled = stack.aws.iot, 0
    for group in ("ThingGroupName", "CanaryThingGroupName"):  # CloudFormation's own id is a name or an ARN
        with if_there():
            name = stack.outputs.get(group)
            arn = iot.describe_thing_group(thingGroupName=name)["thingGroupArn"] if name else ""
            cancelled += _cancel_deployments(stack, arn) if arn else 0
    if cancelled:
        yield f"Greengrass deployments cancelled: {cancelled}"
    for policy in stack.of_kind("AWS::IoT::Policy"):
        detached = 0
        with if_there():
            pages = iot.get_paginator("list_targets_for_policy").paginate(policyName=policy.id)
            for target in [one for page in pages for one in page["targets"]]:
                iot.detach_policy(policyName=policy.id, target=target)
                detached += 1
        if detached:
            yield (
                f"certificates that lose the devices' policy: {detached}; the devices go on with the model that they "
                f"have, and send nothing"
            )


def _cancel_deployments(stack: Deployed, target_arn: str) -> int:
    """Cancel what is being deployed to a thing group. Return how many deployments that were."""
    greengrass, cancelled = stack.aws.greengrass, 0
    pages = greengrass.get_paginator("list_deployments").paginate(targetArn=target_arn, historyFilter="LATEST_ONLY")
    for deployment in [one for page in pages for one in page["deployments"]]:
        if deployment["deploymentStatus"] == "ACTIVE":
            greengrass.cancel_deployment(deploymentId=deployment["deploymentId"])
            cancelled += 1
    return cancelled
