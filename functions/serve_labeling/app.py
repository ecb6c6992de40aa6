"""The labelling API: the open jobs, the next task, an answer. One door for people and for simulated annotators.

Requests and answers are in docs/architecture.md, "Labelling API". API Gateway has checked who calls before this runs.
"""

import os
import re
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import BadRequestError
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline import labels
from sightline.aws import uploads
from sightline.aws.objects import ObjectStore
from sightline.aws.tasks import Tasks, TaskTakenError, UnknownTaskError

LEASE_SECONDS = int(os.environ["LEASE_SECONDS"])
URL_SECONDS = 3600
WORKER = re.compile(r"[\w.@+-]{1,64}")

logger = Logger()
metrics = Metrics()
tracer = Tracer()
app = APIGatewayHttpResolver()
tasks = Tasks(os.environ["TASKS_TABLE"], ObjectStore(os.environ["ARTIFACTS_BUCKET"]))


@app.get("/jobs")
def list_jobs() -> dict[str, Any]:
    fields = ("kind", "round", "total", "remaining", "status", "classes")
    return {"jobs": [{"job_id": job["pk"], **{field: job[field] for field in fields}} for job in tasks.jobs()]}


@app.post("/jobs/<job_id>/next")
def next_task(job_id: str) -> dict[str, Any] | Response:
    task = tasks.next(job_id, worker(body()), LEASE_SECONDS)
    if task is None:
        return Response(status_code=204, content_type=content_types.TEXT_PLAIN, body="")
    image = task["image"]
    return {
        "task_id": image["image_id"],
        "image_id": image["image_id"],
        "image_url": uploads.presigned_url(image["bucket"], image["key"], image.get("version_id"), URL_SECONDS),
        "name": image["key"],
        "width": image["width"],
        "height": image["height"],
        "annotations": image.get("annotations"),
        "lease_expires_at": task["available_at"],
    }


@app.post("/jobs/<job_id>/tasks/<task_id>/answer")
def answer_task(job_id: str, task_id: str) -> dict[str, Any]:
    sent = body()
    job, image = tasks.job(job_id), tasks.task(job_id, task_id)["image"]
    if job["kind"] == "labeling":
        boxes = labels.check_annotations(
            sent.get("annotations"), width=image["width"], height=image["height"], classes=len(job["classes"])
        )
        answer: dict[str, Any] = {"annotations": boxes}
    else:
        answer = labels.check_verdict(sent)
    remaining = tasks.answer(job_id, task_id, worker(sent), answer)
    metrics.add_metric(name="TasksAnswered", unit=MetricUnit.Count, value=1)
    return {"status": "saved", "remaining": remaining}


def body() -> dict[str, Any]:
    """The request's JSON object. Raises BadRequestError for anything else."""
    try:
        sent = app.current_event.json_body
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body is not JSON: {error}") from error
    if not isinstance(sent, dict):
        raise BadRequestError("the body must be a JSON object")
    return sent


def worker(sent: dict[str, Any]) -> str:
    name = sent.get("worker")
    if not isinstance(name, str) or not WORKER.fullmatch(name):
        raise BadRequestError("worker must be 1 to 64 letters, digits or any of . _ @ + -")
    return name


@app.exception_handler([labels.InvalidAnswerError, UnknownTaskError, TaskTakenError])
def explain(error: Exception) -> Response:
    status = {labels.InvalidAnswerError: 400, UnknownTaskError: 404, TaskTakenError: 409}[type(error)]
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body={"message": str(error)})


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    return app.resolve(event, context)
