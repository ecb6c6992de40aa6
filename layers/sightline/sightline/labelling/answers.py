"""Answers: each counts once, however often it is sent, and its sender may replace it while the job is open."""

import json
from collections.abc import Iterator, Mapping

from sightline.aws.clients import Aws
from sightline.labelling.closing import Closing
from sightline.labelling.consolidation import consolidate
from sightline.labelling.lines import Answer, AskedImage, GivenAnswer, asked_image
from sightline.labelling.queues import free_queue, group_of
from sightline.labelling.task_table import (
    TaskTable,
    answer_key,
    as_text,
    job_key,
    now,
    read_answer,
    task_key,
    worker_key,
)
from sightline.labelling.tasks import JobStatus, Task, TaskStatus, TaskTakenError, WorkflowUntoldError

REPLACE_TRIES = 5


class Answers:
    """What people have answered in a stack's jobs."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = TaskTable(aws, table)
        self.closing = Closing(aws, table)

    def own(self, job_id: str, task_id: str, worker: str) -> Answer | None:
        """Return what `worker` has answered, or None."""
        return self.table.answer(job_id, task_id, worker)

    def by_task(self, job_id: str) -> Iterator[tuple[AskedImage, list[GivenAnswer]]]:
        """Return each task's image with its answers: read page by page, in the order of the image ids."""
        rest = self._pages(job_id, "answer#")
        item = next(rest, None)
        for task in self._pages(job_id, "task#"):
            image = asked_image(json.loads(str(task["image"])))
            given: list[GivenAnswer] = []
            while item and item["task_id"] == image["image_id"]:
                given.append({**read_answer(str(item["answer"])), "worker": str(item["worker"])})
                item = next(rest, None)
            yield image, given

    def _pages(self, job_id: str, kind: str) -> Iterator[Mapping[str, object]]:
        condition = "#pk = :job AND begins_with(#sk, :kind)"
        return self.table.items.each(None, condition, {"job": job_id, "kind": kind}, ConsistentRead=True)

    def save(self, job_id: str, task_id: str, worker: str, answer: Answer) -> int:
        """Save an answer once. Return how many tasks remain; the last one answers the waiting workflow.

        An own answer is replaced as long as the job is open. Raise TaskTakenError when the task is not leased to
        `worker`, or the job is over, and WorkflowUntoldError while another one is telling the workflow: should that one
        die, whoever sends the answer again tells it.
        """
        task = self.table.task(job_id, task_id)
        if not self._save_first(job_id, task, worker, answer) and not self._replace(job_id, task_id, worker, answer):
            raise TaskTakenError(f"task {task_id!r} is not yours any more, or its job is over; ask for the next one")
        job = self.table.job(job_id)
        if job.annotators > 1:
            self._note_agreement(job_id, task_id, job.annotators)
        if job.remaining == 0 and not self.closing.close(job_id):
            raise WorkflowUntoldError("the answer is saved and the job is being finished; send it again in a moment")
        return job.remaining

    def _save_first(self, job_id: str, task: Task, worker: str, answer: Answer) -> bool:
        """Write a first answer and count it in one transaction. Return False when the task is not open for `worker`."""
        if worker in task.annotators or task.leased_by != worker:
            return False
        task_id, moment = task.image["image_id"], now()
        group = group_of([*task.annotators, worker])
        done = len(task.annotators) + 1 >= self.table.job(job_id).annotators
        if done:
            what = "SET #status = :answered REMOVE #queue, #position, #leased_by ADD #annotators :workers"
            values = {"answered": TaskStatus.ANSWERED.value}
        else:
            what = "SET #queue = :free, #position = #rank REMOVE #leased_by ADD #annotators :workers"
            values = {"free": free_queue(job_id, group)}
        count = "ADD #answered :one, #remaining :less, #skipped :skip" + ("" if done else ", #groups :groups")
        counted: dict[str, object] = {"one": 1, "less": -int(done), "skip": int("skip" in answer)}
        update, open_job = self.table.items.update_request, JobStatus.OPEN.value
        return self.table.items.transact(
            update(
                task_key(job_id, task_id),
                what,
                {**values, "workers": {worker}, "worker": worker, "open": TaskStatus.OPEN.value},
                condition="#status = :open AND #leased_by = :worker",
            ),
            update(
                answer_key(job_id, task_id, worker),
                "SET #answer = :answer, #worker = :worker, #task_id = :task, #answered_at = :now",
                {"answer": as_text(answer), "worker": worker, "task": task_id, "now": moment},
                condition="attribute_not_exists(pk)",
            ),
            update(
                job_key(job_id),
                count,
                counted | {"open": open_job} | ({} if done else {"groups": {group}}),
                condition="#status = :open",
            ),
            update(
                worker_key(job_id, worker),
                "ADD #answers :one SET #worker = :worker, #first_at = if_not_exists(#first_at, :now), #last_at = :now",
                {"one": 1, "worker": worker, "now": moment},
            ),
        )

    def _replace(self, job_id: str, task_id: str, worker: str, answer: Answer) -> bool:
        """Put another answer in the place of an own one; the same one again changes nothing. Return False without one.

        False also when the job is over.
        """
        text = as_text(answer)
        for _ in range(REPLACE_TRIES):
            known = self.table.answer_text(job_id, task_id, worker)
            if known is None or known == text:
                return known is not None
            if self._replace_known(job_id, task_id, worker, answer, known):
                return True
        return False

    def _replace_known(self, job_id: str, task_id: str, worker: str, answer: Answer, known: str) -> bool:
        """Return False when the answer is not the `known` one any more, because the same person sent two at once, or
        the job is over.
        """
        skips = int("skip" in answer) - int("skip" in read_answer(known))
        return self.table.items.transact(
            self.table.items.update_request(
                answer_key(job_id, task_id, worker),
                "SET #answer = :answer, #answered_at = :now",
                {"answer": as_text(answer), "now": now(), "seen": known},
                condition="#answer = :seen",
            ),
            self.table.items.update_request(
                job_key(job_id),
                "ADD #skipped :skips",
                {"skips": skips, "open": JobStatus.OPEN.value},
                condition="#status = :open",
            ),
        )

    def _note_agreement(self, job_id: str, task_id: str, annotators: int) -> None:
        """Add a finished task's agreement to the job's, for people to see; what counts is consolidated at the end."""
        task = self.table.task(job_id, task_id)
        given = [self.own(job_id, task_id, worker) for worker in task.annotators]
        boxes = [entry["annotations"] for entry in given if entry and "annotations" in entry]
        if len(given) < annotators or len(boxes) < 2:
            return
        agreement = round(consolidate(boxes).agreement, 4)
        self.table.items.update(task_key(job_id, task_id), "SET #agreement = :agreement", {"agreement": agreement})
        self.table.items.update(
            job_key(job_id),
            "ADD #agreement_sum :more, #agreements :one",
            {"more": agreement - (task.agreement or 0), "one": int(task.agreement is None)},
        )
