"""A container of SageMaker on this machine: folders, variables, channels and outputs; the container is a process.

Source of the contract: "How Amazon SageMaker Processes Training Output", "Storage folders for training datasets" and
the training toolkit's environment variables, in the SageMaker developer guide.
"""

import errno
import json
import os
import shutil
import tarfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from local import disk
from local.emulator.aws_shapes import Structure
from local.emulator.rights import RoleSession
from local.emulator.sagemaker import process
from local.emulator.sagemaker.checkpoints import Checkpoints
from local.emulator.sagemaker.errors import JobFailedError, JobStoppedError
from local.emulator.sagemaker.job_log import last_value, log_writer
from local.emulator.sagemaker.transfer import Transfer, split_uri

SPOT_INTERRUPTIONS = "SIGHTLINE_SPOT_INTERRUPTIONS"  # how many simulated ones each training on spot capacity suffers
LONGEST = 86400  # seconds that SageMaker gives a job that names no limit


class _InterruptedError(Exception):
    """The spot capacity was taken away."""


class Run:
    """One job's run: its folder, its process, its log, and the wish to stop it."""

    def __init__(
        self,
        job: Structure,
        folder: Path,
        log_stream: tuple[str, str],
        on_phase: Callable[[str], None],
        account: RoleSession,
    ) -> None:
        """`log_stream` is (group, stream); `on_phase` hears `Downloading`, `Training`, `Uploading`."""
        self.job, self.folder, self.log_stream, self.on_phase = job, folder, log_stream, on_phase
        self.stopping = threading.Event()
        self.deadline = 0.0  # set when the job's process first starts, and not again after an interruption
        self._account = account
        self._transfer = Transfer(account, self._go_on)

    def train(self) -> None:
        """Download the channels, train, upload the model. Raise JobFailedError, JobStoppedError.

        On spot capacity the first SPOT_INTERRUPTIONS machines are taken away, each once a checkpoint is in S3: the job
        goes on with nothing but what lies there, as it would on another machine.
        """
        job, folder = self.job, self.folder
        command = process.command_of(job["AlgorithmSpecification"].get("TrainingImage", ""), "train")
        left = int(os.environ.get(SPOT_INTERRUPTIONS, "0")) if job.get("EnableManagedSpotTraining") else 0
        while True:
            try:
                self._attempt(command, interrupted=left > 0)
                break
            except _InterruptedError:
                left -= 1
                self.on_phase("Interrupted")
                for name in ("input", "model", "output", "checkpoints"):
                    shutil.rmtree(folder / name, ignore_errors=True)
                self.on_phase("Restarting")
        self.on_phase("Uploading")
        archive = folder / "model.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for path in sorted((folder / "model").iterdir()):
                tar.add(path, path.name)
        bucket, key = split_uri(job["ModelArtifacts"]["S3ModelArtifacts"])
        self._transfer.upload([(archive, key)], bucket, job["OutputDataConfig"].get("KmsKeyId"))

    def _attempt(self, command: list[str], *, interrupted: bool) -> None:
        """Train on one machine, to the end or until it is taken away. Raise also _InterruptedError."""
        job, folder = self.job, self.folder
        variables = {
            "SM_INPUT_DIR": folder / "input",
            "SM_MODEL_DIR": folder / "model",
            "SM_OUTPUT_DIR": folder / "output",
            "TRAINING_JOB_NAME": job["TrainingJobName"],
            "TRAINING_JOB_ARN": job["TrainingJobArn"],
        }
        for name in ("input/config", "model", "output"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._go_on()
        self.on_phase("Downloading")
        for channel in job.get("InputDataConfig", []):
            target = folder / "input" / "data" / channel["ChannelName"]
            source = channel["DataSource"]["S3DataSource"]
            self._transfer.download(source["S3Uri"], source["S3DataType"], target)
            variables[f"SM_CHANNEL_{channel['ChannelName'].upper()}"] = target
        checkpoints = None
        if "CheckpointConfig" in job:
            variables["SM_CHECKPOINT_DIR"] = folder / "checkpoints"
            checkpoints = Checkpoints(
                self._transfer,
                folder / "checkpoints",
                job["CheckpointConfig"]["S3Uri"],
                job["OutputDataConfig"].get("KmsKeyId"),
            )
        hyperparameters = json.dumps(job.get("HyperParameters", {}))
        (folder / "input" / "config" / "hyperparameters.json").write_text(hyperparameters)
        self.on_phase("Training")

        def look() -> None:
            if checkpoints and checkpoints.sync() and interrupted:
                raise _InterruptedError

        texts = {key: str(value) for key, value in variables.items()}
        self._execute(command, texts, folder / "output" / "failure", look)
        if checkpoints:
            checkpoints.sync()

    def process(self) -> None:
        """Download the inputs, run the command, upload the outputs. Raise JobFailedError, JobStoppedError."""
        job, root = self.job, self.folder / "processing"
        name, *arguments = job["AppSpecification"].get("ContainerEntrypoint", ["evaluate"])
        arguments += job["AppSpecification"].get("ContainerArguments", [])
        command = [*process.command_of(job["AppSpecification"]["ImageUri"], name), *arguments]
        self._go_on()
        for entry in job.get("ProcessingInputs", []):
            source = entry["S3Input"]
            self._transfer.download(source["S3Uri"], source["S3DataType"], root / _inside(source["LocalPath"]))
        outputs = [entry["S3Output"] for entry in job.get("ProcessingOutputConfig", {}).get("Outputs", [])]
        for output in outputs:
            (root / _inside(output["LocalPath"])).mkdir(parents=True, exist_ok=True)
        message = self._execute(command, {"SIGHTLINE_PROCESSING_DIR": str(root)}, root / "output" / "failure")
        if message:
            job["ExitMessage"] = message[:1024]
        for output in outputs:
            place = root / _inside(output["LocalPath"])
            bucket, prefix = split_uri(output["S3Uri"])
            files = [path for path in sorted(place.rglob("*")) if path.is_file()]
            named = [(path, f"{prefix.rstrip('/')}/{path.relative_to(place).as_posix()}".lstrip("/")) for path in files]
            self._transfer.upload(named, bucket, job["ProcessingOutputConfig"].get("KmsKeyId"))

    def _go_on(self) -> None:
        """Raise JobStoppedError when the job is to stop."""
        if self.stopping.is_set():
            raise JobStoppedError("Stopped")

    def _execute(
        self, command: list[str], variables: dict[str, str], failure: Path, look: Callable[[], None] = lambda: None
    ) -> str:
        """Run `command` to its end; return what it wrote to `failure`. `look` is called all the while."""
        log = self.folder / "job.log"
        if log.exists():  # of a machine that was taken away
            log.replace(log.with_name(f"job.{len(list(self.folder.glob('job.*log')))}.log"))
        if not self.deadline:
            self.deadline = time.monotonic() + self.job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", LONGEST)
        group, stream = self.log_stream
        listeners = (self._metrics_found, log_writer(self._account, group, stream, self.folder.name))
        code = process.run(
            command,
            {**variables, **self.job.get("Environment", {})},
            log,
            listeners=listeners,
            why_stop=self._why_stop,
            look=look,
        )
        said = failure.read_text(errors="replace").strip() if failure.is_file() else ""
        if code != 0:
            last = log.read_text(errors="replace").strip().splitlines()[-3:]
            reason = said or " / ".join(last) or "no message"
            if os.strerror(errno.ENOSPC) in reason:
                raise disk.full(self.folder, disk.JOB_BYTES)
            raise JobFailedError(f"AlgorithmError: {reason}, exit code: {code}")
        return said

    def _why_stop(self) -> str:
        """Return why the process is to end now, or an empty text."""
        reason = (
            "Stopped" if self.stopping.is_set() else "MaxRuntimeExceeded" if time.monotonic() > self.deadline else ""
        )
        if reason:
            self.on_phase("Stopping")
        return reason

    def _metrics_found(self, lines: list[str]) -> None:
        """Keep the newest value of each metric that the job's regular expressions find."""
        if "TrainingJobName" not in self.job:
            return
        metrics = {entry["MetricName"]: entry for entry in self.job.get("FinalMetricDataList", [])}
        for definition in self.job["AlgorithmSpecification"].get("MetricDefinitions", []):
            value = last_value(definition["Regex"], lines)
            if value is not None:
                name = definition["Name"]
                metrics[name] = {"MetricName": name, "Value": value, "Timestamp": datetime.now(UTC)}
        if metrics:
            self.job["FinalMetricDataList"] = list(metrics.values())


def clean(folder: Path) -> None:
    """Remove the copies of the data; the log and the model stay."""
    for name in ("input", "checkpoints", "processing"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _inside(local_path: str) -> Path:
    """Return the path below /opt/ml/processing that SageMaker would use."""
    try:
        return Path(local_path).relative_to("/opt/ml/processing")
    except ValueError:
        raise JobFailedError(f"ClientError: LocalPath {local_path!r} must lie in /opt/ml/processing") from None
