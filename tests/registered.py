"""A registered model, as the registry would tell it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sightline.models.registry import ModelStatus, RegisteredModel

MODEL = RegisteredModel(
    version=3,
    arn="arn:aws:sagemaker:us-east-1:123456789012:model-package/models/3",
    status=ModelStatus.APPROVED,
    said="by eve",
    created=datetime(2026, 11, 20, tzinfo=UTC),
    archive_uri="s3://artifacts/models/train-3/model.tar.gz",
    release_uri="s3://artifacts/models/train-3/release/",
    training_job="train-3",
    dataset_version="7c3b93b0b0abd98f",
    correlation_id="window-1795220517014",
    map50=0.8,
    map50_95=0.5,
)


def registered(version: int = 3, **changes: Any) -> RegisteredModel:
    """The model of that version, trained by `train-<version>`, with `changes`."""
    job = f"train-{version}"
    own = {
        "version": version,
        "arn": f"arn:aws:sagemaker:us-east-1:123456789012:model-package/models/{version}",
        "archive_uri": f"s3://artifacts/models/{job}/model.tar.gz",
        "release_uri": f"s3://artifacts/models/{job}/release/",
        "training_job": job,
    }
    return replace(MODEL, **(own | changes))
