"""The training functions one after the other, each step twice: snapshot, plan, judge, register, report."""

import io
import json
import tarfile
from typing import Any

import pytest

from sightline.images.image import ImageStatus
from sightline.models.registry import RegisteredModel
from tests.fake_cloud import Cloud
from tests.images import BOX, approved, become, enter, ledger
from tests.registered import registered

JOB = "sightline-7c3b93b0-window-1795220517014"
SCORES = {
    "map50": 0.8,
    "map50_95": 0.4,
    "per_class": {"scratch": {"ap50": 0.8, "ap50_95": 0.4, "recall": 0.7}},
    "confusion": {"true_fail": 3, "false_pass": 0, "false_fail": 0, "true_pass": 1},
    "threshold": 0.4,
    "latency_ms": {"median": 9.0, "p95": 12.0},
    "size_bytes": 4_000_000,
}
EVALUATION = {
    "training_job": JOB,
    "dataset_version": "7c3b93b0b0abd98f",
    "test_images": 4,
    "test_groups": 2,
    "candidate": SCORES,
    "champion": None,
    "champion_error": None,
    "bootstrap": None,
    "per_image": [],
}


@pytest.fixture
def approved_ids(cloud: Cloud) -> list[str]:
    """Twelve approved images of twelve different parts, in the ledger."""
    images = [approved(number, *([BOX] if number % 4 else [])) for number in range(12)]
    enter(*images)
    return [image.image_id for image in images]


class Registry:
    """The model registry in memory, behind the functions' own module."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registered: dict[str, dict[str, Any]] = {}
        self.champion_model: RegisteredModel | None = None
        monkeypatch.setattr("sightline.models.registry.Registry.champion", lambda *_: self.champion_model)
        monkeypatch.setattr("sightline.models.registry.Registry.register", lambda _, **given: self.register(**given))

    def register(self, *, training_job: str, **given: Any) -> str:
        self.registered[training_job] = given
        return "arn:aws:sagemaker:us-east-1:123456789012:model-package/models/1"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    return Registry(monkeypatch)


def test_a_snapshot_is_named_after_its_content_and_freezes_the_splits(
    step: Any, cloud: Cloud, approved_ids: list[str]
) -> None:
    first = step("snapshot_dataset")
    assert step("snapshot_dataset") == first
    assert first["shortage"] == ""
    assert first["train"] + first["validation"] + first["test"] == 12
    prefix = f"datasets/{first['version']}/"
    described = json.loads(cloud.read(prefix + "dataset.json"))
    assert described["class_map"] == {"0": "scratch", "1": "dent"}
    splits = {image.image_id: image.split for image in ledger().with_status(ImageStatus.APPROVED)}
    for split in ("train", "validation", "test"):
        lines = cloud.read_lines(f"{prefix}{split}.manifest")
        assert [line["image-id"] for line in lines] == sorted(name for name, given in splits.items() if given == split)
        files = json.loads(cloud.read(f"{prefix}{split}.images.json"))
        assert files == [{"prefix": "s3://artifacts/datasets/images/"}, *(f"{line['image-id']}.jpeg" for line in lines)]
    become(approved_ids[0], ImageStatus.REMOVED)
    second = step("snapshot_dataset")
    assert second["version"] != first["version"]
    assert json.loads(cloud.read(f"datasets/{second['version']}/dataset.json"))["parent"] == first["version"]
    later = {image.image_id: image.split for image in ledger().with_status(ImageStatus.APPROVED)}
    assert later == {name: split for name, split in splits.items() if name != approved_ids[0]}


def test_a_snapshot_of_nothing_says_what_is_missing(step: Any, cloud: Cloud) -> None:
    assert "no image is approved yet" in step("snapshot_dataset")["shortage"]
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket="artifacts", Prefix="datasets/")  # nothing is no version


def test_a_plan_names_everything_that_the_jobs_need(step: Any, registry: Registry) -> None:
    plan = step("plan_training")
    assert (plan["changed"], plan["champion_arn"]) == (True, "")
    assert step("plan_training") == plan
    assert [entry["InputName"] for entry in plan["evaluation_inputs"]] == ["model", "dataset", "test", "validation"]
    sources = {one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"] for one in plan["training_inputs"]}
    prefix = "s3://artifacts/datasets/7c3b93b0b0abd98f/"
    assert sources == {
        "dataset": f"s3://artifacts/training/{plan['training_job']}/dataset.files.json",
        "train": f"{prefix}train.images.json",
        "validation": f"{prefix}validation.images.json",
    }
    assert len(plan["training_job"]) <= 63
    assert len(plan["evaluation_job"]) <= 63


def test_the_model_in_service_is_evaluated_too(step: Any, registry: Registry) -> None:
    registry.champion_model = registered(arn="arn:champion", archive_uri="s3://artifacts/models/old/model.tar.gz")
    plan = step("plan_training")
    assert plan["champion_arn"] == "arn:champion"
    assert plan["evaluation_inputs"][-1]["S3Input"]["S3Uri"] == "s3://artifacts/models/old/model.tar.gz"


def test_what_was_trained_is_not_trained_again_unless_it_is_asked_for(
    step: Any, cloud: Cloud, registry: Registry
) -> None:
    plan = step("plan_training")
    cloud.s3.put_object(
        Bucket="artifacts", Key=f"training/runs/{plan['fingerprint']}.json", Body=b'{"training_job": "old"}'
    )
    again = step("plan_training")
    assert (again["changed"], again["reason"].split()[0]) == (False, "old")
    assert step("plan_training", request={"force": True})["changed"]
    assert step("plan_training", request={"hyperparameters": {"epochs": 3}})["changed"]


def test_a_dataset_that_is_too_small_is_not_trained(step: Any, registry: Registry) -> None:
    dataset = {
        "version": "7c3b93b0b0abd98f",
        "train": 1,
        "validation": 0,
        "test": 0,
        "shortage": "no image for the test set yet",
    }
    plan = step("plan_training", dataset=dataset, request={"force": True})
    assert (plan["changed"], plan["reason"]) == (False, "no image for the test set yet")


def test_a_training_without_its_image_says_why_and_does_not_fail(step: Any, cloud: Cloud, registry: Registry) -> None:
    image = {"uri": "image:1", "ready": False, "reason": "the training image is being built (log)"}
    ready = step("plan_training", image={**image, "ready": True})
    for request in ({}, {"force": True}, {"model_uri": IMPORTED}):
        plan = step("plan_training", image=image, request=request)
        assert (plan["changed"], plan["reason"]) == (False, "the training image is being built (log)")
    assert step("plan_training", image=image)["fingerprint"] == ready["fingerprint"]
    assert step("plan_training", image={**image, "uri": "image:2"})["fingerprint"] != ready["fingerprint"]
    run = f"training/runs/{ready['fingerprint']}.json"
    cloud.s3.put_object(Bucket="artifacts", Key=run, Body=b'{"training_job": "old"}')
    assert step("plan_training", image=image)["reason"].startswith("old has trained")


def test_hyperparameters_must_be_texts_or_numbers(step: Any, registry: Registry) -> None:
    with pytest.raises(Exception, match="hyperparameter 'epochs' must be a text or a number"):
        step("plan_training", request={"hyperparameters": {"epochs": [1]}})


def test_a_misspelt_hyperparameter_is_refused_unless_the_image_is_ones_own(
    step: Any, cloud: Cloud, registry: Registry
) -> None:
    request = {"hyperparameters": {"epoch": 8}}
    assert step("plan_training", request=request)["hyperparameters"] == {
        "epoch": "8"
    }  # the cloud's image is an own one
    cloud.environment["TRAINING_IMAGE_URI"] = ""
    step.apps.clear()
    with pytest.raises(Exception, match=r"unknown hyperparameter 'epoch'; did you mean epochs\?"):
        step("plan_training", request=request)


IMPORTED = "s3://artifacts/training/imports/0123456789abcdef/model.tar.gz"


def test_an_imported_model_is_evaluated_and_not_trained(step: Any, cloud: Cloud, registry: Registry) -> None:
    trained, plan = step("plan_training"), step("plan_training", request={"model_uri": IMPORTED})
    assert (trained["imported"], plan["imported"], plan["changed"]) == (False, True, True)
    assert plan["evaluation_inputs"][0]["S3Input"]["S3Uri"] == IMPORTED
    assert plan["evaluation_inputs"][1:] == trained["evaluation_inputs"][1:]
    assert plan["fingerprint"] != trained["fingerprint"]
    run = f"training/runs/{plan['fingerprint']}.json"
    for accepted, verdict in ((True, "accepted"), (False, "rejected")):
        body = json.dumps({"training_job": "old", "accepted": accepted}).encode()
        cloud.s3.put_object(Bucket="artifacts", Key=run, Body=body)
        again = step("plan_training", request={"model_uri": IMPORTED})
        said = f"old has judged this model with this dataset and {verdict} it"
        assert (again["changed"], again["reason"]) == (False, said)
    assert step("plan_training", request={"model_uri": IMPORTED, "force": True})["changed"]


def test_a_promoted_model_is_judged_on_the_test_set_that_came_along(step: Any, registry: Registry) -> None:
    lacking = {"version": "", "shortage": "no image is approved yet"}
    request = {"model_uri": IMPORTED, "test_set": "00112233445566ff"}
    plan = step("plan_training", dataset=lacking, request=request)
    assert (plan["changed"], plan["dataset_version"]) == (True, "00112233445566ff")
    place = "s3://artifacts/training/imports/0123456789abcdef/00112233445566ff/"
    uris = {entry["InputName"]: entry["S3Input"]["S3Uri"] for entry in plan["evaluation_inputs"]}
    assert uris == {
        "model": IMPORTED,
        "dataset": place,
        "test": f"{place}test.images.json",
        "validation": f"{place}validation.images.json",
    }
    own = step("plan_training", request={"model_uri": IMPORTED})
    assert own["fingerprint"] != plan["fingerprint"]  # another test set is another judgement


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"model_uri": IMPORTED, "test_set": "../../../models"}, "test_set must be a dataset version"),
        ({"model_uri": IMPORTED, "test_set": ""}, "test_set must be a dataset version"),
        ({"model_uri": IMPORTED, "test_set": 3}, "test_set must be a dataset version"),
        ({"test_set": "00112233445566ff"}, "test_set goes with a model_uri"),
    ],
)
def test_a_test_set_lies_beside_its_model_and_nowhere_else(
    step: Any, registry: Registry, request_: dict[str, Any], said: str
) -> None:
    with pytest.raises(Exception, match=said) as raised:
        step("plan_training", request=request_)
    assert type(raised.value).__name__ == "InvalidImportError"


@pytest.mark.parametrize(
    "uri",
    [
        "s3://elsewhere/training/imports/0123456789abcdef/model.tar.gz",
        "s3://artifacts/datasets/images/a.jpg",
        "s3://artifacts/training/imports/../../models/x/model.tar.gz",
        "",
        3,
    ],
)
def test_a_model_that_lies_anywhere_else_is_not_read(step: Any, registry: Registry, uri: Any) -> None:
    with pytest.raises(Exception, match="where `sightline models import` puts it") as raised:
        step("plan_training", request={"model_uri": uri})
    assert type(raised.value).__name__ == "InvalidImportError"


def evaluated(cloud: Cloud, **changes: Any) -> None:
    body = json.dumps(EVALUATION | changes).encode()
    cloud.s3.put_object(Bucket="artifacts", Key=f"training/{JOB}/evaluation/evaluation.json", Body=body)


def test_a_good_model_is_accepted_and_the_decision_is_written(step: Any, cloud: Cloud) -> None:
    evaluated(cloud)
    judged = step("judge_model")
    assert step("judge_model") == judged
    assert (judged["accepted"], judged["map50"], judged["map50_95"]) == (True, "0.8", "0.4")
    decision = json.loads(cloud.read(f"training/{JOB}/decision.json"))
    assert decision["accepted"]
    assert all(rule["held"] for rule in decision["rules"])
    assert json.loads(cloud.read("training/runs/0f3d2a9c5b7e1d84.json"))["training_job"] == JOB


@pytest.mark.parametrize(("loss", "passed"), [(-0.005, True), (-0.2, False)])
def test_the_int8_variant_is_judged_by_the_same_rules_with_the_float_model_as_its_champion(
    step: Any, cloud: Cloud, loss: float, passed: bool
) -> None:
    difference = {"mean": loss, "low": loss - 0.01, "high": loss + 0.01}
    int8 = {
        "test_images": 4,
        "candidate": {**SCORES, "map50": 0.8 + loss},
        "champion": {"map50": 0.8},
        "bootstrap": {"difference_map50": difference, "replicates": 200},
    }
    evaluated(cloud, int8=int8)
    judged = step("judge_model")
    assert (judged["accepted"], judged["int8"]) == (True, passed)
    assert json.loads(cloud.read(f"training/{JOB}/decision.json"))["int8"]["accepted"] is passed


def test_a_bad_model_is_rejected_with_its_reasons(step: Any, cloud: Cloud) -> None:
    evaluated(cloud, candidate={**SCORES, "map50": 0.31})
    judged = step("judge_model")
    assert (judged["accepted"], judged["reasons"]) == (False, ["mAP@.50 0.310 is below the floor 0.500"])
    step("report_rejection", judgement=judged)
    message = cloud.mail()[0]
    assert message["Subject"] == f"Model rejected: {JOB}"
    assert message["Message"].splitlines()[0] == "mAP@.50 0.310 is below the floor 0.500"
    assert message["Message"].endswith(f"training/{JOB}/evaluation/report.html")


def test_a_registered_model_is_its_release_and_a_person_is_asked(step: Any, cloud: Cloud, registry: Registry) -> None:
    evaluated(cloud)
    step("judge_model")
    files = {"model.onnx": b"onnx", "model.json": b"{}", "golden/0.jpeg": b"jpeg", "report.html": b"<html>"}
    for name, body in files.items():
        cloud.s3.put_object(Bucket="artifacts", Key=f"training/{JOB}/evaluation/{name}", Body=body)
    answer = step("register_model")
    assert step("register_model") == answer
    assert answer["release_uri"] == f"s3://artifacts/models/{JOB}/release/"
    released = ["golden/0.jpeg", "model.json", "model.onnx"]
    assert [key for key in cloud.objects() if "/release/" in key] == [
        f"models/{JOB}/release/{name}" for name in released
    ]
    with tarfile.open(fileobj=io.BytesIO(cloud.read(f"models/{JOB}/model.tar.gz"))) as archive:
        assert archive.getnames() == released
    assert registry.registered[JOB]["properties"]["dataset_version"] == "7c3b93b0b0abd98f"
    assert cloud.mail()[0]["Subject"] == f"A new model waits for approval: {JOB}"
