"""Tasks need the rights of their workflow's role; SageMaker's jobs as tasks."""

import json
from typing import Any

import pytest
from ministack.services.stepfunctions import _ExecutionError

from local.emulator import workflows
from local.emulator.aws_shapes import AwsError

JOB = {"TrainingJobName": "Job-1", "RoleArn": "arn:aws:iam::000000000000:role/jobs"}
JOB_ARN = "arn:aws:sagemaker:us-east-1:000000000000:training-job/job-1"
RULE = "arn:aws:events:us-east-1:000000000000:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"


@pytest.mark.parametrize(
    ("resource", "payload", "rights"),
    [
        (
            "lambda:invoke.waitForTaskToken",
            {"FunctionName": "judge"},
            [("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:000000000000:function:judge", {})],
        ),
        ("states:startExecution", {"StateMachineArn": "arn:machine"}, [("states:StartExecution", "arn:machine", {})]),
        ("s3:getObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k", {})]),
        (
            "sagemaker:createTrainingJob",
            JOB,
            [
                ("sagemaker:CreateTrainingJob", JOB_ARN, {}),
                ("iam:PassRole", JOB["RoleArn"], {"iam:passedtoservice": "sagemaker.amazonaws.com"}),
            ],
        ),
        (
            "sagemaker:createTrainingJob.sync",
            JOB,
            [
                ("sagemaker:CreateTrainingJob", JOB_ARN, {}),
                ("iam:PassRole", JOB["RoleArn"], {"iam:passedtoservice": "sagemaker.amazonaws.com"}),
                ("sagemaker:DescribeTrainingJob", JOB_ARN, {}),
                ("sagemaker:StopTrainingJob", JOB_ARN, {}),
                ("sagemaker:AddTags", JOB_ARN, {}),
                ("events:PutTargets", RULE, {}),
                ("events:PutRule", RULE, {}),
                ("events:DescribeRule", RULE, {}),
            ],
        ),
        (
            "sagemaker:createLabelingJob.sync",
            {"LabelingJobName": "Job-1", "RoleArn": JOB["RoleArn"]},
            [
                ("sagemaker:CreateLabelingJob", JOB_ARN.replace("training", "labeling"), {}),
                ("iam:PassRole", JOB["RoleArn"], {"iam:passedtoservice": "sagemaker.amazonaws.com"}),
                ("sagemaker:DescribeLabelingJob", JOB_ARN.replace("training", "labeling"), {}),
                ("sagemaker:StopLabelingJob", JOB_ARN.replace("training", "labeling"), {}),
                ("sagemaker:AddTags", JOB_ARN.replace("training", "labeling"), {}),
                ("events:PutTargets", RULE.replace("Training", "Labeling"), {}),
                ("events:PutRule", RULE.replace("Training", "Labeling"), {}),
                ("events:DescribeRule", RULE.replace("Training", "Labeling"), {}),
            ],
        ),
    ],
)
def test_a_task_needs_these_rights(resource: str, payload: dict[str, str], rights: list[Any]) -> None:
    assert workflows.needed_rights(f"arn:aws:states:::{resource}", payload) == rights


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

    monkeypatch.setattr(workflows, "call", refuse)
    with pytest.raises(_ExecutionError) as caught:
        workflows.run_training("arn:aws:states:::sagemaker:createTrainingJob.sync", JOB)
    cause = f"not so (Service: AmazonSageMaker; Status Code: 400; Error Code: {code})"
    assert (caught.value.error, caught.value.cause) == (error, cause)


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_a_task_with_sync_answers_the_description_or_fails_with_it(
    monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    states = iter(["InProgress", status])
    monkeypatch.setattr(workflows, "LOOK_SECONDS", 0)
    monkeypatch.setattr(
        workflows, "call", lambda name, _: {} if name.startswith("Create") else {"TrainingJobStatus": next(states)}
    )
    resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    if status == "Completed":
        assert workflows.run_training(resource, JOB) == {"TrainingJobStatus": status}
    else:
        with pytest.raises(_ExecutionError) as caught:
            workflows.run_training(resource, JOB)
        assert (caught.value.error, json.loads(caught.value.cause)) == (
            "States.TaskFailed",
            {"TrainingJobStatus": status},
        )
