"""A real training that is killed, or loses its spot capacity, ends with the model of one that was not."""

import io
import signal
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from local.emulator.sagemaker import process, runs
from tests.drawn import TINY, Job, draw_channels
from training.checkpoint import NAME

pytestmark = pytest.mark.slow


def until(command: tuple[str, ...], environment: dict[str, str], line: str | None, sign: signal.Signals) -> list[str]:
    """Run to a line that begins with `line`, then send `sign`; with None, to the end. Answers what was printed."""
    said = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for text in process.stdout:
            said.append(text.strip())
            if line and text.startswith(line):
                process.send_signal(sign)
                process.wait()
                break
    assert process.returncode == (-sign if line else 0), said
    return said


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A training that nothing interrupted."""
    root = tmp_path_factory.mktemp("whole")
    made = Job(root / "job", draw_channels(root / "channels"))
    until(made.command, made.environment, None, signal.SIGKILL)
    return made


def test_a_training_that_is_killed_twice_ends_with_the_same_bits(whole: Job, tmp_path: Path) -> None:
    cut = Job(tmp_path / "job", whole.channels)
    until(cut.command, cut.environment, "epoch=1", signal.SIGKILL)
    (cut.root / "checkpoints" / f"{NAME}.partial").write_bytes(b"cut off")
    said = until(cut.command, cut.environment, "epoch=3", signal.SIGTERM)
    assert f"{NAME}.partial was cut off while it was written; it is ignored" in said
    assert [line.split(",")[0] for line in said if line.startswith("going on")] == ["going on after epoch 1"]
    said = until(cut.command, cut.environment, None, signal.SIGKILL)
    assert [line.split()[0] for line in said if line.startswith("epoch=")] == ["epoch=4"]
    for name in ("model.onnx", "model.int8.onnx"):
        assert (whole.model / name).read_bytes() == (cut.model / name).read_bytes()
    states = [torch.load(one.model / "weights.pt", weights_only=True)["state"] for one in (whole, cut)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


class Bucket:
    """S3 in a dictionary, as far as a training job uses it; there is no CloudWatch Logs."""

    class exceptions:  # noqa: N801
        ResourceAlreadyExistsException = KeyError

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def client(self, service: str) -> "Bucket":
        return self

    def create_log_group(self, **_: str) -> None:
        pass

    create_log_stream = put_log_events = create_log_group

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}]

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[key])

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: dict[str, str]) -> None:  # noqa: N803
        self.objects[key] = Path(path).read_bytes()


def test_a_job_that_loses_its_spot_capacity_uploads_the_model_of_one_that_does_not(
    whole: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, phases = Bucket(), []
    for path in whole.channels.rglob("*.*"):
        bucket.objects[path.relative_to(whole.channels).as_posix()] = path.read_bytes()
    monkeypatch.setattr(process, "LOG_SECONDS", 0.0)  # the next epoch is soon over
    monkeypatch.setenv(runs.SPOT_INTERRUPTIONS, "1")
    channels = [
        {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://b/{name}/"}}}
        for name in ("dataset", "train", "validation")
    ]
    job = {
        "TrainingJobName": "job",
        "TrainingJobArn": "arn:job",
        "RoleArn": "arn:role",
        "AlgorithmSpecification": {"TrainingImage": "x/sightline-training:1"},
        "HyperParameters": TINY,
        "InputDataConfig": channels,
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {"S3Uri": "s3://b/checkpoints/"},
        "OutputDataConfig": {"S3OutputPath": "s3://b/"},
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/job/output/model.tar.gz"},
        "Environment": {"OMP_NUM_THREADS": "1"},
    }
    run = runs.Run(job, tmp_path / "run", ("group", "stream"), phases.append, bucket)  # type: ignore[arg-type]
    run.train()
    machine = ["Downloading", "Training"]
    assert phases == [*machine, "Interrupted", "Restarting", *machine, "Uploading"]
    assert "going on after epoch" in (tmp_path / "run" / "job.log").read_text()
    with tarfile.open(fileobj=io.BytesIO(bucket.objects["job/output/model.tar.gz"])) as tar:
        model = tar.extractfile("model.onnx")
        assert model
        assert model.read() == (whole.model / "model.onnx").read_bytes()
