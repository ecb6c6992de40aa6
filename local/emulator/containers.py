"""SageMaker's side of a container, on this machine: folders, variables, channels, log, outputs; the container is a
process.

Source of the contract: "How Amazon SageMaker Processes Training Output", "Storage folders for training datasets" and
the training toolkit's environment variables, in the SageMaker developer guide.
"""

import json
import logging
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from local.emulator.rights import RoleSession
from local.emulator.tied import PARENT

logger = logging.getLogger("sightline.jobs")

ROOT = Path(__file__).resolve().parents[2]
IMAGE_NAME = "sightline-training"  # the one image that this machine can run: the code of training/
COMMANDS = {
    name: [sys.executable, "-m", "local.emulator.tied", module]
    for name, module in {"train": "training.train", "evaluate": "training.evaluate"}.items()
}
SPOT_INTERRUPTIONS = (
    "SIGHTLINE_SPOT_INTERRUPTIONS"  # how many simulated ones each training job on spot capacity suffers
)
LONGEST = 86400  # seconds that SageMaker gives a job that names no limit
LOOK_SECONDS = 0.1
LOG_SECONDS = 1.0  # how often new lines of the log go to CloudWatch and are searched for metrics
GRACE_SECONDS = 5  # between SIGTERM and SIGKILL
LOG_BATCH = 1000


class JobFailedError(Exception):
    """The job's own failure, with the reason that DescribeTrainingJob shows."""


class JobStoppedError(Exception):
    """The job was ended from outside; the secondary status says why: `Stopped` or `MaxRuntimeExceeded`."""


class _InterruptedError(Exception):
    """The spot capacity was taken away."""


class Run:
    """One job's run: its folder, its process, its log, and the wish to stop it."""

    def __init__(
        self,
        job: dict[str, Any],
        folder: Path,
        log_stream: tuple[str, str],
        on_phase: Callable[[str], None],
    ) -> None:
        """`log_stream` is (group, stream); `on_phase` hears `Downloading`, `Training`, `Uploading`."""
        self.job, self.folder, self.log_stream, self.on_phase = job, folder, log_stream, on_phase
        self.stopping = threading.Event()
        self.deadline = 0.0  # set when the job's process first starts, and not again after an interruption
        self._account = RoleSession(job["RoleArn"])

    # ----------------------------------------------------------------------------------------------------- kinds of job
    def train(self) -> None:
        """Download the channels, train, upload the model. Raises JobFailedError, JobStoppedError.

        On spot capacity the first SPOT_INTERRUPTIONS machines are taken away, each once a checkpoint is in S3: the job
        goes on with nothing but what lies there, as it would on another machine.
        """
        job, folder = self.job, self.folder
        command = _command(job["AlgorithmSpecification"].get("TrainingImage", ""), "train")
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
        self.upload([(archive, key)], bucket, job["OutputDataConfig"].get("KmsKeyId"))

    def _attempt(self, command: list[str], *, interrupted: bool) -> None:
        """Train on one machine, to the end or until it is taken away. Raises also _InterruptedError."""
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
            self.download(source["S3Uri"], source["S3DataType"], target)
            variables[f"SM_CHANNEL_{channel['ChannelName'].upper()}"] = target
        checkpoints = None
        if "CheckpointConfig" in job:
            variables["SM_CHECKPOINT_DIR"] = folder / "checkpoints"
            checkpoints = _Checkpoints(self, folder / "checkpoints", job["CheckpointConfig"]["S3Uri"])
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
        """Download the inputs, run the command, upload the outputs. Raises JobFailedError, JobStoppedError."""
        job, root = self.job, self.folder / "processing"
        name, *arguments = job["AppSpecification"].get("ContainerEntrypoint", ["evaluate"])
        arguments += job["AppSpecification"].get("ContainerArguments", [])
        command = [*_command(job["AppSpecification"]["ImageUri"], name), *arguments]
        self._go_on()
        for entry in job.get("ProcessingInputs", []):
            source = entry["S3Input"]
            self.download(source["S3Uri"], source["S3DataType"], root / _inside(source["LocalPath"]))
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
            self.upload(named, bucket, job["ProcessingOutputConfig"].get("KmsKeyId"))

    def _go_on(self) -> None:
        """Raise JobStoppedError when the job is to stop."""
        if self.stopping.is_set():
            raise JobStoppedError("Stopped")

    # -------------------------------------------------------------------------------------------------------- execution
    def _execute(
        self, command: list[str], variables: dict[str, str], failure: Path, look: Callable[[], None] = lambda: None
    ) -> str:
        """Run `command` to its end and answer what it wrote to `failure`, or raise; `look` is called all the while."""
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        environment = {
            **kept,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'sightline'}",
            "PYTHONUNBUFFERED": "1",
            PARENT: str(os.getpid()),
            **variables,
            **self.job.get("Environment", {}),
        }
        log = self.folder / "job.log"
        if log.exists():  # of a machine that was taken away
            log.replace(log.with_name(f"job.{len(list(self.folder.glob('job.*log')))}.log"))
        if not self.deadline:
            self.deadline = time.monotonic() + self.job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", LONGEST)
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._follow(process, log, look)
        said = failure.read_text(errors="replace").strip() if failure.is_file() else ""
        if process.returncode != 0:
            last = log.read_text(errors="replace").strip().splitlines()[-3:]
            reason = said or " / ".join(last) or "no message"
            raise JobFailedError(f"AlgorithmError: {reason}, exit code: {process.returncode}")
        return said

    def _follow(self, process: subprocess.Popen[bytes], log: Path, look: Callable[[], None]) -> None:
        """Pass the log on while the process runs; end it when it is to stop or its time is over."""
        reader = _LogReader(log, self._metrics_found, self._log_writer())
        looked, reason = time.monotonic(), ""
        try:
            while process.poll() is None:
                now = time.monotonic()
                if self.stopping.is_set() or now > self.deadline:
                    reason = "Stopped" if self.stopping.is_set() else "MaxRuntimeExceeded"
                    self.on_phase("Stopping")
                    break
                if now - looked >= LOG_SECONDS:
                    looked = now
                    reader.read()
                    look()
                time.sleep(LOOK_SECONDS)
        finally:
            end_group(process)  # also what the process left behind in its group
            reader.read(last=True)
        if reason:
            raise JobStoppedError(reason)

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

    def _log_writer(self) -> Callable[[list[str]], None]:
        """A function that puts lines into the job's stream of CloudWatch Logs."""
        group, stream = self.log_stream
        silent = False

        def write(lines: list[str]) -> None:
            nonlocal silent
            now = int(time.time() * 1000)
            events = [{"timestamp": now, "message": line} for line in lines if line]
            try:
                for first in range(0, 0 if silent else len(events), LOG_BATCH):
                    batch = events[first : first + LOG_BATCH]
                    self._account.client("logs").put_log_events(
                        logGroupName=group, logStreamName=stream, logEvents=batch
                    )
            except (ClientError, BotoCoreError) as error:  # a job without rights to its log runs without one, as on AWS
                logger.warning("the log of %s stays in job.log: %s", self.folder.name, error)
                silent = True

        try:
            logs = self._account.client("logs")
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except (ClientError, BotoCoreError) as error:
            logger.warning("the log of %s stays in job.log: %s", self.folder.name, error)
            silent = True
        return write

    # --------------------------------------------------------------------------------------------------------------- S3
    def upload(self, files: list[tuple[Path, str]], bucket: str, key_id: str | None) -> None:
        s3 = self._account.client("s3")
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        try:
            for path, key in files:
                s3.upload_file(str(path), bucket, key, ExtraArgs=extra)
        except (S3UploadFailedError, ClientError) as error:
            raise JobFailedError(f"ClientError: output upload to s3://{bucket} failed: {error}") from error

    def download(self, uri: str, data_type: str, target: Path, *, may_be_empty: bool = False) -> None:
        """Copy a channel to `target` as in File mode: what follows the prefix in a key names the file."""
        target.mkdir(parents=True, exist_ok=True)
        s3 = self._account.client("s3")
        try:
            bucket, names = _objects(s3, uri, data_type, may_be_empty=may_be_empty)
            for key, name in names:
                self._go_on()
                path = (target / name).resolve()
                if not path.is_relative_to(target.resolve()):
                    raise JobFailedError(f"ClientError: {key!r} would be written outside its channel")
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, key, str(path))
        except ClientError as error:
            raise JobFailedError(f"ClientError: data download failed: {uri}: {error}") from error


def _objects(s3: Any, uri: str, data_type: str, *, may_be_empty: bool = False) -> tuple[str, list[tuple[str, str]]]:
    """(bucket, [(key, path in the channel)]) of an S3Prefix, which may be one object, or of a ManifestFile."""
    bucket, key = split_uri(uri)
    if data_type == "ManifestFile":
        try:
            first, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            bucket, prefix = split_uri(first["prefix"])
        except (ValueError, TypeError, KeyError) as error:
            raise JobFailedError(f"ClientError: {uri} is no manifest file: {error!r}") from error
        return bucket, [(prefix + name, name) for name in names]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", []) if not entry["Key"].endswith("/")]
    if not keys and not may_be_empty:
        raise JobFailedError(f"ClientError: no S3 objects found under {uri}")
    return bucket, [(name, name[len(key) :].lstrip("/") or name.rsplit("/", 1)[-1]) for name in keys]


class _Checkpoints:
    """A job's checkpoint folder and its copy in S3, which is there before the job starts and follows the folder."""

    def __init__(self, run: Run, folder: Path, uri: str) -> None:
        self._run, self._folder, (self._bucket, self._prefix) = run, folder, split_uri(uri.rstrip("/") + "/")
        run.download(f"s3://{self._bucket}/{self._prefix}", "S3Prefix", folder, may_be_empty=True)
        self._known = self._versions()

    def _versions(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for path in sorted(self._folder.rglob("*")):
            with suppress(FileNotFoundError):  # a file with which another was replaced
                if path.is_file():
                    found[path] = (path.stat().st_mtime_ns, path.stat().st_size)
        return found

    def sync(self) -> bool:
        """Copy what is new or has changed; answers whether a whole checkpoint was, not only one still being written."""
        copied = []
        for path, version in self._versions().items():
            if self._known.get(path) == version:
                continue
            with suppress(FileNotFoundError):  # replaced meanwhile: the next look finds what came instead
                # Read in one go: an upload in parts would put two checkpoints into one object when it is replaced.
                still = shutil.copyfile(path, self._folder.with_name("checkpoint.upload"))
                key_id = self._run.job["OutputDataConfig"].get("KmsKeyId")
                key = self._prefix + path.relative_to(self._folder).as_posix()
                self._run.upload([(still, key)], self._bucket, key_id)
                self._known[path] = version
                copied.append(path.name)
        return any(not name.endswith(".partial") for name in copied)


class _LogReader:
    """Reads what a log has grown by, in whole lines."""

    def __init__(self, log: Path, *listeners: Callable[[list[str]], None]) -> None:
        self._log, self._listeners, self._read, self._rest = log, listeners, 0, ""

    def read(self, *, last: bool = False) -> None:
        with self._log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        text = self._rest + new.decode(errors="replace")
        *lines, self._rest = text.split("\n")
        if last and self._rest:
            lines.append(self._rest)
        if lines:
            for listener in self._listeners:
                listener(lines)


def last_value(expression: str, lines: list[str]) -> float | None:
    """The last finite number that the first group of `expression` finds, or None; what is no number is no metric."""
    found = None
    for line in lines:
        for match in re.finditer(expression, line):
            with suppress(ValueError):
                value = float(match.group(1) if match.re.groups else match.group(0))
                found = value if math.isfinite(value) else found
    return found


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started in its group, first politely."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if sign is signal.SIGTERM and process.poll() is not None:
            continue  # the process has ended by itself; what it left behind gets no time
        try:
            os.killpg(process.pid, sign)
        except (ProcessLookupError, PermissionError):  # the group is gone, or only its dead leader is left (macOS)
            break
        try:
            process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def clean(folder: Path) -> None:
    """Remove the copies of the data; the log and the model stay."""
    for name in ("input", "checkpoints", "processing"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _inside(local_path: str) -> Path:
    """The path below /opt/ml/processing that SageMaker would use."""
    try:
        return Path(local_path).relative_to("/opt/ml/processing")
    except ValueError:
        raise JobFailedError(f"ClientError: LocalPath {local_path!r} must lie in /opt/ml/processing") from None


def _command(image: str, name: str) -> list[str]:
    repository = image.rsplit("/", 1)[-1].split(":")[0].split("@")[0]
    if repository != IMAGE_NAME:
        raise JobFailedError(
            f"ClientError: this machine runs only the image {IMAGE_NAME!r}, not {image!r}; set TrainingImageUri to it"
        )
    if name not in COMMANDS:
        raise JobFailedError(f"ClientError: the image has the commands {', '.join(COMMANDS)}, not {name!r}")
    return COMMANDS[name]


def split_uri(uri: str) -> tuple[str, str]:
    """(bucket, key) of an `s3://` URI."""
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")
