"""The labelling part of the console API: jobs, leases, answers. One door for people and for simulated annotators.

Requests and answers are in docs/architecture.md, "Console API". API Gateway has checked the caller's token before this
runs.
"""

import os
import re
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.api import web
from sightline.aws.clients import Aws
from sightline.images.uploads import Uploads
from sightline.labelling import labels
from sightline.labelling.tasks import (
    Tasks,
    TaskTakenError,
    UnknownTaskError,
    WorkflowUntoldError,
)

LEASE_SECONDS = int(os.environ["LEASE_SECONDS"])
URL_SECONDS = 3600
MAX_COUNT = 32
JOB = ("kind", "round", "total", "remaining", "status", "classes", "annotators", "created_at")

logger = Logger()
metrics = Metrics()
aws = Aws()
uploads = Uploads(aws)
app = APIGatewayHttpResolver()
tasks = Tasks(aws, os.environ["TASKS_TABLE"])


@app.get("/jobs")
def list_jobs() -> dict[str, Any]:
    worker = web.worker(event())
    return {"jobs": [shown_job(job, worker) for job in tasks.jobs()]}


@app.get("/jobs/<job_id>")
def show_job(job_id: str) -> dict[str, Any]:
    job = tasks.job(job_id)
    agreement = job["agreement_sum"] / job["agreements"] if job.get("agreements") else None
    progress = labels.progress(tasks.workers(job_id))
    return {**shown_job(job, web.worker(event())), **progress, "agreement": agreement, "skipped": job["skipped"]}


@app.post("/jobs/<job_id>/next")
def next_tasks(job_id: str) -> dict[str, Any]:
    count = web.body(event()).get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise web.RequestError(f"count must be a whole number in 1..{MAX_COUNT}, got {count!r:.50}")
    given = tasks.next(job_id, web.worker(event()), LEASE_SECONDS, count)
    return {"tasks": [shown_task(task) for task in given]}


@app.get("/jobs/<job_id>/tasks/<task_id>")
def show_task(job_id: str, task_id: str) -> dict[str, Any]:
    task = tasks.task(job_id, task_id)
    return {**shown_task(task), "answer": tasks.own_answer(job_id, task_id, web.worker(event()))}


@app.post("/jobs/<job_id>/tasks/<task_id>/answer")
def answer_task(job_id: str, task_id: str) -> dict[str, Any]:
    sent, job, image = web.body(event()), tasks.job(job_id), tasks.task(job_id, task_id)["image"]
    check = labels.check_label if job["kind"] == "labeling" else labels.check_verdict
    answer = check(sent, width=image["width"], height=image["height"], classes=len(job["classes"]))
    remaining = tasks.answer(job_id, task_id, web.worker(event()), answer)
    metrics.add_metric(name="TasksAnswered", unit=MetricUnit.Count, value=1)
    return {"status": "saved", "remaining": remaining}


@app.post("/jobs/<job_id>/tasks/<task_id>/lease")
def renew_lease(job_id: str, task_id: str) -> dict[str, Any]:
    return {"lease_expires_at": tasks.renew(job_id, task_id, web.worker(event()), LEASE_SECONDS)}


@app.delete("/jobs/<job_id>/tasks/<task_id>/lease")
def release_lease(job_id: str, task_id: str) -> Response:
    until = (app.current_event.query_string_parameters or {}).get("until")
    if until is not None and not re.fullmatch(r"\d{1,16}", until, re.ASCII):
        raise web.RequestError(f"until must be the lease_expires_at that is given back, got {until!r:.50}")
    tasks.release(job_id, task_id, web.worker(event()), None if until is None else int(until))
    return Response(status_code=204, content_type=content_types.TEXT_PLAIN, body="")


def event() -> dict[str, Any]:
    return dict(app.current_event.raw_event)


def shown_job(job: dict[str, Any], worker: str) -> dict[str, Any]:
    # How many one person has answered tells something only where each image asks several.
    answered = tasks.answered(job["pk"], worker) if job["annotators"] > 1 else None
    return {"job_id": job["pk"], **{field: job[field] for field in JOB}, "answered_by_you": answered}


def shown_task(task: dict[str, Any]) -> dict[str, Any]:
    """A task as the page gets it."""
    image = task["image"]
    return {
        "task_id": image["image_id"],
        "image_id": image["image_id"],
        "image_url": uploads.presigned_url(image["bucket"], image["key"], image.get("version_id"), URL_SECONDS),
        "name": image["key"],
        "width": image["width"],
        "height": image["height"],
        "annotations": image.get("annotations"),
        "proposals": image.get("proposals"),
        "rejection": image.get("reason"),
        "annotated_by": image.get("annotated_by", []),
        "agreement": image.get("agreement"),
        "lease_expires_at": task["position"] if "leased_by" in task else None,
    }


STATUSES = {labels.InvalidAnswerError: 400, UnknownTaskError: 404, TaskTakenError: 409, WorkflowUntoldError: 503}


@app.exception_handler([web.RequestError, *STATUSES])
def explain(error: Exception) -> Response:
    status = error.status if isinstance(error, web.RequestError) else STATUSES[type(error)]
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body={"message": str(error)})


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    return app.resolve(event, context)
