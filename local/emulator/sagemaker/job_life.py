"""The life of a training or processing job: its turn, its states, its end and its events. runs.py does its work."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from local import disk
from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.rights import RoleSession
from local.emulator.sagemaker.api import emit
from local.emulator.sagemaker.errors import JobFailedError, JobStoppedError
from local.emulator.sagemaker.runs import Run, clean

logger = logging.getLogger("sightline.jobs")

SLOTS = threading.Semaphore(max(1, (os.cpu_count() or 2) // 2))  # a job takes two cores; the others wait their turn
ENDED = ("Completed", "Failed", "Stopped")
REASON_LENGTH = 1024

runs: dict[str, Run] = {}  # by ARN: the jobs that have not ended
_ending = threading.Lock()  # a job that is asked to stop while it ends must not be left "Stopping"


def start(job: Structure, kind: str, body: Callable[[Run], None]) -> None:
    """Run a job in a thread of its own, as soon as there is room for it."""
    name = job[f"{kind}JobName"]
    stream = (f"/aws/sagemaker/{kind}Jobs", f"{name}/algo-1-{int(job['CreationTime'].timestamp())}")
    home = Path(os.environ.get("SIGHTLINE_JOBS_DIR", ".sightline/jobs")).resolve()
    run = Run(job, home / name, stream, lambda phase: enter(job, phase), RoleSession(job["RoleArn"]))
    runs[job[f"{kind}JobArn"]] = run
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
            disk.require(run.folder, disk.JOB_BYTES)
            body(run)
            status = "Completed"
            clean(run.folder)
        except JobStoppedError as reason:
            status, why = "Stopped", str(reason)
            if kind == "Processing":
                job["ExitMessage"] = why
        except Exception as error:
            job["FailureReason"] = _why_failed(error, run)[:REASON_LENGTH]
    now = job[f"{kind}EndTime"] = job["LastModifiedTime"] = datetime.now(UTC)
    if kind == "Training":
        seconds = max(1, round((now - job["TrainingStartTime"]).total_seconds()))
        job |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        enter(job, why or status)
    with _ending:
        job[f"{kind}JobStatus"] = status
        del runs[job[f"{kind}JobArn"]]
    _announce(job, kind)


def _why_failed(error: Exception, run: Run) -> str:
    if full := disk.explained(error, run.folder, disk.JOB_BYTES):
        return f"ClientError: {full}"
    if isinstance(error, JobFailedError):
        return str(error)
    # The emulator's own fault: told as the service's, with the traceback in the log.
    logger.error("job %s", run.folder.name, exc_info=error)
    return f"InternalServerError: {type(error).__name__}: {error}"


@contextmanager
def _slot(run: Run) -> Iterator[None]:
    """Wait for the job's turn. A job that is stopped while it waits goes on without one, to its end."""
    held = False
    while not held and not run.stopping.is_set():
        held = SLOTS.acquire(timeout=0.1)
    try:
        yield
    finally:
        if held:
            SLOTS.release()


def enter(job: Structure, phase: str) -> None:
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


def stop(job: Structure, kind: str) -> None:
    """Ask a job to stop. Raise AwsError for one that has ended."""
    job_arn = job[f"{kind}JobArn"]
    with _ending:
        if job[f"{kind}JobStatus"] in ENDED:
            raise AwsError("ValidationException", f"The request was rejected because {job_arn} has ended already.")
        job[f"{kind}JobStatus"] = "Stopping"
        runs[job_arn].stopping.set()


def stop_all(seconds: float = 10) -> None:
    """Stop every job and wait until their processes are gone: the emulator is going down."""
    for run in list(runs.values()):
        run.stopping.set()
    for thread in threading.enumerate():
        if thread.name.startswith("job "):
            thread.join(seconds)
