"""SageMaker's jobs as tasks. A job ends with its task: when its execution is stopped, or it is out of time."""

import json
import time

from local.emulator.aws_shapes import AwsError, Structure, in_milliseconds
from local.emulator.sagemaker.api import call
from local.emulator.sagemaker.job_life import ENDED
from local.emulator.step_functions import current_task

LOOK_SECONDS = 0.2

# How Step Functions names the errors of SageMaker; all others are the general one.
ERRORS = {
    "ResourceInUse": "SageMaker.ResourceInUseException",
    "ResourceNotFound": "SageMaker.ResourceNotFoundException",
    "ResourceLimitExceeded": "SageMaker.ResourceLimitExceededException",
}


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
        if current_task.is_given_up() and job[f"{kind}Status"] != "Stopping":
            call(f"Stop{kind}", name)
        time.sleep(LOOK_SECONDS)
    described: Structure = json.loads(json.dumps(in_milliseconds(job)))
    if job[f"{kind}Status"] != "Completed":
        raise _ExecutionError("States.TaskFailed", json.dumps(described))
    return described
