"""The model registry, with answers and requests held against botocore's own model of SageMaker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from sightline.models import releases
from sightline.models.registry import RegisteredModel, Registry, client_token
from tests.given_aws import GivenAws

MADE = datetime(2026, 11, 20, tzinfo=UTC)
GIVEN: dict[str, Any] = {
    "card": {"ModelCardContent": "{}", "ModelCardStatus": "PendingReview"},
    "training_job": "train-1",
    "image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/training:1",
    "archive_uri": "s3://artifacts/models/train-1/model.tar.gz",
    "evaluation_uri": "s3://artifacts/training/train-1/evaluation/evaluation.json",
    "properties": {"training_job": "train-1", "map50": "0.8"},
}


def arn(version: int) -> str:
    return f"arn:aws:sagemaker:us-east-1:123456789012:model-package/models/{version}"


def summary(version: int, job: str = "other", status: str = "Approved") -> dict[str, Any]:
    return {
        "ModelPackageName": f"models-{version}",
        "ModelPackageArn": arn(version),
        "ModelPackageDescription": f"Trained by {job}",
        "CreationTime": MADE,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": status,
    }


def page(*packages: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    return {"ModelPackageSummaryList": list(packages)} | ({"NextToken": following} if following else {})


@pytest.fixture
def models(aws: GivenAws) -> Registry:
    return Registry(aws, "models")


@pytest.fixture
def sagemaker(aws: GivenAws) -> Iterator[Stubber]:
    client = boto3.client("sagemaker")
    aws.given["sagemaker"] = client
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


NEWEST = {
    "ModelPackageGroupName": "models",
    "ModelApprovalStatus": "Approved",
    "SortBy": "CreationTime",
    "SortOrder": "Descending",
}
DESCRIBED: Any = {
    "ModelPackageName": "models",
    "ModelPackageArn": arn(2),
    "ModelPackageVersion": 2,
    "ModelApprovalStatus": "Approved",
    "CreationTime": MADE,
    "ModelPackageStatus": "Completed",
    "ModelPackageStatusDetails": {"ValidationStatuses": []},
}


def test_the_champion_is_the_newest_approved_package_also_behind_an_empty_page(
    models: Registry, sagemaker: Stubber
) -> None:
    sagemaker.add_response("list_model_packages", page(following="more"), NEWEST)
    sagemaker.add_response("list_model_packages", page(summary(2), summary(1)), {**NEWEST, "NextToken": "more"})
    sagemaker.add_response("describe_model_package", DESCRIBED, {"ModelPackageName": arn(2)})
    assert [model.arn for model in [models.champion({})] if model] == [arn(2)]


def test_a_group_without_an_approved_package_has_no_champion(models: Registry, sagemaker: Stubber) -> None:
    sagemaker.add_response("list_model_packages", page(), NEWEST)
    assert models.champion({}) is None


def test_an_approved_package_without_a_release_is_not_taken_for_no_model(models: Registry, sagemaker: Stubber) -> None:
    sagemaker.add_response("list_model_packages", page(summary(2)), NEWEST)
    sagemaker.add_response("describe_model_package", DESCRIBED, {"ModelPackageName": arn(2)})
    with pytest.raises(releases.NoReleaseError, match="model 2 was registered without release_uri"):
        releases.in_service(models, {})


@pytest.mark.parametrize(
    ("given", "read"),
    [("0", 0.0), ("0.81", 0.81), ("1", 1.0), ("", None), ("nan", None), ("inf", None), ("81 %", None), ("-0.1", None)],
)
def test_a_score_that_is_no_share_hides_no_model(given: str, read: float | None) -> None:
    described = {**DESCRIBED, "CustomerMetadataProperties": {"map50": given}}
    model = RegisteredModel.from_description(described)
    assert (model.map50, model.map50_95) == (read, None)


def test_a_model_is_registered_for_a_person_to_approve(models: Registry, sagemaker: Stubber) -> None:
    sagemaker.add_response("list_model_packages", page(summary(1)), {"ModelPackageGroupName": "models"})
    request = {
        "ModelPackageGroupName": "models",
        "ModelPackageDescription": "Trained by train-1",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [{"Image": GIVEN["image_uri"], "ModelDataUrl": GIVEN["archive_uri"]}],
            "SupportedContentTypes": ["image/jpeg", "image/png"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": GIVEN["evaluation_uri"]}}
        },
        "ModelCard": GIVEN["card"],
        "CustomerMetadataProperties": GIVEN["properties"],
        "ClientToken": client_token("train-1"),
    }
    sagemaker.add_response("create_model_package", {"ModelPackageArn": arn(2)}, request)
    assert models.register(**GIVEN) == arn(2)


def test_a_training_job_that_has_its_package_gets_no_second_one(models: Registry, sagemaker: Stubber) -> None:
    sagemaker.add_response(
        "list_model_packages", page(summary(2), following="more"), {"ModelPackageGroupName": "models"}
    )
    sagemaker.add_response(
        "list_model_packages",
        page(summary(1, "train-1", "Rejected")),
        {"ModelPackageGroupName": "models", "NextToken": "more"},
    )
    assert models.register(**GIVEN) == arn(1)


def test_tokens_of_jobs_with_one_ending_differ_and_fit() -> None:
    ending = "-7c3b93b0-a-name-that-two-stacks-give-to-an-execution"
    tokens = {client_token(stack + ending) for stack in ("dev", "prod")}
    assert [len(token) for token in tokens] == [36, 36]
