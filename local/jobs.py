"""Training and processing jobs that really run: subprocesses under SageMaker's contract, with the job's own role.

Source of the contract: "How Amazon SageMaker Processes Training Output", "Storage folders for training datasets" and
the training toolkit's environment variables, in the SageMaker developer guide.
"""

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from local.aws_shapes import AwsError, to_wire
from local.sagemaker import REGION, arn, call, emit, operation

logger = logging.getLogger("sightline.jobs")

ROOT = Path(__file__).resolve().parent.parent
JOBS = Path(os.environ.get("SIGHTLINE_JOBS_DIR", ".sightline/jobs")).resolve()
IMAGE_NAME = "sightline-training"  # the one image that this machine can run: the code of training/
COMMANDS = {"train": "training.train", "evaluate": "training.evaluate"}
SLOTS = threading.Semaphore(max(1, (os.cpu_count() or 2) // 2))  # a job takes two cores; the others wait their turn
ENDED = ("Completed", "Failed", "Stopped")

_jobs: dict[str, dict[str, Any]] = {}  # by ARN: SageMaker's description of the job
_processes: dict[str, subprocess.Popen[bytes]] = {}
_stopped: set[str] = set()


# ------------------------------------------------------------------------------------------------------- the operations
@operation
def create_training_job(request: dict[str, Any]) -> dict[str, Any]:
    job_arn = _open("training-job", "TrainingJobName", request)
    _jobs[job_arn]["SecondaryStatus"] = "Starting"
    _jobs[job_arn]["TrainingJobArn"] = job_arn
    uri = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    archive = f"{uri}/{request['TrainingJobName']}/output/model.tar.gz"
    _jobs[job_arn]["ModelArtifacts"] = {"S3ModelArtifacts": archive}
    threading.Thread(target=_run, args=(job_arn, _train), daemon=True).start()
    return {"TrainingJobArn": job_arn}


@operation
def create_processing_job(request: dict[str, Any]) -> dict[str, Any]:
    job_arn = _open("processing-job", "ProcessingJobName", request)
    _jobs[job_arn]["ProcessingJobArn"] = job_arn
    threading.Thread(target=_run, args=(job_arn, _process), daemon=True).start()
    return {"ProcessingJobArn": job_arn}


@operation
def describe_training_job(request: dict[str, Any]) -> dict[str, Any]:
    return dict(_find("training-job", request["TrainingJobName"]))


@operation
def describe_processing_job(request: dict[str, Any]) -> dict[str, Any]:
    return dict(_find("processing-job", request["ProcessingJobName"]))


@operation
def list_training_jobs(request: dict[str, Any]) -> dict[str, Any]:
    fields = (
        "TrainingJobName",
        "TrainingJobArn",
        "CreationTime",
        "TrainingEndTime",
        "LastModifiedTime",
        "TrainingJobStatus",
    )
    jobs = [
        job
        for job in _jobs.values()
        if "TrainingJobName" in job and request.get("NameContains", "") in job["TrainingJobName"]
    ]
    jobs.sort(key=lambda job: job["CreationTime"], reverse=request.get("SortOrder", "Descending") == "Descending")
    return {
        "TrainingJobSummaries": [
            {key: job[key] for key in fields if key in job} for job in jobs[: request.get("MaxResults", 10)]
        ]
    }


@operation
def stop_training_job(request: dict[str, Any]) -> dict[str, Any]:
    return _stop(_find("training-job", request["TrainingJobName"])["TrainingJobArn"])


@operation
def stop_processing_job(request: dict[str, Any]) -> dict[str, Any]:
    return _stop(_find("processing-job", request["ProcessingJobName"])["ProcessingJobArn"])


def _open(kind: str, field: str, request: dict[str, Any]) -> str:
    job_arn = arn(kind, request[field])
    if job_arn in _jobs:
        raise AwsError("ResourceInUse", f"Job name must be unique within an AWS account and region: {job_arn} exists.")
    now = datetime.now(UTC)
    kept = {key: value for key, value in request.items() if key not in ("Tags",)}
    _jobs[job_arn] = kept | {
        "CreationTime": now,
        "LastModifiedTime": now,
        field.replace("Name", "Status"): "InProgress",
    }
    return job_arn


def _find(kind: str, name: str) -> dict[str, Any]:
    job_arn = arn(kind, name)
    if job_arn not in _jobs:
        raise AwsError("ValidationException", f"Requested resource not found: {job_arn}")
    return _jobs[job_arn]


def _stop(job_arn: str) -> dict[str, Any]:
    job = _jobs[job_arn]
    if job[_status_field(job)] in ENDED:
        raise AwsError("ValidationException", f"The request was rejected because {job_arn} has ended already.")
    _stopped.add(job_arn)
    process = _processes.get(job_arn)
    if process:
        _kill(process)
    return {}


def stop_all() -> None:
    """End every job's processes: the emulator is going down."""
    for process in list(_processes.values()):
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group, first politely."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=5)
        except (ProcessLookupError, PermissionError):
            return
        except subprocess.TimeoutExpired:
            continue


# --------------------------------------------------------------------------------------- the Step Functions integrations
def run_training(resource: str, request: dict[str, Any]) -> dict[str, Any]:
    """`arn:aws:states:::sagemaker:createTrainingJob[.sync]`."""
    return _integrate(resource, request, "TrainingJob")


def run_processing(resource: str, request: dict[str, Any]) -> dict[str, Any]:
    """`arn:aws:states:::sagemaker:createProcessingJob[.sync]`."""
    return _integrate(resource, request, "ProcessingJob")


def _integrate(resource: str, request: dict[str, Any], kind: str) -> dict[str, Any]:
    from ministack.services.stepfunctions import _ExecutionError

    try:
        answer = call(f"Create{kind}", request)
    except AwsError as error:
        raise _ExecutionError(f"SageMaker.{error.code}", error.message) from error
    if not resource.endswith(".sync"):
        return answer
    name = {f"{kind}Name": request[f"{kind}Name"]}
    while (job := call(f"Describe{kind}", name))[f"{kind}Status"] not in ENDED:
        time.sleep(0.2)
    described: dict[str, Any] = json.loads(json.dumps(to_wire(job)))
    if job[f"{kind}Status"] != "Completed":
        raise _ExecutionError("States.TaskFailed", json.dumps(described))
    return described


# -------------------------------------------------------------------------------------------------------------- running
def _status_field(job: dict[str, Any]) -> str:
    return "TrainingJobStatus" if "TrainingJobName" in job else "ProcessingJobStatus"


def _run(job_arn: str, body: Any) -> None:
    """Run one job to its end, whatever happens, and announce each change of its state."""
    job = _jobs[job_arn]
    field = _status_field(job)
    start, end = (
        ("TrainingStartTime", "TrainingEndTime")
        if "Training" in field
        else ("ProcessingStartTime", "ProcessingEndTime")
    )
    _announce(job, job_arn)
    folder = JOBS / job_arn.rsplit("/", 1)[-1]
    with SLOTS:
        job[start] = datetime.now(UTC)
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            body(job, job_arn, folder)
            status = "Completed"
        except JobFailedError as error:
            status, job["FailureReason"] = "Failed", str(error)[:1024]
        except Exception as error:  # the emulator's own fault: told as the service's, with the traceback in the log
            logger.exception("job %s", job_arn)
            status, job["FailureReason"] = "Failed", f"InternalServerError: {type(error).__name__}: {error}"[:1024]
        if job_arn in _stopped:
            status = "Stopped"
        _processes.pop(job_arn, None)
    job[end] = job["LastModifiedTime"] = datetime.now(UTC)
    if "SecondaryStatus" in job:
        job["SecondaryStatus"] = status
    if status == "Completed":
        for name in ("input", "checkpoints", "processing"):  # the log and the model stay, the copies of the data go
            shutil.rmtree(folder / name, ignore_errors=True)
    job[field] = status
    _announce(job, job_arn)


class JobFailedError(Exception):
    """The job's own failure, with the reason that DescribeTrainingJob shows."""


def _announce(job: dict[str, Any], job_arn: str) -> None:
    kind = "Training" if "TrainingJobName" in job else "Processing"
    emit(f"SageMaker {kind} Job State Change", job, [job_arn])


def _train(job: dict[str, Any], job_arn: str, folder: Path) -> None:
    s3 = _s3_as(job["RoleArn"])
    variables = {
        "SM_INPUT_DIR": folder / "input",
        "SM_MODEL_DIR": folder / "model",
        "SM_OUTPUT_DIR": folder / "output",
        "SM_CHECKPOINT_DIR": folder / "checkpoints",
        "TRAINING_JOB_NAME": job["TrainingJobName"],
        "TRAINING_JOB_ARN": job_arn,
    }
    for name in ("input/config", "model", "output", "checkpoints"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    job["SecondaryStatus"] = "Downloading"
    for channel in job.get("InputDataConfig", []):
        target = folder / "input" / "data" / channel["ChannelName"]
        source = channel["DataSource"]["S3DataSource"]
        _download(s3, source["S3Uri"], source["S3DataType"], target)
        variables[f"SM_CHANNEL_{channel['ChannelName'].upper()}"] = target
    hyperparameters = json.dumps(job.get("HyperParameters", {}))
    (folder / "input" / "config" / "hyperparameters.json").write_text(hyperparameters)
    job["SecondaryStatus"] = "Training"
    log = folder / "job.log"
    try:
        _execute(
            job_arn,
            _command(job["AlgorithmSpecification"].get("TrainingImage", ""), "train"),
            {key: str(value) for key, value in variables.items()} | job.get("Environment", {}),
            log,
            job["StoppingCondition"].get("MaxRuntimeInSeconds", 86400),
            folder / "output" / "failure",
        )
    finally:
        job["FinalMetricDataList"] = _metrics(log, job["AlgorithmSpecification"].get("MetricDefinitions", []))
    job["SecondaryStatus"] = "Uploading"
    archive = folder / "model.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted((folder / "model").iterdir()):
            tar.add(path, path.name)
    bucket, key = _split(job["ModelArtifacts"]["S3ModelArtifacts"])
    s3.upload_file(str(archive), bucket, key)


def _process(job: dict[str, Any], job_arn: str, folder: Path) -> None:
    s3 = _s3_as(job["RoleArn"])
    root = folder / "processing"
    for entry in job.get("ProcessingInputs", []):
        source = entry["S3Input"]
        _download(s3, source["S3Uri"], source["S3DataType"], root / _inside(source["LocalPath"]))
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for entry in outputs:
        (root / _inside(entry["S3Output"]["LocalPath"])).mkdir(parents=True, exist_ok=True)
    command, *arguments = job["AppSpecification"].get("ContainerEntrypoint", ["evaluate"])
    arguments += job["AppSpecification"].get("ContainerArguments", [])
    failure = root / "output" / "failure"
    environment = {"SIGHTLINE_PROCESSING_DIR": str(root)} | job.get("Environment", {})
    limit = job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400)
    program = [*_command(job["AppSpecification"]["ImageUri"], command), *arguments]
    message = _execute(job_arn, program, environment, folder / "job.log", limit, failure)
    if message:
        job["ExitMessage"] = message
    for entry in outputs:
        place = root / _inside(entry["S3Output"]["LocalPath"])
        bucket, prefix = _split(entry["S3Output"]["S3Uri"])
        for path in sorted(place.rglob("*")):
            if path.is_file():
                s3.upload_file(str(path), bucket, f"{prefix.rstrip('/')}/{path.relative_to(place).as_posix()}")


def _inside(local_path: str) -> Path:
    """The path below /opt/ml/processing that SageMaker would use."""
    return Path(local_path).relative_to("/opt/ml/processing")


def _command(image: str, name: str) -> list[str]:
    repository = image.rsplit("/", 1)[-1].split(":")[0].split("@")[0]
    if repository != IMAGE_NAME:
        raise JobFailedError(
            f"ClientError: this machine runs only the image {IMAGE_NAME!r}, not {image!r}; set TrainingImageUri accordingly"
        )
    if name not in COMMANDS:
        raise JobFailedError(f"ClientError: the image has the commands {', '.join(COMMANDS)}, not {name!r}")
    return [sys.executable, "-m", COMMANDS[name]]


def _execute(
    job_arn: str, command: list[str], variables: dict[str, str], log: Path, seconds: int, failure: Path
) -> str:
    """Run `command` until it ends or `seconds` are over; raise JobFailedError with the reason unless it exits with 0."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    path = f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'sightline'}"
    environment = kept | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"} | variables
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        _processes[job_arn] = process
        if job_arn in _stopped:
            _kill(process)
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise JobFailedError(f"MaxRuntimeExceeded: the job ran longer than {seconds} s") from None
    said = failure.read_text(errors="replace").strip() if failure.is_file() else ""
    if code != 0:
        last = log.read_text(errors="replace").strip().splitlines()[-3:]
        raise JobFailedError(f"AlgorithmError: {said or ' / '.join(last) or 'no message'}, exit code: {code}")
    return said


def _metrics(log: Path, definitions: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The last value of each metric that the job's regular expressions find in its log."""
    if not log.is_file():
        return []
    text = log.read_text(errors="replace")
    found = []
    for definition in definitions:
        values = re.findall(definition["Regex"], text)
        if values:
            found.append({"MetricName": definition["Name"], "Value": float(values[-1]), "Timestamp": datetime.now(UTC)})
    return found


# ------------------------------------------------------------------------------------------------------------------- S3
def _endpoint() -> str:
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"


def _s3_as(role_arn: str) -> Any:
    """An S3 client with the rights of the job's role, so that its policy is proven by use."""
    root = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
    sts = boto3.client("sts", endpoint_url=_endpoint(), **root)
    keys = sts.assume_role(RoleArn=role_arn, RoleSessionName="SageMaker")["Credentials"]
    return boto3.client(
        "s3",
        endpoint_url=_endpoint(),
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


def _download(s3: Any, uri: str, data_type: str, target: Path) -> None:
    """Copy a channel to `target` as SageMaker does in File mode: the part of each key behind the prefix names the file."""
    target.mkdir(parents=True, exist_ok=True)
    bucket, key = _split(uri)
    try:
        if data_type == "ManifestFile":
            entries = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            bucket, prefix = _split(entries[0]["prefix"])
            names = [(prefix + name, name) for name in entries[1:]]
        else:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
            names = [(name, name[len(key) :].lstrip("/") or name.rsplit("/", 1)[-1]) for name in keys]
            if not names:
                raise JobFailedError(f"ClientError: no S3 objects found under {uri}")
        for name, relative in names:
            path = (target / relative).resolve()
            if not path.is_relative_to(target.resolve()):
                raise JobFailedError(f"ClientError: {name!r} would be written outside its channel")
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, name, str(path))
    except s3.exceptions.ClientError as error:
        raise JobFailedError(f"ClientError: data download failed: {uri}: {error}") from error
