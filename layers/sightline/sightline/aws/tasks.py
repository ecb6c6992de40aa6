"""Labelling and verification tasks in DynamoDB: opened by a workflow, leased to one person at a time, counted once.

One item for a job (`pk` = job id, `sk` = `job`) and one for a task (`sk` = `task#<image id>`). Open tasks stand in
the index `open_tasks`, ordered by the moment from which they may be given out: a lease moves that moment into the future, so
an abandoned task comes back by itself and asking for the next one costs the same however many there are.
"""

import json
import random
import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

from sightline.aws.items import Table, client
from sightline.aws.objects import ObjectStore
from sightline.errors import SightlineError

_step_functions: Any = boto3.client("stepfunctions")

OPEN_TASKS = "open_tasks"
OPEN_JOBS = "open_jobs"
CANDIDATES = 8  # open tasks looked at for one request, so that several people do not race for the same one
CLOSING_SECONDS = 120  # after this a job that was being closed is closed again: whoever did it has died
TRANSACTION_TRIES = 6
GONE_TOKENS = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


class UnknownTaskError(SightlineError):
    """No such job or task."""


class TaskTakenError(SightlineError):
    """The task is leased to, or was answered by, somebody else."""


class Tasks:
    """All labelling and verification jobs of a stack."""

    def __init__(self, table: str, artifacts: ObjectStore) -> None:
        self.table = Table(table)
        self.artifacts = artifacts

    def open_job(self, job: dict[str, Any], images: list[dict[str, Any]]) -> None:
        """Open a job of one task for each image, answered by `job["task_token"]` when all are answered.

        `job` holds `job_id, kind, round, classes, task_token, output_key`. A repeated call keeps the answers that
        are there and takes the newer token. A job without images, or one that is done, is answered at once.
        """
        known = self.table.update(
            {"pk": job["job_id"], "sk": "job"},
            "SET #task_token = :token",
            {"token": job["task_token"]},
            condition="attribute_exists(pk)",
        )
        if not known:
            # The job's own item comes last: until then nobody sees its tasks, and a repeated call may write them again.
            self.table.put_all([self._task(job["job_id"], image) for image in images])
            counts = {"total": len(images), "remaining": len(images), "status": "OPEN", "open_jobs": "OPEN"}
            self.table.put({"pk": job["job_id"], "sk": "job", **job, **counts, "created_at": int(time.time() * 1000)})
        if not images or (known and known["remaining"] == 0):
            self._close(job["job_id"], again=True)

    @staticmethod
    def _task(job_id: str, image: dict[str, Any]) -> dict[str, Any]:
        return {
            "pk": job_id,
            "sk": f"task#{image['image_id']}",
            "status": "OPEN",
            "open_job": job_id,
            "available_at": 0,
            "image": image,
        }

    def jobs(self) -> list[dict[str, Any]]:
        """The open jobs, oldest first."""
        return self.table.query(OPEN_JOBS, "#open_jobs = :open", {"open": "OPEN"})

    def job(self, job_id: str) -> dict[str, Any]:
        job = self.table.get({"pk": job_id, "sk": "job"})
        if not job:
            raise UnknownTaskError(f"no job {job_id!r}; GET /jobs lists the open ones")
        return job

    def next(self, job_id: str, worker: str, lease_seconds: int, count: int) -> list[dict[str, Any]]:
        """Lease up to `count` tasks to `worker` for `lease_seconds`; fewer when there are no more at the moment."""
        job = self.job(job_id)
        if job["remaining"] == 0 and job["status"] != "DONE":
            self._close(job_id)  # whoever gave the last answer died before the workflow had it
        if job["status"] != "OPEN":
            return []
        now = int(time.time() * 1000)
        values = {"job": job_id, "now": now}
        free = self.table.query(
            OPEN_TASKS, "#open_job = :job AND #available_at <= :now", values, CANDIDATES + count, ScanIndexForward=True
        )
        random.shuffle(free)
        given: list[dict[str, Any]] = []
        for task in free:
            if len(given) == count:
                break
            leased = self.table.update(
                {"pk": job_id, "sk": task["sk"]},
                "SET #available_at = :until, #leased_by = :worker",
                {"until": now + lease_seconds * 1000, "worker": worker, "seen": task["available_at"], "open": "OPEN"},
                condition="#status = :open AND #available_at = :seen",
            )
            if leased:
                given.append(leased)
        return given

    def task(self, job_id: str, task_id: str) -> dict[str, Any]:
        task = self.table.get({"pk": job_id, "sk": f"task#{task_id}"})
        if not task:
            raise UnknownTaskError(f"no task {task_id!r} in job {job_id!r}")
        return task

    def answer(self, job_id: str, task_id: str, worker: str, answer: dict[str, Any]) -> int:
        """Save an answer once and answer how many tasks remain; the last one answers the waiting workflow.

        Raises TaskTakenError when the task is not leased to `worker`, or was answered differently already.
        """
        if not self._save(job_id, task_id, worker, answer):
            saved = self.task(job_id, task_id)
            if saved["status"] != "ANSWERED" or saved["answered_by"] != worker or saved["answer"] != answer:
                raise TaskTakenError(f"task {task_id!r} is not yours any more; ask for the next one")
        remaining = int(self.job(job_id)["remaining"])
        if remaining == 0:
            self._close(job_id)
        return remaining

    def _save(self, job_id: str, task_id: str, worker: str, answer: dict[str, Any]) -> bool:
        """Write the answer and count it in one transaction; False when the task is not open for this worker."""
        task = self.table.update_request(
            {"pk": job_id, "sk": f"task#{task_id}"},
            "SET #status = :answered, #answer = :answer, #answered_by = :worker, #answered_at = :now"
            " REMOVE #open_job, #available_at",
            {
                "answered": "ANSWERED",
                "answer": answer,
                "worker": worker,
                "open": "OPEN",
                "now": int(time.time() * 1000),
            },
            condition="#status = :open AND #leased_by = :worker",
        )
        count = self.table.update_request({"pk": job_id, "sk": "job"}, "ADD #remaining :less", {"less": -1})
        for attempt in range(TRANSACTION_TRIES):
            try:
                client.transact_write_items(TransactItems=[{"Update": task}, {"Update": count}])
                return True
            except client.exceptions.TransactionCanceledException as error:
                codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if "ConditionalCheckFailed" in codes:
                    return False
                if "TransactionConflict" not in codes or attempt == TRANSACTION_TRIES - 1:
                    raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # another answer of the same job is being counted
        return False

    def cancel(self, job_id: str) -> None:
        """Take a job off the list: its workflow has ended and waits for no answer."""
        self.table.update(
            {"pk": job_id, "sk": "job"},
            "SET #status = :done REMOVE #open_jobs",
            {"done": "DONE"},
            condition="attribute_exists(pk)",
        )

    def _close(self, job_id: str, *, again: bool = False) -> None:
        """Write the job's answers to S3 and answer its workflow. One caller at a time; a dead one is replaced.

        `again`: also when that was done before, because the workflow asks anew with another token.
        """
        now = int(time.time() * 1000)
        values = {"closing": "CLOSING", "open": "OPEN", "now": now, "stale": now - CLOSING_SECONDS * 1000}
        job = self.table.update(
            {"pk": job_id, "sk": "job"},
            "SET #status = :closing, #closing_at = :now",
            values | ({"done": "DONE"} if again else {}),
            condition="#status = :open OR (#status = :closing AND #closing_at < :stale)"
            + (" OR #status = :done" if again else ""),
        )
        if not job:
            return
        try:
            self._answer_workflow(job)
        except Exception:  # whatever it was: the next answer or request tries again
            self.table.update(
                {"pk": job_id, "sk": "job"},
                "SET #status = :open, #open_jobs = :open",
                {"open": "OPEN", "closing": "CLOSING"},
                condition="#status = :closing",
            )
            raise

    def _answer_workflow(self, job: dict[str, Any]) -> None:
        job_id = job["pk"]
        tasks = self.table.query(
            None, "#pk = :job AND begins_with(#sk, :task)", {"job": job_id, "task": "task#"}, ConsistentRead=True
        )
        lines = [{**task["image"], **task["answer"], "worker": task["answered_by"]} for task in tasks]
        uri = self.artifacts.write_lines(job["output_key"], lines)
        output = json.dumps({"job_id": job_id, "answers": len(lines), "answers_uri": uri})
        while True:
            _send_success(job["task_token"], output)
            done = self.table.update(
                {"pk": job_id, "sk": "job"},
                "SET #status = :done REMOVE #open_jobs",
                {"done": "DONE", "token": job["task_token"]},
                condition="#task_token = :token",
            )
            if done:
                return
            job = self.job(job_id)  # the workflow asked anew meanwhile: its new token is the one it waits for


def _send_success(token: str, output: str) -> None:
    try:
        _step_functions.send_task_success(taskToken=token, output=output)
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE_TOKENS:  # a workflow that is gone waits for nothing
            raise
