"""Tasks need the rights of their workflow's role."""

from typing import Any

import pytest

from local.emulator.step_functions import task_rights

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
    assert task_rights.needed_rights(f"arn:aws:states:::{resource}", payload) == rights
