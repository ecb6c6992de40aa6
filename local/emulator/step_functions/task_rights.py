"""The rights that a task needs of its state machine's role.

The emulator runs a task without asking, so a policy that is missing would show on AWS only.
"""

from typing import Any, NamedTuple

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.rights import refuse_unless_allowed
from local.emulator.sagemaker.api import arn
from local.emulator.step_functions import current_task, managed_rules


class Right(NamedTuple):
    """An action on a resource, under condition keys."""

    action: str
    resource: str
    context: dict[str, str]


def check(resource: str, payload: Any) -> None:
    """Fail the task unless the role of its state machine may do it."""
    from ministack.services.stepfunctions import _ExecutionError, _state_machines

    execution = current_task.execution.get()
    if not execution:
        return  # TestState runs a state by itself
    machine = _state_machines.get(execution["stateMachineArn"].split("/")[0])  # a map's children add /label
    if not machine:
        return  # deleted while it runs
    try:
        for needed in needed_rights(resource, payload):
            refuse_unless_allowed(machine["roleArn"], needed.action, needed.resource, needed.context)
    except AwsError as error:
        raise _ExecutionError(_denied(resource), error.message) from error


def _denied(resource: str) -> str:
    """Return the error name of a task that was not allowed, as Step Functions gives it."""
    service = resource.split(":::")[-1].split(":")[0]
    return {
        "lambda": "Lambda.AWSLambdaException",
        "sagemaker": "SageMaker.AmazonSageMakerException",
        "states": "StepFunctions.AWSStepFunctionsException",
        "s3": "States.ItemReaderFailed",
    }.get(service, "States.Permissions")


def needed_rights(resource: str, payload: Any) -> list[Right]:
    """Return all that a task needs; the services that Sightline's workflows use."""
    integration = resource.split(":::")[-1]
    if integration.startswith("lambda:invoke"):
        name = str(payload.get("FunctionName", ""))
        function = name if name.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        return [Right("lambda:InvokeFunction", function, {})]
    if integration.startswith("states:startExecution"):
        return [Right("states:StartExecution", str(payload.get("StateMachineArn", "")), {})]
    if integration == "s3:getObject":
        return [Right("s3:GetObject", f"arn:aws:s3:::{payload['Bucket']}/{payload['Key']}", {})]
    for kind in ("Training", "Processing", "Labeling"):
        if integration.startswith(f"sagemaker:create{kind}Job"):
            return _job_rights(kind, payload, waits=integration.endswith(".sync"))
    return []


def _job_rights(kind: str, payload: Structure, *, waits: bool) -> list[Right]:
    job = arn(f"{kind.lower()}-job", str(payload.get(f"{kind}JobName", "")))
    to_sagemaker = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    needed = [
        Right(f"sagemaker:Create{kind}Job", job, {}),
        Right("iam:PassRole", str(payload.get("RoleArn", "")), to_sagemaker),
    ]
    if waits:  # what Step Functions does to hear of the job's end, and to stop it
        rule = managed_rules.arn_of(f"sagemaker:create{kind}Job")
        needed += [Right(f"sagemaker:{verb}{kind}Job", job, {}) for verb in ("Describe", "Stop")]
        needed += [Right("sagemaker:AddTags", job, {})]
        needed += [Right(f"events:{verb}", rule, {}) for verb in managed_rules.VERBS]
    return needed
