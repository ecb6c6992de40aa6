"""What the commands ask of a stack: uploads, counts, executions, models, the inspector."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from client.target import Target
from sightline import names
from sightline.errors import SightlineError
from sightline.images.ledger import Ledger

UPLOADERS = 8
MACHINES = {
    "label_images": "LabelImagesArn",
    "train_model": "TrainModelArn",
    "deploy_model": "DeployModelArn",
    "score_batch": "ScoreBatchArn",
}


class PipelineError(SightlineError):
    """Something that a command needs is not there, or ended badly."""


def upload(target: Target, files: list[Path], on_file: Callable[[Path], None] = lambda _: None) -> int:
    """Put files under `incoming/` by their names, several at a time; answers how many.

    Raises SightlineError, before anything is sent, for a name that is no text or has a line break: no event would tell
    of it.
    """
    for path in files:
        if not path.name.isprintable():
            raise SightlineError(f"{path.name!r} in {path.parent} is no name for an object in S3; rename the file")
    s3, bucket = target.client("s3"), target.outputs["ImagesBucketName"]

    def put(path: Path) -> None:
        s3.upload_file(str(path), bucket, names.INCOMING + path.name)
        on_file(path)

    with ThreadPoolExecutor(UPLOADERS) as pool:
        return len(list(pool.map(put, files)))


def ledger(target: Target) -> Ledger:
    return Ledger(target.aws, target.outputs["ImagesTableName"])


def parameters(target: Target) -> dict[str, str]:
    """The values of the stack's parameters."""
    stack = target.outputs["LabelImagesArn"].rsplit(":", 1)[1].removesuffix("-label-images")
    found = target.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Parameters"]
    return {entry["ParameterKey"]: str(entry["ParameterValue"]) for entry in found}


def executions(target: Target, machine: str) -> list[dict[str, Any]]:
    """A state machine's executions, the newest first."""
    client = target.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=target.outputs[MACHINES[machine]])
    found = [execution for page in pages for execution in page["executions"]]
    return sorted(found, key=lambda execution: execution["startDate"], reverse=True)


def history(target: Target, execution_arn: str) -> list[dict[str, Any]]:
    pages = target.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def current_state(target: Target, execution_arn: str) -> str:
    """The state that an execution entered last."""
    return _entered_last(target, execution_arn).get("name", "-")


def progress(target: Target, execution_arn: str) -> str:
    """The state that an execution entered last; while a model trains, how far that is, too."""
    entered = _entered_last(target, execution_arn)
    if entered.get("name") != "TrainModel":
        return entered.get("name", "-")
    job = json.loads(entered["input"])["plan"]["training_job"]
    return f"TrainModel: {_epoch(target, job) or 'the job starts'}"


def _entered_last(target: Target, execution_arn: str) -> dict[str, str]:
    entered = [event for event in history(target, execution_arn) if event["type"].endswith("StateEntered")]
    return dict(entered[-1]["stateEnteredEventDetails"]) if entered else {}


def _epoch(target: Target, job: str) -> str:
    """What the newest line of a training job's log says; nothing where there is none, or when it says something
    else.
    """
    logs, group = target.client("logs"), "/aws/sagemaker/TrainingJobs"
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
        events = [
            logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], limit=1)["events"]
            for stream in streams[-1:]
        ]
    except ClientError:  # no log yet, or no right to read it: the wait goes on without
        return ""
    words = events[0][-1]["message"].split() if events and events[0] else []
    said = dict(word.split("=", 1) for word in words if "=" in word)
    if not {"epoch", "epochs"} <= said.keys():
        return ""
    parts = {"loss": said.get("train:loss"), "mAP@.50": said.get("validation:map50")}
    return f"epoch {said['epoch']} of {said['epochs']}" + "".join(
        f", {name} {value}" for name, value in parts.items() if value
    )


def usage(target: Target, machine: str) -> dict[str, int]:
    """Executions, state transitions and Lambda invocations of a state machine, from the histories."""
    arns = [execution["executionArn"] for execution in executions(target, machine)]
    events = [event for arn in arns for event in history(target, arn)]
    invoked = ("lambda", "arn:aws:states:::lambda")
    return {
        "executions": len(arns),
        "state_transitions": sum(event["type"].endswith("StateEntered") for event in events),
        "lambda_invocations": sum(
            event["type"] == "LambdaFunctionScheduled"
            or (
                event["type"] == "TaskScheduled"
                and event["taskScheduledEventDetails"].get("resourceType", "") in invoked
            )
            for event in events
        ),
    }


def start_training(target: Target, *, force: bool = False, hyperparameters: dict[str, str] | None = None) -> str:
    """Start `train_model`; answers the execution's ARN."""
    request: dict[str, Any] = ({"force": True} if force else {}) | (
        {"hyperparameters": hyperparameters} if hyperparameters else {}
    )
    client = target.client("stepfunctions")
    answer = client.start_execution(stateMachineArn=target.outputs["TrainModelArn"], input=json.dumps(request))
    return str(answer["executionArn"])


def start_scoring(target: Target, prefix: str) -> str:
    """Start `score_batch` for the images under `prefix`; answers the execution's ARN."""
    client = target.client("stepfunctions")
    arn, request = target.outputs["ScoreBatchArn"], json.dumps({"prefix": prefix})
    return str(client.start_execution(stateMachineArn=arn, input=request)["executionArn"])


def wait_for(
    target: Target, execution_arn: str, on_progress: Callable[[str], None] | None = None, seconds: float = 86400
) -> dict[str, Any]:
    """Wait until an execution ends; answers its output. Raises PipelineError with the cause when it failed."""
    client = target.client("stepfunctions")
    deadline = time.monotonic() + seconds
    while (execution := client.describe_execution(executionArn=execution_arn))["status"] == "RUNNING":
        if time.monotonic() > deadline:
            raise PipelineError(f"{execution_arn.rsplit(':', 1)[-1]} still runs after {seconds:.0f} s")
        if on_progress:
            on_progress(progress(target, execution_arn))
        time.sleep(0.5)
    if execution["status"] != "SUCCEEDED":
        cause = innermost(execution.get("cause", "no cause given"))
        raise PipelineError(
            f"{execution_arn.split(':')[-2]} {execution['status'].lower()}: {execution.get('error')}: {cause}"
        )
    output: dict[str, Any] = json.loads(execution["output"])
    return output


def innermost(cause: str) -> str:
    """The sentence in a cause: what a function or a job said is wrapped in JSON by each service that it comes
    through.
    """
    try:
        value = json.loads(cause)
    except ValueError:
        return " ".join(cause.split())
    found = value if isinstance(value, dict) else {}
    inner = next((found[name] for name in ("Cause", "errorMessage", "FailureReason") if found.get(name)), None)
    return innermost(inner) if isinstance(inner, str) else cause
