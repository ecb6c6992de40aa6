"""What passes here has the shape that AWS takes; what does not gets the error that AWS gives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local.emulator.aws_shapes import (
    AwsError,
    check_answer,
    check_request,
    in_milliseconds,
    to_wire,
)

GROUP = {"ModelPackageGroupName": "models"}
LONG = "x" * 64


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("CreateModelPackageGroup", {}, 'Missing required parameter in input: "ModelPackageGroupName"'),
        ("CreateModelPackageGroup", {"ModelPackageGroupName": 1}, "Invalid type for parameter ModelPackageGroupName"),
        ("CreateModelPackageGroup", {**GROUP, "Color": "red"}, 'Unknown parameter in input: "Color"'),
        (
            "CreateModelPackageGroup",
            {"ModelPackageGroupName": LONG},
            (
                f"Value '{LONG}' at 'ModelPackageGroupName' failed to satisfy constraint: Member must have length less "
                "than or equal"
            ),
        ),
        (
            "CreateModelPackageGroup",
            {"ModelPackageGroupName": "my_models"},
            (
                "Value 'my_models' at 'ModelPackageGroupName' failed to satisfy constraint: Member must satisfy "
                "regular expression"
            ),
        ),
        (
            "UpdateModelPackage",
            {
                "ModelPackageArn": "arn:aws:sagemaker:us-east-1:000000000000:model-package/m/1",
                "ModelApprovalStatus": "Yes",
            },
            (
                "Value 'Yes' at 'ModelApprovalStatus' failed to satisfy constraint: Member must satisfy enum value "
                "set: [Approved, "
            ),
        ),
        (
            "ListModelPackages",
            {"MaxResults": 101},
            (
                "Value '101' at 'MaxResults' failed to satisfy constraint: Member must have value less than or equal "
                "to 100"
            ),
        ),
        (
            "CreateTrainingJob",
            {
                "TrainingJobName": "job",
                "RoleArn": "arn:aws:iam::000000000000:role/jobs",
                "AlgorithmSpecification": {"TrainingInputMode": "File"},
                "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
                "StoppingCondition": {"MaxRuntimeInSeconds": 1},
                "HyperParameters": {"epochs": "2" * 2501},
            },
            (
                "at 'HyperParameters.epochs' failed to satisfy constraint: Member must have length less than or equal "
                "to 2500"
            ),
        ),
    ],
)
def test_a_wrong_request_is_refused_with_its_reason(operation: str, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        check_request("sagemaker", operation, request_)
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    assert message in caught.value.message


def test_an_operation_that_the_service_does_not_have_is_refused() -> None:
    with pytest.raises(AwsError, match="sagemaker has no operation MakeCoffee"):
        check_request("sagemaker", "MakeCoffee", {})


def test_a_right_request_passes() -> None:
    check_request("sagemaker", "CreateModelPackageGroup", GROUP)


def test_an_answer_that_aws_would_not_give_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="answered what AWS does not"):
        check_answer("sagemaker", "CreateModelPackageGroup", {"Arn": "arn:…"})


def test_times_travel_as_seconds_and_in_events_as_milliseconds() -> None:
    value = {"at": [datetime(2026, 1, 1, tzinfo=UTC)], "name": "x"}
    assert to_wire(value) == {"at": [1767225600.0], "name": "x"}
    assert in_milliseconds(value) == {"at": [1767225600000], "name": "x"}
