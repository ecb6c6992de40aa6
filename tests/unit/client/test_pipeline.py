"""What a person who waits for an execution is told: its state, and how far a training is."""

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from client import pipeline
from client.target import Target
from sightline.models.training_image import TrainingImages
from tests.fake_builds import PROJECT, REPOSITORY, FakeBuilds
from tests.given_aws import GivenAws

JOB, GROUP = "sightline-1a2b", "/aws/sagemaker/TrainingJobs"


def target(state: str) -> Target:
    """Return a stack with an execution in the given state, whose history is told; logs are moto's."""
    entered = {"name": state, "input": json.dumps({"plan": {"training_job": JOB}})}
    events = [
        {"type": "ExecutionStarted"},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": entered},
        {"type": "TaskScheduled"},
    ]
    pages = SimpleNamespace(paginate=lambda **_: [{"events": events}])
    aws = GivenAws(stepfunctions=SimpleNamespace(get_paginator=lambda _: pages))
    return SimpleNamespace(outputs={}, aws=aws)  # type: ignore[return-value]


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("logs", region_name="eu-central-1")


def write(logs: Any, stream: str, *lines: str) -> None:
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def test_a_state_that_trains_nothing_is_told_by_its_name(logs: Any) -> None:
    assert pipeline.progress(target("JudgeModel"), "arn") == "JudgeModel"


def test_a_training_without_a_log_has_only_started(logs: Any) -> None:
    assert pipeline.progress(target("TrainModel"), "arn") == "TrainModel: the job starts"


def test_a_training_is_told_by_the_newest_epoch_of_its_own_log(logs: Any) -> None:
    logs.create_log_group(logGroupName=GROUP)
    write(logs, "other/algo-1-5", "epoch=50 epochs=50 train:loss=0.1")
    write(logs, f"{JOB}/algo-1-1", "epoch=9 epochs=50 train:loss=0.5")  # of a machine that was taken away
    write(
        logs,
        f"{JOB}/algo-1-2",
        "epoch=10 epochs=50 train:loss=2.5",
        "epoch=11 epochs=50 train:loss=1.25 validation:map50=0.75",
    )
    assert pipeline.progress(target("TrainModel"), "arn") == "TrainModel: epoch 11 of 50, loss 1.25, mAP@.50 0.75"


def test_a_log_of_other_words_is_not_repeated(logs: Any) -> None:
    logs.create_log_group(logGroupName=GROUP)
    write(logs, f"{JOB}/algo-1-1", "training on 80 images, classes: a=b")
    assert pipeline.progress(target("TrainModel"), "arn") == "TrainModel: the job starts"


@pytest.mark.parametrize(
    ("own", "ends", "said"),
    [
        ("", [], None),
        ("", ["SUCCEEDED"], None),
        ("", ["FAILED", "SUCCEEDED"], None),
        ("", ["SUCCEEDED", "TIMED_OUT"], "The training image could not be built: the last build ended TIMED_OUT."),
        ("1.dkr.ecr.eu-central-1.amazonaws.com/own:1", ["FAILED"], None),
    ],
)
def test_a_failed_build_of_the_training_image_is_told_unless_an_own_image_trains(
    own: str, ends: list[str], said: str | None
) -> None:
    builds = FakeBuilds()
    described = {"Stacks": [{"Parameters": [{"ParameterKey": "TrainingImageUri", "ParameterValue": own}]}]}
    aws = GivenAws(codebuild=builds, cloudformation=SimpleNamespace(describe_stacks=lambda **_: described))
    found = Target({"StackName": "sightline", "TrainingImageRepositoryUri": REPOSITORY}, None)
    found.__dict__["aws"] = aws
    for number, end in enumerate(ends):
        TrainingImages(aws, REPOSITORY, PROJECT).start("1a", "artifacts/code.zip", number)
        builds.end(end)
    told = pipeline.image_problem(found)
    assert told is None if said is None else str(told).startswith(said)
