"""Model packages of the SageMaker model registry."""

from typing import Any

import boto3
from botocore.config import Config

_sagemaker = boto3.client("sagemaker", config=Config(retries={"mode": "standard", "max_attempts": 5}))


def describe(arn: str) -> dict[str, Any]:
    """What DescribeModelPackage answers for the package of this ARN."""
    package: dict[str, Any] = _sagemaker.describe_model_package(ModelPackageName=arn)
    return package
