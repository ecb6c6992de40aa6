"""Packing the release of an approved model package."""

import hashlib
import json
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sightline.models import registry
from sightline.models.registry import ModelStatus, RegisteredModel
from sightline.rollout.packing import ArtifactConflictError, ModelNotApprovedError, pack
from tests.registered import registered

RELEASE = {
    "model.onnx": b"weights",
    "model.json": json.dumps({"golden": [{"image": "golden/0.jpg"}]}).encode(),
    "golden/0.jpg": b"picture",
}
URI = "s3://artifacts/components/com.sightline.plant.Model/1.0.3/model.zip"


@pytest.fixture
def package(account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> dict[str, RegisteredModel]:
    """What the registry answers; a test may change it."""
    for name, body in RELEASE.items():
        account.s3.put_object(Bucket="artifacts", Key=f"models/train-1/release/{name}", Body=body)
    described = registered(
        3,
        arn=account.event("plan_component_version")["model_package_arn"],
        training_job="train-1",
        release_uri="s3://artifacts/models/train-1/release/",
    )
    known = {described.arn: described}
    monkeypatch.setattr(registry, "describe", lambda _, arn: known[arn])
    return known


@pytest.fixture
def app(account: SimpleNamespace, package: dict[str, RegisteredModel], load_app: Any) -> ModuleType:
    return load_app("plan_component_version", **account.environment)


def test_the_release_becomes_the_artifact_of_its_component_version(app: ModuleType, account: SimpleNamespace) -> None:
    event = account.event("plan_component_version")
    planned = app.handler(event, account.context)
    stored = account.s3.get_object(Bucket="artifacts", Key=app.artifacts.key(URI))["Body"].read()
    assert stored == pack(RELEASE)
    assert planned == {
        "model_package_arn": event["model_package_arn"],
        "correlation_id": "window-1795220517014",
        "training_job": "train-1",
        "component_version": "1.0.3",
        "artifact_uri": URI,
        "sha256": hashlib.sha256(stored).hexdigest(),
        "health_timeout_seconds": 900,
        "stage_timeout_seconds": 3600,
    }


def test_planning_twice_gives_the_same_and_writes_once(app: ModuleType, account: SimpleNamespace) -> None:
    event = account.event("plan_component_version")
    first = app.handler(event, account.context)
    before = account.s3.head_object(Bucket="artifacts", Key=app.artifacts.key(URI))["LastModified"]
    assert app.handler(event, account.context) == first
    assert account.s3.head_object(Bucket="artifacts", Key=app.artifacts.key(URI))["LastModified"] == before


def test_a_release_uri_without_its_last_slash_is_read_too(
    app: ModuleType, account: SimpleNamespace, package: dict[str, RegisteredModel]
) -> None:
    for arn, model in package.items():
        package[arn] = replace(model, release_uri="s3://artifacts/models/train-1/release")
    assert app.handler(account.event("plan_component_version"), account.context)["artifact_uri"] == URI


def test_an_artifact_is_never_overwritten_by_another_release(app: ModuleType, account: SimpleNamespace) -> None:
    account.s3.put_object(Bucket="artifacts", Key=app.artifacts.key(URI), Body=b"another release")
    with pytest.raises(ArtifactConflictError, match=r"model\.zip holds another release; register the model again"):
        app.handler(account.event("plan_component_version"), account.context)


def test_an_approval_that_was_taken_back_is_not_deployed(
    app: ModuleType, account: SimpleNamespace, package: dict[str, RegisteredModel]
) -> None:
    for arn, model in package.items():
        package[arn] = replace(model, status=ModelStatus.REJECTED)
    with pytest.raises(ModelNotApprovedError):
        app.handler(account.event("plan_component_version"), account.context)
