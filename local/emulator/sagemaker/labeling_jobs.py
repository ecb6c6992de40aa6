"""Ground Truth for the emulator: a labelling job's work team is whoever answers on Sightline's own page.

CreateLabelingJob reads the input manifest and its images with the rights of the job's role, has the page asked, and
when all is answered writes the output manifest that Ground Truth would write, with its event.
"""

import contextvars
import hashlib
import io
import json
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.rights import RoleSession, refuse_unless_trusting
from local.emulator.sagemaker import labeling_output, labeling_page, objects
from local.emulator.sagemaker.api import arn, emit, operation, page
from local.emulator.sagemaker.errors import LabelingFailedError, LabelingStoppedError
from local.emulator.sagemaker.job_life import ENDED, REASON_LENGTH

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger("sightline.labeling_jobs")

EVENT = "SageMaker Ground Truth Labeling Job State Change"
SUMMARY = (
    "LabelingJobName",
    "LabelingJobArn",
    "CreationTime",
    "LastModifiedTime",
    "LabelingJobStatus",
    "LabelCounters",
)
# The task function says what the work team is asked.
WORK = {
    "PRE-BoundingBox": labeling_page.LABELING,
    "PRE-VerificationBoundingBox": labeling_page.VERIFICATION,
}
LONGEST_AVAILABLE = {True: 43_200, False: 2_592_000}  # seconds: of the public crowd, of a team of one's own
LONGEST_TASK = 28_800

_jobs: dict[str, Structure] = {}  # by ARN: SageMaker's description of the job
_stopping: dict[str, threading.Event] = {}  # by ARN


@operation
def create_labeling_job(request: Structure) -> Structure:
    job_arn = arn("labeling-job", request["LabelingJobName"])
    if job_arn in _jobs:
        raise AwsError("ResourceInUse", f"Job name must be unique within an AWS account and region: {job_arn} exists.")
    _check_times(request["HumanTaskConfig"])
    refuse_unless_trusting(request["RoleArn"], "sagemaker.amazonaws.com")
    now = datetime.now(UTC)
    kept = {key: value for key, value in request.items() if key not in ("Tags", "StoppingConditions")}
    job = _jobs[job_arn] = kept | {
        "LabelingJobArn": job_arn,
        "LabelingJobStatus": "InProgress",
        "LabelCounters": {
            "TotalLabeled": 0,
            "HumanLabeled": 0,
            "MachineLabeled": 0,
            "FailedNonRetryableError": 0,
            "Unlabeled": 0,
        },
        "JobReferenceCode": hashlib.sha256(job_arn.encode()).hexdigest()[:16],
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    _stopping[job_arn] = threading.Event()
    inside = contextvars.copy_context()  # the emulator's tables are by account and region
    threading.Thread(
        target=inside.run, args=(_run, job), name=f"labeling {request['LabelingJobName']}", daemon=True
    ).start()
    return {"LabelingJobArn": job_arn}


def _check_times(config: Structure) -> None:
    """Raise AwsError for times that the work team does not allow. Source: API reference, HumanTaskConfig."""
    available = config.get("TaskAvailabilityLifetimeInSeconds", 0)
    longest = LONGEST_AVAILABLE[":workteam/public-crowd/" in config["WorkteamArn"]]
    if available > longest:
        raise AwsError("ValidationException", f"TaskAvailabilityLifetimeInSeconds {available} is more than {longest}.")
    if config["TaskTimeLimitInSeconds"] > LONGEST_TASK:
        raise AwsError("ValidationException", f"TaskTimeLimitInSeconds must be at most {LONGEST_TASK}.")


@operation
def describe_labeling_job(request: Structure) -> Structure:
    return dict(_find(request["LabelingJobName"]))


@operation
def list_labeling_jobs(request: Structure) -> Structure:
    part, status = request.get("NameContains", ""), request.get("StatusEquals")
    found = [
        {**job, "WorkteamArn": job["HumanTaskConfig"]["WorkteamArn"]}
        | {"PreHumanTaskLambdaArn": job["HumanTaskConfig"]["PreHumanTaskLambdaArn"]}
        for job in list(_jobs.values())
        if part in job["LabelingJobName"] and status in (None, job["LabelingJobStatus"])
    ]
    keep = (*SUMMARY, "WorkteamArn", "PreHumanTaskLambdaArn")
    return page("LabelingJobSummaryList", found, keep, "CreationTime", request)


@operation
def stop_labeling_job(request: Structure) -> Structure:
    job = _find(request["LabelingJobName"])
    if job["LabelingJobStatus"] in ENDED:
        raise AwsError(
            "ValidationException", f"The request was rejected because {job['LabelingJobArn']} has ended already."
        )
    job["LabelingJobStatus"] = "Stopping"
    _stopping[job["LabelingJobArn"]].set()
    return {}


def _find(name: str) -> Structure:
    job_arn = arn("labeling-job", name)
    if job_arn not in _jobs:
        raise AwsError("ValidationException", f"Requested resource not found: {job_arn}")
    return _jobs[job_arn]


def _run(job: Structure) -> None:
    """Run one job to its end, whatever happens."""
    status = "Failed"
    try:
        job["LabelingJobOutput"] = {"OutputDatasetS3Uri": _label(job)}
        status = "Completed"
    except LabelingStoppedError:
        status = "Stopped"
    except (LabelingFailedError, ClientError, BotoCoreError) as error:
        job["FailureReason"] = f"ClientError: {error}"[:REASON_LENGTH]
    except Exception as error:  # the emulator's own fault: told as the service's, with the traceback in the log
        logger.exception("job %s", job["LabelingJobName"])
        job["FailureReason"] = f"InternalServerError: {type(error).__name__}: {error}"[:REASON_LENGTH]
    job |= {"LastModifiedTime": datetime.now(UTC), "LabelingJobStatus": status}
    emit(EVENT, {"LabelingJobStatus": status}, [job["LabelingJobArn"]])


def _label(job: Structure) -> str:
    """Have the images of a job answered, and return the URI of its output manifest. Raise LabelingFailedError."""
    function = job["HumanTaskConfig"]["PreHumanTaskLambdaArn"].rsplit(":", 1)[-1]
    if function not in WORK:
        raise LabelingFailedError(f"the local run has no task function {function}; it has {', '.join(WORK)}")
    work = WORK[function]
    s3 = RoleSession(job["RoleArn"]).client("s3")
    lines = objects.read_lines(s3, job["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"])
    if not lines:
        raise LabelingFailedError("the input manifest holds no line")
    names = [entry["label"] for entry in json.loads(objects.read(s3, job["LabelCategoryConfigS3Uri"]))["labels"]]
    objects.read(s3, job["HumanTaskConfig"]["UiConfig"]["UiTemplateS3Uri"])
    images = [_image(s3, line, work) for line in lines]
    place = job["OutputConfig"]["S3OutputPath"].rstrip("/") + f"/{job['LabelingJobName']}"
    asked = objects.write_lines(s3, f"{place}/annotations/asked.jsonl", images)
    answers = {
        answer["image_id"]: answer
        for answer in labeling_page.ask(job["LabelingJobName"], work, asked, _stopping[job["LabelingJobArn"]])
    }
    say = labeling_output.labels if work is labeling_page.LABELING else labeling_output.verdicts
    said = [answers.get(image["image_id"]) for image in images]  # none: the page's people skipped it
    output = [
        {**line, **(labeling_output.failure(job) if answer is None else say(job, answer, names))}
        for line, answer in zip(lines, said, strict=True)
    ]
    labeled = len(said) - said.count(None)
    job["LabelCounters"] |= {
        "TotalLabeled": labeled,
        "HumanLabeled": labeled,
        "FailedNonRetryableError": said.count(None),
    }
    return objects.write_lines(s3, f"{place}/manifests/output/output.manifest", output)


def _image(s3: "S3Client", line: Structure, work: labeling_page.Work) -> Structure:
    """Return what the page needs of an image, read from the image; for verification with the boxes of the manifest."""
    body = objects.read(s3, line["source-ref"])
    bucket, key = objects.bucket_and_key(line["source-ref"])
    with Image.open(io.BytesIO(body)) as opened:
        width, height = opened.size
    image = {
        "image_id": hashlib.sha256(body).hexdigest(),
        "bucket": bucket,
        "key": key,
        "width": width,
        "height": height,
    }
    if work is labeling_page.LABELING:
        return image
    attribute = next(
        (
            name.removesuffix("-metadata")
            for name, value in line.items()
            if isinstance(value, dict) and value.get("type") == labeling_output.DETECTION
        ),
        None,
    )
    if attribute is None:
        raise LabelingFailedError(f"no boxes to verify in the manifest's line of {line['source-ref']}")
    return {**image, "annotations": line[attribute]["annotations"]}
