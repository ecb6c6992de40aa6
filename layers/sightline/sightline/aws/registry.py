"""The SageMaker model registry: the champion, and the registration of a new model."""

from typing import Any

import boto3

_sagemaker: Any = boto3.client("sagemaker")


def champion(group: str) -> dict[str, Any] | None:
    """The latest approved package of `group` as DescribeModelPackage tells it, or None."""
    found = _sagemaker.list_model_packages(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
    )["ModelPackageSummaryList"]
    return describe(found[0]["ModelPackageArn"]) if found else None


def describe(package_arn: str) -> dict[str, Any]:
    return dict(_sagemaker.describe_model_package(ModelPackageName=package_arn))


def find(group: str, training_job: str) -> str | None:
    """The ARN of the package that was registered for `training_job`, or None."""
    for page in _sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
        for package in page["ModelPackageSummaryList"]:
            properties = describe(package["ModelPackageArn"]).get("CustomerMetadataProperties", {})
            if properties.get("training_job") == training_job:
                return str(package["ModelPackageArn"])
    return None


def register(
    group: str, *, training_job: str, image_uri: str, archive_uri: str, evaluation_uri: str, properties: dict[str, str]
) -> str:
    """Register a model that waits for a person's approval; the same training job always gives the same package."""
    known = find(group, training_job)
    if known:
        return known
    answer = _sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelPackageDescription=f"Trained by {training_job}",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": image_uri, "ModelDataUrl": archive_uri}],
            "SupportedContentTypes": ["image/jpeg", "image/png"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": evaluation_uri}}},
        CustomerMetadataProperties=properties,
        ClientToken=training_job[-36:],
    )
    return str(answer["ModelPackageArn"])
