"""Approved labels as records of a SageMaker feature group."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

_runtime: Any = boto3.client(
    "sagemaker-featurestore-runtime",
    config=Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=32),
)


def put_label(feature_group: str, job_id: str, label: dict[str, Any], image_uri: str) -> None:
    """Write the label of one image; a later record of the same image replaces it in the online store."""
    features = {
        "image_id": label["image_id"],
        "event_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "image_uri": image_uri,
        "source_key": label["key"],
        "job_id": job_id,
        "boxes": str(len(label["annotations"])),
        "width": str(label["width"]),
        "height": str(label["height"]),
    }
    record = [{"FeatureName": name, "ValueAsString": value} for name, value in features.items()]
    _runtime.put_record(FeatureGroupName=feature_group, Record=record)
