"""Registering: the release and nothing else, twice the same, or an error that says what is missing."""

import io
import json
import tarfile
from typing import Any

import pytest

from sightline.models.registry import Registry
from tests.fake_cloud import Cloud

JOB = "sightline-7c3b93b0-window-1795220517014"
DECISION = {"accepted": True, "reasons": ["all 5 rules held"], "rules": []}
EVALUATION = {
    "dataset_version": "7c3b93b0b0abd98f",
    "test_images": 4,
    "test_groups": 2,
    "candidate": {
        "map50": 0.8,
        "map50_95": 0.4,
        "per_class": {},
        "confusion": {"true_fail": 3, "false_pass": 0, "false_fail": 0, "true_pass": 1},
        "threshold": 0.4,
        "latency_ms": {"median": 9.0, "p95": 12.0},
        "size_bytes": 4_000_000,
    },
    "champion": None,
    "bootstrap": None,
}
RELEASE = {
    "golden/0.jpeg": b"jpeg",
    "model.json": b'{\n "correlation_id": "window-1795220517014"\n}',
    "model.onnx": b"onnx",
}
FOR_PEOPLE = {"report.html": b"<html>", "failure": b"", "curves.png": b"png"}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(Registry, "register", lambda _, **package: given.append(package) or "arn:package")
    return given


def evaluation_left(cloud: Cloud, files: dict[str, bytes]) -> None:
    files = files | {
        "evaluation.json": json.dumps(EVALUATION).encode(),
        "../decision.json": json.dumps(DECISION).encode(),
    }
    for name, body in files.items():
        cloud.s3.put_object(
            Bucket="artifacts", Key=f"training/{JOB}/evaluation/{name}".replace("evaluation/../", ""), Body=body
        )


def test_a_release_is_its_model_and_golden_images_only_and_its_card_says_how_it_was_judged(
    step: Any, cloud: Cloud, registered: list[dict[str, Any]]
) -> None:
    evaluation_left(cloud, RELEASE | FOR_PEOPLE)
    step("register_model")
    assert "promoted_from" not in registered[0]["properties"]
    card = json.loads(registered[0]["card"]["ModelCardContent"])
    assert card["evaluation_details"][0]["evaluation_observation"] == "The gate accepted it: all 5 rules held"
    listed = cloud.s3.list_objects_v2(Bucket="artifacts", Prefix=f"models/{JOB}/release/")["Contents"]
    prefix = f"models/{JOB}/release/"
    assert {entry["Key"].removeprefix(prefix): cloud.read(entry["Key"]) for entry in listed} == RELEASE
    with tarfile.open(fileobj=io.BytesIO(cloud.read(f"models/{JOB}/model.tar.gz"))) as archive:
        unpacked = {name: archive.extractfile(name) for name in archive.getnames()}
        assert {name: file.read() for name, file in unpacked.items() if file} == RELEASE


@pytest.mark.parametrize("passed", [True, False])
def test_the_int8_variant_goes_along_only_when_it_passed_the_gate(
    step: Any, cloud: Cloud, registered: list[dict[str, Any]], passed: bool
) -> None:
    evaluation_left(cloud, RELEASE | {"model.int8.onnx": b"int8"})
    step("register_model", judgement=cloud.event("register_model")["judgement"] | {"int8": passed})
    assert (f"models/{JOB}/release/model.int8.onnx" in cloud.objects()) is passed
    assert registered[0]["properties"]["int8"] == str(passed).lower()


def test_registering_again_later_writes_the_same_bytes(
    step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation_left(cloud, RELEASE)
    step("register_model")
    first = cloud.read(f"models/{JOB}/model.tar.gz")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    step("register_model")
    assert cloud.read(f"models/{JOB}/model.tar.gz") == first


@pytest.mark.parametrize("missing", ["model.onnx", "model.json"])
def test_what_is_not_whole_is_not_registered(
    step: Any, cloud: Cloud, registered: list[dict[str, Any]], missing: str
) -> None:
    evaluation_left(cloud, {name: body for name, body in RELEASE.items() if name != missing})
    with pytest.raises(Exception, match=f"evaluation/ lacks {missing}; read the evaluation job's log") as raised:
        step("register_model")
    assert (type(raised.value).__name__, registered) == ("IncompleteReleaseError", [])
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket="artifacts", Prefix="models/")


def test_a_promoted_model_says_in_registry_and_card_where_it_comes_from(
    step: Any, cloud: Cloud, registered: list[dict[str, Any]]
) -> None:
    arn = "arn:aws:sagemaker:us-east-1:210987654321:model-package/sightline-dev-models/3"
    described = json.dumps({"promoted_from": {"package_arn": arn, "stack": "sightline-dev", "version": 3}}).encode()
    evaluation_left(cloud, RELEASE | {"model.json": described})
    step("register_model")
    assert registered[0]["properties"]["promoted_from"] == arn
    card = json.loads(registered[0]["card"]["ModelCardContent"])
    assert card["additional_information"]["custom_details"]["promoted_from"] == arn
