"""Ground Truth for the emulator: a labelling job's work team is whoever answers on Sightline's own page.

CreateLabelingJob reads the input manifest and its images with the rights of the job's role, opens a job of the page
through the application's own function, and when all is answered writes the output manifest that Ground Truth would
write, with its event.
"""

import contextvars
import hashlib
import io
import json
import logging
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.rights import RoleSession, refuse_unless_trusting, root_client
from local.emulator.sagemaker.api import arn, emit, operation, page
from local.emulator.sagemaker.jobs import ENDED, REASON_LENGTH

logger = logging.getLogger("sightline.labeling_jobs")

EVENT = "SageMaker Ground Truth Labeling Job State Change"
DETECTION = "groundtruth/object-detection"
LOOK_SECONDS = 0.2
CORRECTED = "its boxes had to be corrected"
SUMMARY = (
    "LabelingJobName",
    "LabelingJobArn",
    "CreationTime",
    "LastModifiedTime",
    "LabelingJobStatus",
    "LabelCounters",
)
# The task function says what the work team is asked; the application's function opens that on its page.
KINDS = {
    "PRE-BoundingBox": ("labeling", "OpenLabelingJobFunction", "images_uri"),
    "PRE-VerificationBoundingBox": ("verification", "OpenVerificationJobFunction", "labels_uri"),
}
# And the functions that read what people have answered, with the name of their list.
READS = {
    "labeling": ("ConsolidateLabelsFunction", "labels_uri"),
    "verification": ("CollectVerdictsFunction", "verdicts_uri"),
}

_jobs: dict[str, Structure] = {}  # by ARN: SageMaker's description of the job
_stopping: dict[str, threading.Event] = {}  # by ARN


class LabelingFailedError(Exception):
    """The job's own failure, in its FailureReason."""


class LabelingStoppedError(Exception):
    """Somebody stopped the job."""


# ------------------------------------------------------------------------------------------------------- the operations
@operation
def create_labeling_job(request: Structure) -> Structure:
    job_arn = arn("labeling-job", request["LabelingJobName"])
    if job_arn in _jobs:
        raise AwsError("ResourceInUse", f"Job name must be unique within an AWS account and region: {job_arn} exists.")
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


# -------------------------------------------------------------------------------------------------------------- running
def _run(job: Structure) -> None:
    """One job to its end, whatever happens."""
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
    """Have the images of a job answered; the URI of its output manifest."""
    function = job["HumanTaskConfig"]["PreHumanTaskLambdaArn"].rsplit(":", 1)[-1]
    if function not in KINDS:
        raise LabelingFailedError(f"the local run has no task function {function}; it has {', '.join(KINDS)}")
    kind, opens, field = KINDS[function]
    s3 = RoleSession(job["RoleArn"]).client("s3")
    lines = [
        json.loads(line)
        for line in _read(s3, job["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"]).splitlines()
    ]
    if not lines:
        raise LabelingFailedError("the input manifest holds no line")
    names = [entry["label"] for entry in json.loads(_read(s3, job["LabelCategoryConfigS3Uri"]))["labels"]]
    _read(s3, job["HumanTaskConfig"]["UiConfig"]["UiTemplateS3Uri"])
    images = [_image(s3, line, kind) for line in lines]
    place = job["OutputConfig"]["S3OutputPath"].rstrip("/") + f"/{job['LabelingJobName']}"
    asked = _write(s3, f"{place}/annotations/asked.jsonl", images)
    answers = {answer["image_id"]: answer for answer in _ask(job, kind, opens, {field: asked})}
    say = _labels if kind == "labeling" else _verdicts
    said = [answers.get(image["image_id"]) for image in images]  # none: the page's people skipped it
    output = [
        {**line, **(_failure(job) if answer is None else say(job, answer, names))}
        for line, answer in zip(lines, said, strict=True)
    ]
    labeled = len(said) - said.count(None)
    job["LabelCounters"] |= {
        "TotalLabeled": labeled,
        "HumanLabeled": labeled,
        "FailedNonRetryableError": said.count(None),
    }
    return _write(s3, f"{place}/manifests/output/output.manifest", output)


def _image(s3: Any, line: Structure, kind: str) -> Structure:
    """What the page needs of an image, read from the image itself; for verification with the boxes of the manifest."""
    body = _read(s3, line["source-ref"])
    bucket, key = line["source-ref"].removeprefix("s3://").split("/", 1)
    with Image.open(io.BytesIO(body)) as opened:
        width, height = opened.size
    image = {
        "image_id": hashlib.sha256(body).hexdigest(),
        "bucket": bucket,
        "key": key,
        "width": width,
        "height": height,
    }
    if kind == "labeling":
        return image
    attribute = next(
        (
            name.removesuffix("-metadata")
            for name, value in line.items()
            if isinstance(value, dict) and value.get("type") == DETECTION
        ),
        None,
    )
    if attribute is None:
        raise LabelingFailedError(f"no boxes to verify in the manifest's line of {line['source-ref']}")
    return {**image, "annotations": line[attribute]["annotations"]}


def _ask(job: Structure, kind: str, opens: str, asked: dict[str, str]) -> list[Structure]:
    """Open a job of the page and wait for its answers, with a task token as a workflow would."""
    from ministack.services.stepfunctions import _task_tokens

    token, answered = f"labeling-job-{uuid.uuid4().hex}", threading.Event()
    _task_tokens[token] = {"event": answered, "result": None, "error": None, "heartbeat": None}
    try:
        request = {"job_id": job["LabelingJobName"], "round": 1, **asked, "task_token": token}
        _invoke(opens, request)
        while not answered.wait(LOOK_SECONDS):
            if _stopping[job["LabelingJobArn"]].is_set():
                _invoke("ReleaseImagesFunction", {"execution": job["LabelingJobName"]})  # takes its tasks off the page
                raise LabelingStoppedError
        result = json.loads(_task_tokens[token]["result"])
    finally:
        _task_tokens.pop(token, None)
    reads, listed = READS[kind]
    read = _invoke(reads, {"job_id": job["LabelingJobName"], "round": 1, "tasks_job": result["job_id"]})
    return [json.loads(line) for line in _read(root_client("s3"), read[listed]).splitlines()]


def _invoke(part: str, request: Structure) -> Any:
    """What the application's function whose name holds `part` answers."""
    client = root_client("lambda")
    listed = [
        entry["FunctionName"]
        for page in client.get_paginator("list_functions").paginate()
        for entry in page["Functions"]
    ]
    name = next((name for name in listed if part in name), None)
    if name is None:
        raise LabelingFailedError(f"no function {part} is deployed, so there is nobody to ask")
    answer = client.invoke(FunctionName=name, Payload=json.dumps(request))
    payload = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise LabelingFailedError(f"{name}: {payload[:300]}")
    return json.loads(payload)


# -------------------------------------------------------------------------------------------------------------- answers
def _labels(job: Structure, answer: Structure, names: list[str]) -> Structure:
    attribute = job["LabelAttributeName"]
    size = {"width": answer["width"], "height": answer["height"], "depth": 3}
    about = {
        "objects": [{"confidence": 1} for _ in answer["annotations"]],
        "class-map": {str(number): name for number, name in enumerate(names)},
        "type": DETECTION,
    }
    return {
        attribute: {"image_size": [size], "annotations": answer["annotations"]},
        f"{attribute}-metadata": about | _when(job),
    }


def _failure(job: Structure) -> Structure:
    """What the output manifest says of an image that has no label: the people of the page skipped it."""
    reason = "ClientError: no annotations; the image was skipped"
    return {f"{job['LabelAttributeName']}-metadata": {"failure-reason": reason} | _when(job)}


def _verdicts(job: Structure, answer: Structure, names: list[str]) -> Structure:
    corrected = (
        answer.get("annotations") is not None
    )  # Ground Truth's verifiers only approve or reject: the label was wrong
    attribute, number = job["LabelAttributeName"], 0 if answer["approved"] and not corrected else 1
    about: Structure = {"class-name": names[number], "confidence": 1, "type": "groundtruth/label-verification"}
    if reason := CORRECTED if corrected else answer.get("reason"):
        about["worker-feedback"] = [{"comment": reason}]
    return {attribute: str(number), f"{attribute}-metadata": about | _when(job)}


def _when(job: Structure) -> dict[str, str]:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return {"human-annotated": "yes", "creation-date": moment, "job-name": f"labeling-job/{job['LabelingJobName']}"}


def _read(s3: Any, uri: str) -> bytes:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    try:
        return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        raise LabelingFailedError(f"{uri}: {error}") from error


def _write(s3: Any, uri: str, lines: list[Structure]) -> str:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    s3.put_object(Bucket=bucket, Key=key, Body="".join(json.dumps(line) + "\n" for line in lines).encode())
    return uri
