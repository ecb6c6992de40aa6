"""Jobs as processes: the contract of the training image, failures, limits, stops; with a stub for the image."""

import io
import json
import os
import re
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.aws_shapes import AwsError
from local.emulator.sagemaker import job_life, process, runs

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sightline-training@sha256:abc"
STUB = """
import json, os, pathlib, sys, subprocess, time
print("epoch=1 validation:map50=5.3e-05")
print("epoch=2 validation:map50=nan?")
code = json.loads((pathlib.Path(os.environ["SM_INPUT_DIR"]) / "config/hyperparameters.json").read_text())["code"]
exec(code.replace("; ", "\\n"))
"""


class Bucket:
    """S3 in a dictionary, as far as jobs use it; CloudWatch Logs refuses, as without rights."""

    class exceptions:  # noqa: N801
        ResourceAlreadyExistsException = KeyError

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def client(self, service: str) -> "Bucket":
        return self

    def create_log_group(self, **request: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CreateLogGroup")

    def get_paginator(self, name: str) -> "Bucket":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key])}

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key])

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: dict[str, str]) -> None:  # noqa: N803
        self.objects[key] = Path(path).read_bytes()


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    manifest = [{"prefix": "s3://bucket/images/"}, "a.jpg"]
    found = Bucket({
        "dataset/dataset.json": b"{}", "dataset/more/x.json": b"[]", "images/a.jpg": b"a", "images/b.jpg": b"b",
        "train.images.json": json.dumps(manifest).encode(),
        "escape.images.json": json.dumps([{"prefix": "s3://bucket/images/"}, "../../a.jpg"]).encode(),
    })  # fmt: skip
    stub = tmp_path / "stub.py"
    stub.write_text(STUB)
    monkeypatch.setenv("SIGHTLINE_JOBS_DIR", str(tmp_path / "jobs"))
    monkeypatch.setattr(job_life, "RoleSession", lambda role_arn: found)
    monkeypatch.setattr(process, "COMMANDS", {"train": [sys.executable, str(stub)]})
    return found


@pytest.fixture
def train(call: Any, bucket: Bucket) -> Any:
    """`train("code")` runs a job whose container runs that code; answers its description at the end."""

    def run(code: str, *, wait: bool = True, **changes: Any) -> dict[str, Any]:
        channels = {"dataset": ("S3Prefix", "dataset/"), "train": ("ManifestFile", "train.images.json")}
        request = {
            "TrainingJobName": "Job-1",
            "RoleArn": "arn:aws:iam::000000000000:role/jobs",
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": "map50", "Regex": "validation:map50=([-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"},
                    {"Name": "words", "Regex": "validation:map50=([a-z]+)"},
                ],
            },
            "HyperParameters": {"code": code},
            "InputDataConfig": [
                {
                    "ChannelName": name,
                    "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": f"s3://bucket/{key}"}},
                }
                for name, (kind, key) in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/training/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 30},
            **changes,
        }
        call("CreateTrainingJob", **request)
        return finished(call) if wait else described(call)

    return run


def described(call: Any) -> dict[str, Any]:
    return dict(call("DescribeTrainingJob", TrainingJobName="job-1"))  # names differ in letters only, as in ARNs


def finished(call: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (job := described(call))["TrainingJobStatus"] not in job_life.ENDED:
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job


def test_a_job_finds_its_channels_and_its_model_is_uploaded(train: Any, bucket: Bucket) -> None:
    code = "; ".join([
        "place = lambda name: pathlib.Path(os.environ[name])",
        "files = lambda name: sorted(str(p.relative_to(place(name))) for p in place(name).rglob('*') if p.is_file())",
        "found = {name: files(f'SM_CHANNEL_{name}') for name in ('DATASET', 'TRAIN')}",
        "(place('SM_MODEL_DIR') / 'model.json').write_text(json.dumps([found, os.environ['TRAINING_JOB_NAME']]))",
    ])  # fmt: skip
    job = train(code)
    assert (job["TrainingJobStatus"], job.get("FailureReason")) == ("Completed", None)
    archive = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert archive == "s3://bucket/training/Job-1/output/model.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(bucket.objects["training/Job-1/output/model.tar.gz"])) as tar:
        member = tar.extractfile("model.json")
        assert member
        assert json.load(member) == [{"DATASET": ["dataset.json", "more/x.json"], "TRAIN": ["a.jpg"]}, "Job-1"]


def test_a_metric_is_the_last_number_that_its_expression_finds(train: Any) -> None:
    metrics = train("pass")["FinalMetricDataList"]
    assert [(entry["MetricName"], entry["Value"]) for entry in metrics] == [("map50", 5.3e-05)]


def test_states_are_told_by_events(train: Any, events: Any) -> None:
    train("pass")
    assert [(kind, detail["TrainingJobStatus"]) for kind, detail in events] == [
        ("SageMaker Training Job State Change", "InProgress"),
        ("SageMaker Training Job State Change", "Completed"),
    ]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "(pathlib.Path(os.environ['SM_OUTPUT_DIR']) / 'failure').write_text('no boxes at all'); sys.exit(1)",
            "AlgorithmError: no boxes at all, exit code: 1",
        ),
        ("print('one'); print('two'); print('three'); sys.exit(3)", "AlgorithmError: one / two / three, exit code: 3"),
    ],
)
def test_a_container_that_fails_says_why(train: Any, code: str, reason: str) -> None:
    job = train(code)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"], job["FailureReason"]) == ("Failed", "Failed", reason)


@pytest.mark.parametrize(
    ("uri", "kind", "reason"),
    [
        ("s3://bucket/nothing/", "S3Prefix", "ClientError: no S3 objects found under s3://bucket/nothing/"),
        ("s3://bucket/escape.images.json", "ManifestFile",
         "ClientError: 'images/../../a.jpg' would be written outside its channel"),
        ("s3://bucket/dataset/dataset.json", "ManifestFile",
        "ClientError: s3://bucket/dataset/dataset.json is no manifest file"),
    ],
)  # fmt: skip
def test_a_channel_that_cannot_be_read_fails_the_job(train: Any, uri: str, kind: str, reason: str) -> None:
    source = {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}}
    assert train("pass", InputDataConfig=[{"ChannelName": "train", "DataSource": source}])["FailureReason"].startswith(
        reason
    )


@pytest.mark.parametrize("code", ["raise OSError(28, os.strerror(28))", ""])
def test_a_job_that_fills_the_disk_says_so(
    code: str, train: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any, **__: Any) -> None:
        raise OSError(28, os.strerror(28))

    if not code:
        monkeypatch.setattr(bucket, "download_file", no_room)
    job = train(code)
    assert job["TrainingJobStatus"] == "Failed"
    assert re.fullmatch(
        r"ClientError: disk full: \d+ MB free in .*, 200 MB needed; free some and run again", job["FailureReason"]
    )


def test_a_job_over_its_time_is_stopped_with_all_that_it_started(train: Any, tmp_path: Path) -> None:
    note = tmp_path / "child"
    code = (
        f"child = subprocess.Popen(['sleep', '60']); pathlib.Path({str(note)!r}).write_text(str(child.pid)); "
        "time.sleep(60)"
    )
    job = train(code, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    deadline = time.monotonic() + 5
    while lives(int(note.read_text())):
        assert time.monotonic() < deadline, "what the job started still runs"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.is_file() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_a_job_can_be_stopped_once(train: Any, call: Any) -> None:
    train("time.sleep(60)", wait=False)
    call("StopTrainingJob", TrainingJobName="Job-1")
    assert (finished(call)["TrainingJobStatus"], described(call)["SecondaryStatus"]) == ("Stopped", "Stopped")
    with pytest.raises(AwsError, match="has ended already"):
        call("StopTrainingJob", TrainingJobName="Job-1")


def test_a_job_that_waits_for_its_turn_can_be_stopped(train: Any, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_life, "SLOTS", threading.Semaphore(0))
    train("pass", wait=False)
    call("StopTrainingJob", TrainingJobName="Job-1")
    assert finished(call)["TrainingJobStatus"] == "Stopped"


def test_a_job_s_name_cannot_be_used_again(train: Any) -> None:
    train("pass")
    with pytest.raises(AwsError) as caught:
        train("pass")
    assert caught.value.code == "ResourceInUse"


def test_jobs_are_listed_by_status(train: Any, call: Any) -> None:
    train("pass")
    assert [job["TrainingJobName"] for job in call("ListTrainingJobs")["TrainingJobSummaries"]] == ["Job-1"]
    assert call("ListTrainingJobs", StatusEquals="Failed")["TrainingJobSummaries"] == []


SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 30, "MaxWaitTimeInSeconds": 30},
    "CheckpointConfig": {"S3Uri": "s3://bucket/training/Job-1/checkpoints/"},
}
COUNT = "; ".join([
    "place = pathlib.Path(os.environ['SM_CHECKPOINT_DIR']) / 'n'",
    "n = int(place.read_text()) if place.exists() else 0",
    "place.write_text(str(n + 1))",
    "(pathlib.Path(os.environ['SM_MODEL_DIR']) / 'n').write_text(str(n))",
])  # fmt: skip


def model_of(bucket: Bucket, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(bucket.objects["training/Job-1/output/model.tar.gz"])) as tar:
        member = tar.extractfile(name)
        assert member
        return member.read()


def test_checkpoints_are_there_before_the_job_and_in_s3_after_it(train: Any, bucket: Bucket) -> None:
    bucket.objects["training/Job-1/checkpoints/n"] = b"6"
    bucket.objects["training/Job-10/checkpoints/n"] = b"60"
    assert train(COUNT, CheckpointConfig=SPOT["CheckpointConfig"])["TrainingJobStatus"] == "Completed"
    assert (model_of(bucket, "n"), bucket.objects["training/Job-1/checkpoints/n"]) == (b"6", b"7")


def test_a_spot_job_goes_on_from_its_checkpoint_after_each_interruption(
    train: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(runs.SPOT_INTERRUPTIONS, "2")
    job = train(f"{COUNT}; time.sleep(60 if n < 2 else 0)", **SPOT)
    assert (job["TrainingJobStatus"], model_of(bucket, "n")) == ("Completed", b"2")
    run = ["Downloading", "Training"]
    assert [entry["Status"] for entry in job["SecondaryStatusTransitions"]] == [
        "Starting", *run, "Interrupted", "Restarting", *run, "Interrupted", "Restarting", *run, "Uploading",
        "Completed",
    ]  # fmt: skip


def test_without_spot_capacity_nothing_is_interrupted(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(runs.SPOT_INTERRUPTIONS, "2")
    job = train(f"{COUNT}; time.sleep(2)", CheckpointConfig=SPOT["CheckpointConfig"])
    assert "Interrupted" not in [entry["Status"] for entry in job["SecondaryStatusTransitions"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"EnableManagedSpotTraining": True},
        {"StoppingCondition": {"MaxRuntimeInSeconds": 30, "MaxWaitTimeInSeconds": 30}},
        SPOT | {"StoppingCondition": {"MaxRuntimeInSeconds": 30, "MaxWaitTimeInSeconds": 29}},
    ],
)
def test_a_longest_wait_that_sagemaker_would_refuse_is_refused(train: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(AwsError, match="MaxWaitTimeInSeconds"):
        train("pass", **changes)
