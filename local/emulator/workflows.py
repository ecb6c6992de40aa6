"""What the emulator's Step Functions leaves out: the rights of a state machine's role, how many shards a distributed
map takes at once, and SageMaker's jobs as tasks.

The emulator runs a task without asking whether the state machine's role may do that, so a policy that is missing would
show on AWS only. And a job that belongs to a task must end with it: when its execution is stopped, or it is out of
time.
"""

import json
import time
from contextvars import ContextVar
from typing import Any

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import AwsError, Structure, in_milliseconds
from local.emulator.rights import refuse_unless_allowed
from local.emulator.sagemaker.api import arn, call
from local.emulator.sagemaker.jobs import ENDED

LOOK_SECONDS = 0.2

_execution: ContextVar[Structure | None] = ContextVar("execution", default=None)
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)

# How Step Functions names the errors of SageMaker; all others are the general one.
ERRORS = {
    "ResourceInUse": "SageMaker.ResourceInUseException",
    "ResourceNotFound": "SageMaker.ResourceNotFoundException",
    "ResourceLimitExceeded": "SageMaker.ResourceLimitExceededException",
}


def register() -> None:
    """Hook into the emulator of this process."""
    from ministack.services import stepfunctions

    execute_task, invoke_in_time = stepfunctions._execute_task, stepfunctions._invoke_resource_with_timeout
    invoke_resource, invoke_with_callback = stepfunctions._invoke_resource, stepfunctions._invoke_with_callback
    run_map = stepfunctions._run_distributed_map

    def execute(state: Structure, raw_input: Any, execution: Any, context: Any) -> Any:
        token = _execution.set(execution)
        try:
            return execute_task(state, raw_input, execution, context)
        finally:
            _execution.reset(token)

    def in_time(resource: str, payload: Any, seconds: float) -> Any:
        token = _deadline.set(time.monotonic() + seconds)
        try:
            return invoke_in_time(resource, payload, seconds)
        finally:
            _deadline.reset(token)

    def invoke(resource: str, payload: Any) -> Any:
        _check_rights(resource, payload)
        return invoke_resource(resource, payload)

    def with_callback(resource: str, payload: Any, token: str, state: Structure) -> Any:
        _check_rights(resource, payload)
        return invoke_with_callback(resource, payload, token, state)

    def distributed_map(
        state: Structure, raw_input: Any, effective: Any, iterator: Any, execution: Any, context: Any
    ) -> Any:
        token = _execution.set(execution)
        try:
            reader = state["ItemReader"]
            _check_rights(
                reader["Resource"], stepfunctions._resolve_params_obj(reader["Parameters"], effective, context)
            )
            _check_rights("arn:aws:states:::states:startExecution", {"StateMachineArn": execution["stateMachineArn"]})
        finally:
            _execution.reset(token)
        at_once = stepfunctions._resolve_path_or_ctx(state["MaxConcurrencyPath"], effective, context)
        return run_map({**state, "MaxConcurrency": at_once}, raw_input, effective, iterator, execution, context)

    stepfunctions._run_distributed_map = distributed_map
    stepfunctions._execute_task, stepfunctions._invoke_resource_with_timeout = execute, in_time
    stepfunctions._invoke_resource, stepfunctions._invoke_with_callback = invoke, with_callback
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sagemaker:createTrainingJob"] = run_training
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sagemaker:createProcessingJob"] = run_processing
    stepfunctions._SERVICE_DISPATCH["arn:aws:states:::sagemaker:createLabelingJob"] = run_labeling


# --------------------------------------------------------------------------------------------------------------- rights
def _check_rights(resource: str, payload: Any) -> None:
    """Fail the task unless the role of its state machine may do it."""
    from ministack.services.stepfunctions import _ExecutionError, _state_machines

    execution = _execution.get()
    if not execution:
        return  # TestState runs a state by itself
    machine = _state_machines.get(execution["stateMachineArn"].split("/")[0])  # a map's children add /label
    if not machine:
        return  # deleted while it runs
    try:
        for action, on, context in needed_rights(resource, payload):
            refuse_unless_allowed(machine["roleArn"], action, on, context)
    except AwsError as error:
        raise _ExecutionError(_denied(resource), error.message) from error


def _denied(resource: str) -> str:
    """The error name of a task that was not allowed, as Step Functions gives it."""
    service = resource.split(":::")[-1].split(":")[0]
    return {
        "lambda": "Lambda.AWSLambdaException",
        "sagemaker": "SageMaker.AmazonSageMakerException",
        "states": "StepFunctions.AWSStepFunctionsException",
        "s3": "States.ItemReaderFailed",
    }.get(service, "States.Permissions")


def needed_rights(resource: str, payload: Any) -> list[tuple[str, str, dict[str, str]]]:
    """(action, resource, condition keys) of all that a task needs; the services that Sightline's workflows use."""
    integration = resource.split(":::")[-1]
    if integration.startswith("lambda:invoke"):
        name = str(payload.get("FunctionName", ""))
        function = name if name.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        return [("lambda:InvokeFunction", function, {})]
    if integration.startswith("states:startExecution"):
        return [("states:StartExecution", str(payload.get("StateMachineArn", "")), {})]
    if integration == "s3:getObject":
        return [("s3:GetObject", f"arn:aws:s3:::{payload['Bucket']}/{payload['Key']}", {})]
    for kind in ("Training", "Processing", "Labeling"):
        if integration.startswith(f"sagemaker:create{kind}Job"):
            return _job_rights(kind, payload, waits=integration.endswith(".sync"))
    return []


def _job_rights(kind: str, payload: Structure, *, waits: bool) -> list[tuple[str, str, dict[str, str]]]:
    job = arn(f"{kind.lower()}-job", str(payload.get(f"{kind}JobName", "")))
    to_sagemaker = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    needed = [
        (f"sagemaker:Create{kind}Job", job, {}),
        ("iam:PassRole", str(payload.get("RoleArn", "")), to_sagemaker),
    ]
    if waits:  # what Step Functions does to hear of the job's end, and to stop it
        rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMaker{kind}JobsRule"
        needed += [(f"sagemaker:{verb}{kind}Job", job, {}) for verb in ("Describe", "Stop")]
        needed += [("sagemaker:AddTags", job, {})]
        needed += [(f"events:{verb}", rule, {}) for verb in ("PutTargets", "PutRule", "DescribeRule")]
    return needed


# ----------------------------------------------------------------------------------------------------------------- jobs
def run_training(resource: str, request: Structure) -> Structure:
    """`arn:aws:states:::sagemaker:createTrainingJob[.sync]`."""
    return _run_job(resource, request, "TrainingJob")


def run_processing(resource: str, request: Structure) -> Structure:
    """`arn:aws:states:::sagemaker:createProcessingJob[.sync]`."""
    return _run_job(resource, request, "ProcessingJob")


def run_labeling(resource: str, request: Structure) -> Structure:
    """`arn:aws:states:::sagemaker:createLabelingJob[.sync]`."""
    return _run_job(resource, request, "LabelingJob")


def _run_job(resource: str, request: Structure, kind: str) -> Structure:
    """Start a job; with `.sync`, wait for its end and answer its description, or fail with that as the cause."""
    from ministack.services.stepfunctions import _ExecutionError

    try:
        answer = call(f"Create{kind}", request)
    except AwsError as error:
        cause = f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})"
        raise _ExecutionError(ERRORS.get(error.code, "SageMaker.AmazonSageMakerException"), cause) from error
    if not resource.endswith(".sync"):
        return answer
    name = {f"{kind}Name": request[f"{kind}Name"]}
    while (job := call(f"Describe{kind}", name))[f"{kind}Status"] not in ENDED:
        if _is_given_up() and job[f"{kind}Status"] != "Stopping":
            call(f"Stop{kind}", name)
        time.sleep(LOOK_SECONDS)
    described: Structure = json.loads(json.dumps(in_milliseconds(job)))
    if job[f"{kind}Status"] != "Completed":
        raise _ExecutionError("States.TaskFailed", json.dumps(described))
    return described


def _is_given_up() -> bool:
    """True when nobody waits for the task any more: its execution was stopped, or its time is over."""
    execution, deadline = _execution.get(), _deadline.get()
    stopped = execution is not None and execution.get("status") not in (None, "RUNNING")
    return stopped or (deadline is not None and time.monotonic() > deadline)
