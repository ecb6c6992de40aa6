"""Sightline's own page as the work team of labelling jobs: a job is opened on it, and its answers are read.

Both go through the application's own functions, with a task token as a workflow would.
"""

import json
import threading
import uuid
from dataclasses import dataclass
from typing import Any

from local.emulator.aws_shapes import Structure
from local.emulator.rights import root_client
from local.emulator.sagemaker import objects
from local.emulator.sagemaker.errors import LabelingFailedError, LabelingStoppedError
from sightline.names import task_job

LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Work:
    """What people are asked: the kind of job, the functions that open one and read its answers, and the fields of
    their lists.
    """

    kind: str
    opens: str
    asked: str
    reads: str
    answered: str


LABELING = Work("labeling", "OpenLabelingJobFunction", "images_uri", "ConsolidateLabelsFunction", "labels_uri")
VERIFICATION = Work(
    "verification", "OpenVerificationJobFunction", "labels_uri", "CollectVerdictsFunction", "verdicts_uri"
)


def ask(job_name: str, work: Work, asked_uri: str, stopping: threading.Event) -> list[Structure]:
    """Open a job of the page and return its answers. Raise LabelingFailedError, LabelingStoppedError."""
    from ministack.services.stepfunctions import _task_tokens

    token, answered = f"labeling-job-{uuid.uuid4().hex}", threading.Event()
    _task_tokens[token] = {"event": answered, "result": None, "error": None, "heartbeat": None}
    try:
        _invoke(work.opens, {"job_id": job_name, "round": 1, work.asked: asked_uri, "task_token": token})
        while not answered.wait(LOOK_SECONDS):
            if stopping.is_set():
                _withdraw(work, job_name)
                raise LabelingStoppedError
        result = json.loads(_task_tokens[token]["result"])
    finally:
        _task_tokens.pop(token, None)
    read = _invoke(work.reads, {"job_id": job_name, "round": 1, "tasks_job": result["job_id"]})
    return objects.read_lines(root_client("s3"), read[work.answered])


def _withdraw(work: Work, job_name: str) -> None:
    """Take the tasks of a stopped job off the page."""
    table = _function(work.opens)["Environment"]["Variables"]["TASKS_TABLE"]
    root_client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": task_job(job_name, work.kind, 1)}, "sk": {"S": "job"}},
        UpdateExpression="SET #status = :withdrawn REMOVE open_jobs",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":withdrawn": {"S": "WITHDRAWN"}},
    )


def _function(part: str) -> Structure:
    """Return the application's function whose name holds `part`. Raise LabelingFailedError."""
    pages = root_client("lambda").get_paginator("list_functions").paginate()
    listed: list[Structure] = [entry for page in pages for entry in page["Functions"]]
    found = next((entry for entry in listed if part in entry["FunctionName"]), None)
    if found is None:
        raise LabelingFailedError(f"no function {part} is deployed, so there is nobody to ask")
    return found


def _invoke(part: str, request: Structure) -> Any:
    """Return what the application's function whose name holds `part` answers. Raise LabelingFailedError."""
    name = _function(part)["FunctionName"]
    answer = root_client("lambda").invoke(FunctionName=name, Payload=json.dumps(request))
    payload = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise LabelingFailedError(f"{name}: {payload[:300]}")
    return json.loads(payload)
