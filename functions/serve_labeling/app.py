"""The labelling part of the console API: jobs, leases, answers. One door for people and for simulated annotators.

Requests and answers are in docs/reference/console-api.md. API Gateway has checked the caller's token before this
runs.
"""

import os

from sightline.api import shapes
from sightline.api.http import Api, RequestError
from sightline.aws.clients import Aws
from sightline.aws.people import FourEyes, FourEyesMode, People
from sightline.images.uploads import Uploads
from sightline.labelling.answer_checks import InvalidAnswerError, check_label, check_verdict
from sightline.labelling.answers import Answers
from sightline.labelling.jobs import Jobs
from sightline.labelling.leases import Leases
from sightline.labelling.progress import progress
from sightline.labelling.tasks import (
    Job,
    JobKind,
    Task,
    TaskTakenError,
    UnknownTaskError,
    WorkflowUntoldError,
)
from sightline.runtime import count_metric, step

LEASE_SECONDS = int(os.environ["LEASE_SECONDS"])
URL_SECONDS = 3600
MAX_COUNT = 32

aws = Aws()
uploads = Uploads(aws)
api = Api({InvalidAnswerError: 400, UnknownTaskError: 404, TaskTakenError: 409, WorkflowUntoldError: 503})
jobs = Jobs(aws, os.environ["TASKS_TABLE"])
leases = Leases(aws, os.environ["TASKS_TABLE"])
answers = Answers(aws, os.environ["TASKS_TABLE"])
four_eyes = FourEyes(FourEyesMode(os.environ["FOUR_EYES"]), People(aws, os.environ["USER_POOL_ID"]).names)


@api.route("GET /jobs")
def list_jobs() -> shapes.Jobs:
    """The open jobs, the oldest first."""
    worker = api.person.name
    return {"jobs": [shown_job(job, worker) for job in jobs.open_ones()], "four_eyes": four_eyes.is_on}


@api.route("GET /jobs/{job_id}")
def show_job(job_id: str) -> shapes.JobProgress:
    """A job, and who has done how much."""
    job = jobs.job(job_id)
    done = progress(jobs.workers(job_id))
    return {**shown_job(job, api.person.name), **done, "agreement": job.agreement, "skipped": job.skipped}


@api.route("POST /jobs/{job_id}/next", body=shapes.TaskCount)
def next_tasks(job_id: str) -> shapes.Tasks:
    """Lease tasks: the caller's own first, then the most uncertain images, or the labels with the least agreement."""
    count = api.json().get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise RequestError(f"count must be a whole number in 1..{MAX_COUNT}, got {count!r:.50}")
    given = leases.next(job_id, api.person.name, LEASE_SECONDS, count, four_eyes.allows)
    return {"tasks": [shown_task(task) for task in given]}


@api.route("GET /jobs/{job_id}/tasks/{task_id}")
def show_task(job_id: str, task_id: str) -> shapes.TaskAnswered:
    """A task with the caller's own answer."""
    task = jobs.task(job_id, task_id)
    return {**shown_task(task), "answer": answers.own(job_id, task_id, api.person.name)}


@api.route("POST /jobs/{job_id}/tasks/{task_id}/answer", body=shapes.Answer)
def answer_task(job_id: str, task_id: str) -> shapes.Saved:
    """Save an answer. The same one twice counts once; another one replaces it while the job is open."""
    sent, job, image = api.json(), jobs.job(job_id), jobs.task(job_id, task_id).image
    if job.kind == JobKind.VERIFICATION and not four_eyes.allows(api.person.name, image.get("annotated_by", [])):
        raise TaskTakenError("you drew this label, so somebody else verifies it; ask for the next task")
    check = check_label if job.kind == JobKind.LABELING else check_verdict
    answer = check(sent, width=image["width"], height=image["height"], classes=len(job.classes))
    remaining = answers.save(job_id, task_id, api.person.name, answer)
    count_metric("TasksAnswered")
    return {"status": "saved", "remaining": remaining}


@api.route("POST /jobs/{job_id}/tasks/{task_id}/lease")
def renew_lease(job_id: str, task_id: str) -> shapes.Lease:
    """Keep a task longer."""
    return {"lease_expires_at": leases.renew(job_id, task_id, api.person.name, LEASE_SECONDS)}


@api.route("DELETE /jobs/{job_id}/tasks/{task_id}/lease", query={"until": int})
def release_lease(job_id: str, task_id: str, until: int | None) -> None:
    """Give a task back; with `until`, only the lease that ends then."""
    leases.release(job_id, task_id, api.person.name, until)


def shown_job(job: Job, worker: str) -> shapes.JobShown:
    # How many one person has answered tells something only where each image asks several.
    answered = jobs.answered(job.job_id, worker) if job.annotators > 1 else None
    return {
        "job_id": job.job_id,
        "kind": job.kind.value,
        "round": job.round,
        "total": job.total,
        "remaining": job.remaining,
        "status": job.status.value,
        "classes": list(job.classes),
        "annotators": job.annotators,
        "created_at": job.created_at,
        "answered_by_you": answered,
    }


def shown_task(task: Task) -> shapes.TaskShown:
    """A task as the page gets it."""
    image = task.image
    return {
        "task_id": image["image_id"],
        "image_id": image["image_id"],
        "image_url": uploads.shown_url(
            image["bucket"], image["key"], image.get("version_id"), image.get("rendition"), URL_SECONDS
        ),
        "name": image["key"],
        "width": image["width"],
        "height": image["height"],
        "annotations": image.get("annotations"),
        "proposals": image.get("proposals"),
        "rejection": image.get("reason"),
        "annotated_by": image.get("annotated_by", []),
        "agreement": image.get("agreement"),
        "lease_expires_at": task.lease_until,
    }


handler = step(api.handler)
