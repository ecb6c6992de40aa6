"""The operations of SageMaker's training and processing jobs. job_life.py runs the jobs."""

from datetime import UTC, datetime

from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.rights import refuse_unless_trusting
from local.emulator.sagemaker import job_life
from local.emulator.sagemaker.api import arn, operation, page
from local.emulator.sagemaker.runs import LONGEST, Run

TRAINING_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
)

PROCESSING_SUMMARY = (
    "ProcessingJobName",
    "ProcessingJobArn",
    "CreationTime",
    "ProcessingEndTime",
    "LastModifiedTime",
    "ProcessingJobStatus",
)

_jobs: dict[str, Structure] = {}  # by ARN: SageMaker's description of the job


@operation
def create_training_job(request: Structure) -> Structure:
    _check_waiting(request)
    job = _open("Training", request)
    uri = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    archive = f"{uri}/{request['TrainingJobName']}/output/model.tar.gz"
    job |= {"ModelArtifacts": {"S3ModelArtifacts": archive}, "SecondaryStatusTransitions": []}
    job_life.enter(job, "Starting")
    job_life.start(job, "Training", Run.train)
    return {"TrainingJobArn": job["TrainingJobArn"]}


@operation
def create_processing_job(request: Structure) -> Structure:
    job = _open("Processing", request)
    job_life.start(job, "Processing", Run.process)
    return {"ProcessingJobArn": job["ProcessingJobArn"]}


@operation
def describe_training_job(request: Structure) -> Structure:
    return dict(_find("Training", request["TrainingJobName"]))


@operation
def describe_processing_job(request: Structure) -> Structure:
    return dict(_find("Processing", request["ProcessingJobName"]))


@operation
def list_training_jobs(request: Structure) -> Structure:
    return _listed("Training", TRAINING_SUMMARY, request)


@operation
def list_processing_jobs(request: Structure) -> Structure:
    return _listed("Processing", PROCESSING_SUMMARY, request)


def _listed(kind: str, summary: tuple[str, ...], request: Structure) -> Structure:
    part, status = request.get("NameContains", ""), request.get("StatusEquals")
    found = [
        job
        for job in list(_jobs.values())
        if part in job.get(f"{kind}JobName", "")
        and f"{kind}JobName" in job
        and status in (None, job[f"{kind}JobStatus"])
        and all(
            bound not in request
            or (job["CreationTime"].timestamp() >= float(request[bound])) == (bound == "CreationTimeAfter")
            for bound in ("CreationTimeAfter", "CreationTimeBefore")
        )
    ]
    named = {"Name": f"{kind}JobName", "Status": f"{kind}JobStatus"}
    return page(f"{kind}JobSummaries", found, summary, named.get(request.get("SortBy", ""), "CreationTime"), request)


@operation
def stop_training_job(request: Structure) -> Structure:
    job_life.stop(_find("Training", request["TrainingJobName"]), "Training")
    return {}


@operation
def stop_processing_job(request: Structure) -> Structure:
    job_life.stop(_find("Processing", request["ProcessingJobName"]), "Processing")
    return {}


def _open(kind: str, request: Structure) -> Structure:
    """Write down a new job. Raise AwsError when there is one of the name, or its role cannot be assumed."""
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
