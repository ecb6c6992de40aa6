"""SageMaker's training and processing jobs: their operations, their states and their events. runs.py runs them."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.rights import RoleSession, refuse_unless_trusting
from local.emulator.sagemaker.api import arn, emit, operation, page
from local.emulator.sagemaker.errors import JobFailedError, JobStoppedError
from local.emulator.sagemaker.runs import LONGEST, Run, clean

logger = logging.getLogger("sightline.jobs")

SLOTS = threading.Semaphore(max(1, (os.cpu_count() or 2) // 2))  # a job takes two cores; the others wait their turn
ENDED = ("Completed", "Failed", "Stopped")
REASON_LENGTH = 1024
TRAINING_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
)

_jobs: dict[str, Structure] = {}  # by ARN: SageMaker's description of the job
_runs: dict[str, Run] = {}  # by ARN: the jobs that have not ended
_ending = threading.Lock()  # a job that is asked to stop while it ends must not be left "Stopping"


# ------------------------------------------------------------------------------------------------------- the operations
@operation
def create_training_job(request: Structure) -> Structure:
    _check_waiting(request)
    job = _open("Training", request)
    uri = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    archive = f"{uri}/{request['TrainingJobName']}/output/model.tar.gz"
    job |= {"ModelArtifacts": {"S3ModelArtifacts": archive}, "SecondaryStatusTransitions": []}
    _enter(job, "Starting")
    _start(job, "Training", Run.train)
    return {"TrainingJobArn": job["TrainingJobArn"]}


@operation
def create_processing_job(request: Structure) -> Structure:
    job = _open("Processing", request)
    _start(job, "Processing", Run.process)
    return {"ProcessingJobArn": job["ProcessingJobArn"]}


@operation
def describe_training_job(request: Structure) -> Structure:
    return dict(_find("Training", request["TrainingJobName"]))


@operation
def describe_processing_job(request: Structure) -> Structure:
    return dict(_find("Processing", request["ProcessingJobName"]))


@operation
def list_training_jobs(request: Structure) -> Structure:
    part, status = request.get("NameContains", ""), request.get("StatusEquals")
    found = [
        job
        for job in list(_jobs.values())
        if part in job.get("TrainingJobName", "")
        and "TrainingJobName" in job
        and status in (None, job["TrainingJobStatus"])
    ]
    order = {"Name": "TrainingJobName", "Status": "TrainingJobStatus"}.get(request.get("SortBy", ""), "CreationTime")
    return page("TrainingJobSummaries", found, TRAINING_SUMMARY, order, request)


@operation
def stop_training_job(request: Structure) -> Structure:
    return _stop(_find("Training", request["TrainingJobName"]), "Training")


@operation
def stop_processing_job(request: Structure) -> Structure:
    return _stop(_find("Processing", request["ProcessingJobName"]), "Processing")


def _open(kind: str, request: Structure) -> Structure:
    """Write down a new job. Raises AwsError when there is one of the name, or its role cannot be assumed."""
    job_arn = arn(f"{kind.lower()}-job", request[f"{kind}JobName"])
    if job_arn in _jobs:
        raise AwsError("ResourceInUse", f"Job name must be unique within an AWS account and region: {job_arn} exists.")
    refuse_unless_trusting(request["RoleArn"], "sagemaker.amazonaws.com")
    now = datetime.now(UTC)
    _jobs[job_arn] = {key: value for key, value in request.items() if key != "Tags"} | {
        f"{kind}JobArn": job_arn,
        f"{kind}JobStatus": "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    return _jobs[job_arn]


def _check_waiting(request: Structure) -> None:
    """SageMaker takes a longest wait with spot capacity, where it must be at least the longest run, and only there."""
    limits, spot = request.get("StoppingCondition", {}), request.get("EnableManagedSpotTraining", False)
    longest = limits.get("MaxWaitTimeInSeconds")
    if spot != (longest is not None):
        raise AwsError(
            "ValidationException",
            "MaxWaitTimeInSeconds goes with EnableManagedSpotTraining, one not without the other.",
        )
    if longest is not None and longest < limits.get("MaxRuntimeInSeconds", LONGEST):
        raise AwsError(
            "ValidationException", "MaxWaitTimeInSeconds must be equal to or greater than MaxRuntimeInSeconds."
        )


def _find(kind: str, name: str) -> Structure:
    job_arn = arn(f"{kind.lower()}-job", name)
    if job_arn not in _jobs:
        raise AwsError("ValidationException", f"Requested resource not found: {job_arn}")
    return _jobs[job_arn]


def _stop(job: Structure, kind: str) -> Structure:
    job_arn = job[f"{kind}JobArn"]
    with _ending:
        if job[f"{kind}JobStatus"] in ENDED:
            raise AwsError("ValidationException", f"The request was rejected because {job_arn} has ended already.")
        job[f"{kind}JobStatus"] = "Stopping"
        _runs[job_arn].stopping.set()
    return {}


def stop_all(seconds: float = 10) -> None:
    """Stop every job and wait until their processes are gone: the emulator is going down."""
    for run in list(_runs.values()):
        run.stopping.set()
    for thread in threading.enumerate():
        if thread.name.startswith("job "):
            thread.join(seconds)


# -------------------------------------------------------------------------------------------------------------- running
def _start(job: Structure, kind: str, body: Callable[[Run], None]) -> None:
    name = job[f"{kind}JobName"]
    stream = (f"/aws/sagemaker/{kind}Jobs", f"{name}/algo-1-{int(job['CreationTime'].timestamp())}")
    home = Path(os.environ.get("SIGHTLINE_JOBS_DIR", ".sightline/jobs")).resolve()
    run = Run(job, home / name, stream, lambda phase: _enter(job, phase), RoleSession(job["RoleArn"]))
    _runs[job[f"{kind}JobArn"]] = run
    threading.Thread(target=_run, args=(job, kind, run, body), name=f"job {name}", daemon=True).start()


def _run(job: Structure, kind: str, run: Run, body: Callable[[Run], None]) -> None:
    """Run one job to its end, whatever happens, and announce that it is there and that it has ended."""
    _announce(job, kind)
    status, why = "Failed", ""
    with _slot(run):
        job[f"{kind}StartTime"] = datetime.now(UTC)
        try:
            shutil.rmtree(run.folder, ignore_errors=True)
            run.folder.mkdir(parents=True)
            body(run)
            status = "Completed"
            clean(run.folder)
        except JobStoppedError as reason:
            status, why = "Stopped", str(reason)
            if kind == "Processing":
                job["ExitMessage"] = why
        except JobFailedError as error:
            job["FailureReason"] = str(error)[:REASON_LENGTH]
        except Exception as error:  # the emulator's own fault: told as the service's, with the traceback in the log
            logger.exception("job %s", run.folder.name)
            job["FailureReason"] = f"InternalServerError: {type(error).__name__}: {error}"[:REASON_LENGTH]
    now = job[f"{kind}EndTime"] = job["LastModifiedTime"] = datetime.now(UTC)
    if kind == "Training":
        seconds = max(1, round((now - job["TrainingStartTime"]).total_seconds()))
        job |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        _enter(job, why or status)
    with _ending:
        job[f"{kind}JobStatus"] = status
        del _runs[job[f"{kind}JobArn"]]
    _announce(job, kind)


@contextmanager
def _slot(run: Run) -> Iterator[None]:
    """The machine, when it is this job's turn; a job that is stopped while it waits goes on without, to its end."""
    held = False
    while not held and not run.stopping.is_set():
        held = SLOTS.acquire(timeout=0.1)
    try:
        yield
    finally:
        if held:
            SLOTS.release()


def _enter(job: Structure, phase: str) -> None:
    """Note that a training job has come to another secondary status; processing jobs have none."""
    if "SecondaryStatusTransitions" not in job:
        return
    now = datetime.now(UTC)
    passed = job["SecondaryStatusTransitions"]
    if passed:
        passed[-1]["EndTime"] = now
    entry = {"Status": phase, "StartTime": now, "StatusMessage": ""}
    if phase in (*ENDED, "MaxRuntimeExceeded"):
        entry["EndTime"] = now
    job |= {"SecondaryStatus": phase, "SecondaryStatusTransitions": [*passed, entry], "LastModifiedTime": now}


def _announce(job: Structure, kind: str) -> None:
    emit(f"SageMaker {kind} Job State Change", job, [job[f"{kind}JobArn"]])
