"""SageMaker's jobs as tasks."""

import json
from typing import Any

import pytest
from ministack.services.stepfunctions import _ExecutionError

from local.emulator.aws_shapes import AwsError
from local.emulator.step_functions import job_tasks

JOB = {"TrainingJobName": "Job-1", "RoleArn": "arn:aws:iam::000000000000:role/jobs"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ResourceInUse", "SageMaker.ResourceInUseException"),
        ("ValidationException", "SageMaker.AmazonSageMakerException"),
    ],
)
def test_a_job_that_cannot_be_made_fails_with_the_error_that_a_workflow_sees(
    monkeypatch: pytest.MonkeyPatch, code: str, error: str
) -> None:
    def refuse(name: str, request: dict[str, Any]) -> None:
        raise AwsError(code, "not so")

    monkeypatch.setattr(job_tasks, "call", refuse)
    with pytest.raises(_ExecutionError) as caught:
        job_tasks.run_training("arn:aws:states:::sagemaker:createTrainingJob.sync", JOB)
    cause = f"not so (Service: AmazonSageMaker; Status Code: 400; Error Code: {code})"
    assert (caught.value.error, caught.value.cause) == (error, cause)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_a_task_with_sync_answers_the_description_or_fails_with_it(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    states = iter(["InProgress", status])
    monkeypatch.setattr(job_tasks, "LOOK_SECONDS", 0)
    monkeypatch.setattr(
        job_tasks, "call", lambda name, _: {} if name.startswith("Create") else {"TrainingJobStatus": next(states)}
    )
    resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    if status == "Completed":
        assert job_tasks.run_training(resource, JOB) == {"TrainingJobStatus": status}
    else:
        with pytest.raises(_ExecutionError) as caught:
            job_tasks.run_training(resource, JOB)
        assert (caught.value.error, json.loads(caught.value.cause)) == (
            "States.TaskFailed",
            {"TrainingJobStatus": status},
        )
