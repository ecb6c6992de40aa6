"""The SageMaker model registry: the champion, and the registration of a new model."""

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sightline.aws.clients import Aws


def describe(aws: Aws, package_arn: str) -> dict[str, Any]:
    """Return a package as DescribeModelPackage tells it."""
    return dict(aws.sagemaker.describe_model_package(ModelPackageName=package_arn))


class Registry:
    """The model package group of a stack."""

    def __init__(self, aws: Aws, group: str) -> None:
        self.aws = aws
        self.group = group

    def champion(self) -> dict[str, Any] | None:
        """The latest approved package of the group as DescribeModelPackage tells it, or None."""
        newest = next(
            self._packages(ModelApprovalStatus="Approved", SortBy="CreationTime", SortOrder="Descending"), None
        )
        return describe(self.aws, newest["ModelPackageArn"]) if newest else None

    def _packages(self, **filters: str) -> Iterator[dict[str, Any]]:
        """Summaries of the packages of the group; a filtered page may be empty and not be the last one."""
        for page in self.aws.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=self.group, **filters
        ):
            yield from page["ModelPackageSummaryList"]

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """The newest packages of the group, as DescribeModelPackage tells them."""
        found = self._packages(SortBy="CreationTime", SortOrder="Descending")
        return [describe(self.aws, package["ModelPackageArn"]) for package in islice(found, limit)]

    def judge(self, version: int, *, approved: bool, reason: str) -> str | None:
        """Approve or reject one version of the group; answers its status, None when there is no such version."""
        arns = (package["ModelPackageArn"] for package in self._packages() if package["ModelPackageVersion"] == version)
        arn = next(arns, None)
        if arn is None:
            return None
        status = "Approved" if approved else "Rejected"
        said = {"ApprovalDescription": reason} if reason else {}
        self.aws.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status, **said)
        return status

    def find(self, training_job: str) -> str | None:
        """The ARN of the package that was registered for `training_job`, or None.

        By its description, which the listing has: the properties would need a call for every package.
        """
        arns = (package["ModelPackageArn"] for package in self._packages() if _is_of(package, training_job))
        return next(map(str, arns), None)

    def register(
        self,
        *,
        training_job: str,
        image_uri: str,
        archive_uri: str,
        evaluation_uri: str,
        card: dict[str, str],
        properties: dict[str, str],
    ) -> str:
        """Register a model that waits for a person's approval; the same training job always gives the same package.

        `card` is its ModelPackageModelCard (`sightline.models.model_card`).
        """
        known = self.find(training_job)
        if known:
            return known
        answer = self.aws.sagemaker.create_model_package(
            ModelPackageGroupName=self.group,
            ModelPackageDescription=_description(training_job),
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": image_uri, "ModelDataUrl": archive_uri}],
                "SupportedContentTypes": ["image/jpeg", "image/png"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": evaluation_uri}}},
            ModelCard=card,
            CustomerMetadataProperties=properties,
            ClientToken=client_token(training_job),
        )
        return str(answer["ModelPackageArn"])


def _is_of(package: dict[str, Any], training_job: str) -> bool:
    return package.get("ModelPackageDescription") == _description(training_job)


def _description(training_job: str) -> str:
    return f"Trained by {training_job}"


def client_token(training_job: str) -> str:
    """The same for the same job, another one for each job; 36 characters are SageMaker's limit."""
    return hashlib.sha256(training_job.encode()).hexdigest()[:36]
