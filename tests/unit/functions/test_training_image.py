"""The image that trains: built when it is missing, waited for, and what is said when it can't be built."""

import io
import json
import zipfile
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fake_builds import LOG, PROJECT, REPOSITORY, FakeBuilds
from tests.fake_cloud import Cloud
from tests.given_aws import GivenAws
from training.code_digest import code_digest

DEPLOYED = {"request": None, "correlation_id": ""}


class Executions:
    """Step Functions, as far as starting goes: a name is started once."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}
        self.exceptions = boto3.client("stepfunctions").exceptions

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        if name in self.started:
            error = {"Error": {"Code": "ExecutionAlreadyExists", "Message": name}}
            raise self.exceptions.ExecutionAlreadyExists(error, "StartExecution")
        assert len(name) <= 80
        self.started[name] = json.loads(input)


@pytest.fixture
def builds(aws: GivenAws, cloud: Cloud) -> FakeBuilds:
    """The stack builds its image, and has none yet."""
    cloud.environment["TRAINING_IMAGE_URI"] = ""
    made = FakeBuilds()
    aws.given |= {"codebuild": made, "ecr": made.ecr}
    return made


@pytest.fixture
def executions(aws: GivenAws, cloud: Cloud) -> Executions:
    made = Executions()
    aws.given["stepfunctions"] = made
    return made


def notes(cloud: Cloud) -> list[Any]:
    keys = [key for key in cloud.objects() if key.startswith("training-image/waiting/")]
    return [json.loads(cloud.read(key)) for key in keys]


def ended(status: str = "SUCCEEDED") -> dict[str, Any]:
    return {
        "build-status": status,
        "project-name": PROJECT,
        "build-id": f"arn:aws:codebuild:us-east-1:123456789012:build/{PROJECT}:8745a7a9-c340-456a-9166-edf953571bee",
        "additional-information": {"logs": {"deep-link": f"{LOG}/1"}},
    }


def test_an_own_image_is_taken_as_it_is_and_nothing_is_built(step: Any, cloud: Cloud) -> None:
    uri = cloud.environment["TRAINING_IMAGE_URI"]
    assert step("prepare_training_image") == {"uri": uri, "ready": True, "reason": ""}
    assert step("prepare_training_image", **DEPLOYED)["ready"]
    assert cloud.objects() == []


def test_a_deployment_builds_the_image_of_its_code_once(step: Any, cloud: Cloud, builds: FakeBuilds) -> None:
    for _ in range(3):
        answer = step("prepare_training_image", **DEPLOYED)
        assert (answer["uri"], answer["ready"]) == (f"{REPOSITORY}:{code_digest()}", False)
    (build,) = builds.builds
    key = f"training-image/{code_digest()}.zip"
    assert (builds.tag, build["source"]["location"]) == (code_digest(), f"artifacts/{key}")
    with zipfile.ZipFile(io.BytesIO(cloud.read(key))) as archive:
        assert {"training/Dockerfile", "training/buildspec.yml", "training/train.py"} <= set(archive.namelist())
    assert cloud.objects() == [key]
    builds.end()
    assert step("prepare_training_image", **DEPLOYED)["ready"]
    assert len(builds.builds) == 1


def test_two_who_ask_at_once_start_one_build(step: Any, builds: FakeBuilds, monkeypatch: pytest.MonkeyPatch) -> None:
    step("prepare_training_image", **DEPLOYED)
    monkeypatch.setattr(builds, "list_builds_for_project", lambda **_: {"ids": []})  # as both saw it
    step("prepare_training_image", **DEPLOYED)
    assert len(builds.builds) == 1


def test_a_training_waits_for_the_image_and_starts_when_it_is_there(
    step: Any, cloud: Cloud, builds: FakeBuilds, executions: Executions
) -> None:
    step("prepare_training_image", **DEPLOYED)
    for starter in ("label-1", "label-2"):  # two windows of labels ask for the same training
        answer = step("prepare_training_image", request={"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": starter})
        assert answer["ready"] is False
        assert answer["reason"] == (
            f"the training image is being built ({LOG}/1); this training starts when it is there"
        )
    step("prepare_training_image", request={"hyperparameters": {"epochs": 3}})
    assert sorted(notes(cloud), key=len) == [{}, {"hyperparameters": {"epochs": 3}}]
    builds.end()
    assert step("start_waiting_trainings", detail=ended()) == {"started": 2}
    assert step("start_waiting_trainings", detail=ended()) == {"started": 0}
    assert sorted(executions.started.values(), key=len) == [{}, {"hyperparameters": {"epochs": 3}}]
    assert notes(cloud) == []


def test_the_same_event_twice_starts_a_training_once(
    step: Any, cloud: Cloud, builds: FakeBuilds, executions: Executions
) -> None:
    for started in (1, 0):  # the first died between the start and the note
        step("prepare_training_image")
        assert step("start_waiting_trainings", detail=ended()) == {"started": started}
    assert list(executions.started.values()) == [{}]
    assert notes(cloud) == []


def test_an_image_that_comes_while_its_absence_is_noted_trains_at_once_and_only_once(
    step: Any, cloud: Cloud, builds: FakeBuilds, monkeypatch: pytest.MonkeyPatch
) -> None:
    step("prepare_training_image", **DEPLOYED)
    asked = builds.describe_images

    def first_not_then_there(**request: Any) -> dict[str, Any]:
        try:
            return asked(**request)
        finally:
            builds.end()

    monkeypatch.setattr(builds.ecr, "describe_images", first_not_then_there)
    assert step("prepare_training_image")["ready"]
    assert notes(cloud) == []


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "TIMED_OUT", "STOPPED"])
def test_a_build_that_failed_is_told_with_its_log_and_tried_again_by_the_next_training(
    step: Any, cloud: Cloud, builds: FakeBuilds, executions: Executions, status: str
) -> None:
    step("prepare_training_image")
    builds.end(status)
    assert step("start_waiting_trainings", detail=ended(status)) == {"started": 0}
    message = cloud.mail()[0]
    assert message["Subject"] == "The training image could not be built"
    assert f"ended {status}" in message["Message"]
    assert f"Log: {LOG}/1" in message["Message"]
    assert (notes(cloud), executions.started) == ([{}], {})
    reason = step("prepare_training_image")["reason"]
    assert reason.startswith(f"the training image could not be built: the last build ended {status} ({LOG}/1)")
    assert f"another one has started ({LOG}/2)" in reason
    builds.end()
    assert step("start_waiting_trainings", detail=ended()) == {"started": 1}


def test_a_build_that_is_refused_is_a_reason_and_the_training_waits(
    step: Any, cloud: Cloud, builds: FakeBuilds
) -> None:
    code = {"Code": "AccountLimitExceededException", "Message": "Cannot have more than 0 builds in queue"}
    builds.refusal = ClientError({"Error": code}, "StartBuild")
    answer = step("prepare_training_image")
    assert answer["ready"] is False
    assert answer["reason"].startswith("the build of the training image could not be started: ")
    assert "Cannot have more than 0 builds" in answer["reason"]
    assert notes(cloud) == [{}]
    builds.refusal = None
    assert "is being built" in step("prepare_training_image")["reason"]


def test_an_image_that_has_expired_is_built_again(step: Any, builds: FakeBuilds) -> None:
    step("prepare_training_image", **DEPLOYED)
    builds.end()
    builds.images.clear()
    reason = step("prepare_training_image")["reason"]
    assert reason.startswith(f"the training image is being built ({LOG}/2)")


def test_a_build_of_other_code_is_no_build_of_this(step: Any, builds: FakeBuilds) -> None:
    step("prepare_training_image", **DEPLOYED)
    builds.builds[0]["environment"]["environmentVariables"][1]["value"] = "0" * 16
    builds.builds[0]["token"] = "other"
    step("prepare_training_image", **DEPLOYED)
    assert (len(builds.builds), builds.tag) == (2, code_digest())
