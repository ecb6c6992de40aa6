"""What the commands ask of a stack: uploads, counts, executions, models, the inspector."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from client.target import Target
from sightline import names
from sightline.errors import SightlineError
from sightline.images.ledger import Ledger
from sightline.models.hyperparameters import Hyperparameters
from sightline.models.training_image import TrainingImages

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import (
        ExecutionListItemTypeDef,
        HistoryEventTypeDef,
        StateEnteredEventDetailsTypeDef,
    )

UPLOADERS = 8
MAX_KEY_BYTES = 1024  # S3 takes no longer key, in UTF-8
MACHINES = {
    "label_images": "LabelImagesArn",
    "train_model": "TrainModelArn",
    "deploy_model": "DeployModelArn",
    "score_batch": "ScoreBatchArn",
}


class TrainingRequest(TypedDict, total=False):
    """What an execution of `train_model` is started with. Without any of these it trains what is new."""

    force: bool  # also what was trained before
    started_by: str  # the person
    hyperparameters: dict[str, str]  # instead of the stack's
    model_uri: str  # of an archive to judge instead of training
    test_set: str  # the dataset version to judge it on, which came along with it; else the stack's own


class PipelineError(SightlineError):
    """Something that a command needs is not there, or ended badly."""


def upload(
    target: Target,
    files: list[Path],
    on_file: Callable[[Path], None] = lambda _: None,
    folder: str = "",
    below: Path | None = None,
) -> int:
    """Put files under `incoming/` and `folder` there (empty, or with a slash at its end), several at a time. Return
    how many. Each has its own name there, or its path in the folder `below`.

    Raise SightlineError, before anything is sent, for a name that is no text or has a line break: no event would tell
    of it. Raise it too for a name that is too long for S3.
    """
    keys = {path: folder + (path.relative_to(below).as_posix() if below else path.name) for path in files}
    for path, key in keys.items():
        if not key.isprintable():
            raise SightlineError(f"{path.name!r} in {path.parent} is no name for an object in S3; rename the file")
        if len((names.INCOMING + key).encode()) > MAX_KEY_BYTES:
            raise SightlineError(f"{key:.60}… is longer than S3 allows for a name; shorten the names of its folders")
    s3, bucket = target.aws.s3, target.outputs["ImagesBucketName"]

    def put(path: Path) -> None:
        s3.upload_file(str(path), bucket, names.INCOMING + keys[path])
        on_file(path)

    with ThreadPoolExecutor(UPLOADERS) as pool:
        return len(list(pool.map(put, files)))


def ledger(target: Target) -> Ledger:
    return Ledger(target.aws, target.outputs["ImagesTableName"])


def parameters(target: Target) -> dict[str, str]:
    """Return the values of the stack's parameters."""
    found = target.client("cloudformation").describe_stacks(StackName=target.outputs["StackName"])["Stacks"][0][
        "Parameters"
    ]
    return {entry["ParameterKey"]: str(entry["ParameterValue"]) for entry in found}


def classes(target: Target) -> list[str]:
    """Return the stack's classes in the order of their ids."""
    return parameters(target)["Classes"].split(",")


def image_problem(target: Target) -> str | None:
    """Return in one sentence why the stack's training image could not be built; None where nothing is wrong."""
    if parameters(target).get("TrainingImageUri"):
        return None
    project = f"{target.outputs['StackName']}-training-image"
    return TrainingImages(target.aws, target.outputs["TrainingImageRepositoryUri"], project).problem()


def executions(target: Target, machine: str) -> list[ExecutionListItemTypeDef]:
    """Return a state machine's executions, the newest first."""
    client = target.aws.step_functions
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=target.outputs[MACHINES[machine]])
    found = [execution for page in pages for execution in page["executions"]]
    return sorted(found, key=lambda execution: execution["startDate"], reverse=True)


def history(target: Target, execution_arn: str) -> list[HistoryEventTypeDef]:
    """Return what happened in an execution, the earliest first."""
    pages = target.aws.step_functions.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def current_state(target: Target, execution_arn: str) -> str:
    """Return the state that an execution entered last."""
    entered = _entered_last(target, execution_arn)
    return entered["name"] if entered else "-"


def progress(target: Target, execution_arn: str) -> str:
    """Return the state that an execution entered last; while a model trains, how far that is, too."""
    entered = _entered_last(target, execution_arn)
    if not entered or entered["name"] != "TrainModel":
        return entered["name"] if entered else "-"
    job = json.loads(entered["input"])["plan"]["training_job"]
    return f"TrainModel: {_epoch(target, job) or 'the job starts'}"


def _entered_last(target: Target, execution_arn: str) -> StateEnteredEventDetailsTypeDef | None:
    entered = [event for event in history(target, execution_arn) if event["type"].endswith("StateEntered")]
    return entered[-1]["stateEnteredEventDetails"] if entered else None


def _epoch(target: Target, job: str) -> str:
    """Return what the newest line of a training job's log says of its progress, nothing where it says none."""
    logs, group = target.aws.logs, "/aws/sagemaker/TrainingJobs"
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


def usage(target: Target, machine: str, without: Collection[str] = ()) -> dict[str, int]:
    """Return the executions, state transitions and Lambda invocations of a state machine, from the histories of its
    executions, `without` some of them.
    """
    arns = [one["executionArn"] for one in executions(target, machine) if one["executionArn"] not in without]
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


def caller(target: Target) -> str:
    """Return who calls: the last part of the caller's ARN, such as `user/eve` or `assumed-role/Admin/eve`."""
    return target.aws.sts.get_caller_identity()["Arn"].rsplit(":", 1)[-1]


def start_training(
    target: Target, *, force: bool = False, hyperparameters: dict[str, str] | None = None, is_persons: bool = False
) -> str:
    """Start `train_model`. Return the execution's ARN. Raise InvalidHyperparametersError before anything is started.

    `is_persons`: the caller wants this training, and may not approve its model where somebody else can.
    """
    request: TrainingRequest = {}
    if hyperparameters and not parameters(target).get("TrainingImageUri"):  # an own image says itself what it takes
        Hyperparameters.from_texts(hyperparameters)
    if force:
        request["force"] = True
    if hyperparameters:
        request["hyperparameters"] = hyperparameters
    if is_persons:
        request["started_by"] = caller(target)
    machine = target.outputs["TrainModelArn"]
    return target.aws.step_functions.start_execution(stateMachineArn=machine, input=json.dumps(request))["executionArn"]


def start_scoring(target: Target, prefix: str) -> str:
    """Start `score_batch` for the images under `prefix`. Return the execution's ARN."""
    machine, request = target.outputs["ScoreBatchArn"], json.dumps({"prefix": prefix})
    return target.aws.step_functions.start_execution(stateMachineArn=machine, input=request)["executionArn"]


def wait_for(
    target: Target, execution_arn: str, on_progress: Callable[[str], None] | None = None, seconds: float = 86400
) -> Mapping[str, object]:
    """Wait until an execution ends. Return its output. Raise PipelineError with the cause when it failed."""
    client = target.aws.step_functions
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
    output: Mapping[str, object] = json.loads(execution["output"])
    return output


def innermost(cause: str) -> str:
    """Return the sentence in a cause: what a function or a job said.

    It is wrapped in JSON by each service that it comes through.
    """
    try:
        value = json.loads(cause)
    except ValueError:
        return " ".join(cause.split())
    found = value if isinstance(value, dict) else {}
    inner = next((found[name] for name in ("Cause", "errorMessage", "FailureReason") if found.get(name)), None)
    return innermost(inner) if isinstance(inner, str) else cause
