"""The SageMaker model registry: which models there are, and what people decided about them.

What a model is (`sightline.models.states`) is kept elsewhere: SageMaker has three words, and no conditional writes.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Self

from sightline import names
from sightline.aws.clients import Aws
from sightline.models.states import ModelState, States, in_service

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import (
        DescribeModelPackageOutputTypeDef,
        ModelPackageModelCardTypeDef,
        ModelPackageSummaryTypeDef,
    )

# What scores in the cloud as long as no model is in service: there may be no device at all.
NOT_YET = (None, ModelState.APPROVED, ModelState.ROLLING_OUT)
MAX_REASON = 500  # characters of a decision's reason; with the name it fits into the 1,024 that SageMaker takes


class ModelStatus(StrEnum):
    """What was decided about a model, by SageMaker's words."""

    PENDING = "PendingManualApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """One version of the model package group. What a model was registered without is None."""

    version: int  # 1, 2, …
    arn: str
    status: ModelStatus
    said: str  # who decided about it and why, empty before
    created: datetime
    archive_uri: str  # the model.tar.gz of its release
    release_uri: str | None  # the folder with model.onnx, model.json and golden images
    training_job: str | None
    dataset_version: str | None
    correlation_id: str | None  # of the training that made it
    map50: float | None  # on the frozen test set, 0..1; None, too, for what is no such number
    map50_95: float | None
    promoted_from: str | None = None  # the ARN in the registry of the stack that trained it
    started_by: str = ""  # who started its training; empty where nobody knows

    @classmethod
    def from_description(cls, package: "DescribeModelPackageOutputTypeDef") -> Self:
        """Read what DescribeModelPackage answers."""
        properties = package.get("CustomerMetadataProperties", {})
        containers = package.get("InferenceSpecification", {}).get("Containers", [{}])
        return cls(
            version=package["ModelPackageVersion"],
            arn=package["ModelPackageArn"],
            status=ModelStatus(package["ModelApprovalStatus"]),
            said=package.get("ApprovalDescription", ""),
            created=package["CreationTime"],
            archive_uri=containers[0].get("ModelDataUrl", ""),
            release_uri=properties.get("release_uri"),
            training_job=properties.get("training_job"),
            dataset_version=properties.get("dataset_version"),
            correlation_id=properties.get("correlation_id"),
            map50=_share(properties, "map50"),
            map50_95=_share(properties, "map50_95"),
            promoted_from=properties.get("promoted_from"),
            started_by=properties.get("started_by", ""),
        )

    @property
    def component_version(self) -> str:
        """The version by which devices know it."""
        return names.component_version(self.version)


def _share(properties: Mapping[str, str], name: str) -> float | None:
    """Return a number of 0..1. A package that somebody else registered must not hide the models beside it."""
    try:
        value = float(properties.get(name, ""))
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def describe(aws: Aws, package_arn: str) -> RegisteredModel:
    """Return one registered model."""
    return RegisteredModel.from_description(aws.sagemaker.describe_model_package(ModelPackageName=package_arn))


class Registry:
    """The model package group of a stack."""

    def __init__(self, aws: Aws, group: str) -> None:
        self.aws = aws
        self.group = group

    def champion(self, states: States) -> RegisteredModel | None:
        """Return the model in service. Before the first, that is the latest approved one; None where there is none."""
        version = in_service(states)
        if version:
            return self.model(names.package_version(version))
        approved = self._described(ModelStatus.APPROVED)
        return next((model for model in approved if states.get(model.component_version) in NOT_YET), None)

    def newest(self, limit: int | None = None) -> list[RegisteredModel]:
        """Return the models, the newest first, at most `limit`."""
        return list(islice(self._described(), limit))

    def model(self, version: int) -> RegisteredModel | None:
        """Return a model, None where there is none of this version."""
        arns = (package["ModelPackageArn"] for package in self._packages() if package["ModelPackageVersion"] == version)
        arn = next(arns, None)
        return describe(self.aws, arn) if arn else None

    def judge(self, model: RegisteredModel, *, approved: bool, by: str, reason: str = "") -> None:
        """Tell the registry what was decided about a model, by whom and why. An approval is an event there.

        `reason` has at most `MAX_REASON` characters.
        """
        said = f"{by}: {reason}" if reason else f"by {by}"
        status = ModelStatus.APPROVED if approved else ModelStatus.REJECTED
        if model.status == status == ModelStatus.APPROVED:  # there is an event only where the status changes
            self._update(model.arn, ModelStatus.PENDING, said)
        self._update(model.arn, status, said)

    def _update(self, arn: str, status: ModelStatus, said: str) -> None:
        self.aws.sagemaker.update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus=status.value, ApprovalDescription=said
        )

    def find(self, training_job: str) -> str | None:
        """Return the ARN of the model that was registered for a training job, None where there is none.

        By its description, which the listing has: the properties would need a call for every package.
        """
        arns = (
            package["ModelPackageArn"]
            for package in self._packages()
            if package.get("ModelPackageDescription") == _description(training_job)
        )
        return next(arns, None)

    def register(
        self,
        *,
        training_job: str,
        image_uri: str,
        archive_uri: str,
        evaluation_uri: str,
        card: "ModelPackageModelCardTypeDef",
        properties: dict[str, str],
    ) -> str:
        """Register a model that waits for a person's approval. The same training job always gives the same ARN.

        `card` is made by `sightline.models.model_card`.
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
        return answer["ModelPackageArn"]

    def _described(self, status: ModelStatus | None = None) -> Iterator[RegisteredModel]:
        """Give the models one after the other, the newest first."""
        client = self.aws.sagemaker
        pages = client.get_paginator("list_model_packages")
        order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
        only = {"ModelApprovalStatus": status.value} if status else {}
        for page in pages.paginate(ModelPackageGroupName=self.group, **order, **only):  # type: ignore[arg-type]
            for package in page["ModelPackageSummaryList"]:  # may be empty and not the last page
                yield describe(self.aws, package["ModelPackageArn"])

    def _packages(self) -> Iterator["ModelPackageSummaryTypeDef"]:
        pages = self.aws.sagemaker.get_paginator("list_model_packages")
        for page in pages.paginate(ModelPackageGroupName=self.group):
            yield from page["ModelPackageSummaryList"]


def _description(training_job: str) -> str:
    return f"Trained by {training_job}"


def client_token(training_job: str) -> str:
    """Return a token of SageMaker's 36 characters: the same for the same job, another one for each job."""
    return hashlib.sha256(training_job.encode()).hexdigest()[:36]
