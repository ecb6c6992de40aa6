"""Labelling and verification jobs: opened by a workflow, withdrawn when it ends, listed and read by people."""

from collections.abc import Iterable

from sightline import names
from sightline.aws.clients import Aws
from sightline.labelling.closing import Closing
from sightline.labelling.endings import Endings
from sightline.labelling.kept_answers import KeptAnswers, Tally
from sightline.labelling.lines import AskedImage
from sightline.labelling.task_table import TaskTable, job_key, now, worker_key
from sightline.labelling.tasks import Job, JobStatus, JobWithdrawnError, NewJob, Task, WorkerCount

OPEN_JOBS = "open_jobs"


class Jobs:
    """All labelling and verification jobs of a stack."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = TaskTable(aws, table)
        self.closing = Closing(aws, table)
        self.endings = Endings(aws, table)
        self.kept = KeptAnswers(aws, table)

    def open(self, job: NewJob, images: Iterable[AskedImage]) -> int:
        """Open a job of one task for each image; its token is answered when all are done. Return how many.

        Answers of an earlier job count that was withdrawn. A repeated call keeps the answers that are there and takes
        the newer token. A job without images, or one that is done, is answered at once. Raise JobWithdrawnError.
        """
        item = self.table.items.update(
            job_key(job.job_id), "SET #task_token = :token", {"token": job.task_token}, condition="attribute_exists(pk)"
        )
        known = Job.from_item(item) if item else None
        if known:
            total, remaining = known.total, known.remaining
        else:
            # The job's own item comes last: until then nobody sees its tasks, and a repeated call may write them again.
            tally = Tally()
            self.table.items.put_all(self.kept.tasks(job, images, tally))
            state = {"status": JobStatus.OPEN.value, "open_jobs": "OPEN", "created_at": now()}
            self.table.items.put({**job_key(job.job_id), **job.to_item(), **tally.to_item(), **state})
            total, remaining = tally.total, tally.remaining
        if self.endings.has_ended(names.labelling_job(job.job_id)):  # asked last, when everybody can see the job
            self.withdraw(job.job_id)
            raise JobWithdrawnError(
                f"{job.job_id} is withdrawn: its execution had ended, and its images and answers go to the next one; "
                "start another labelling"
            )
        if remaining == 0:
            self.closing.close(job.job_id, again=True)
        return total

    def withdraw(self, job_id: str) -> Job | None:
        """Take a job off the list: its workflow has ended and waits for no answer. Those that were given stay.

        Return the job, None where it was not open.
        """
        item = self.table.items.update(
            job_key(job_id),
            "SET #status = :withdrawn REMOVE #open_jobs",
            {"withdrawn": JobStatus.WITHDRAWN, "done": JobStatus.DONE},
            condition="attribute_exists(pk) AND NOT #status IN (:withdrawn, :done)",
        )
        return Job.from_item(item) if item else None

    def was_opened(self, job_id: str) -> bool:
        """Return whether there is or was such a job."""
        return self.table.items.get(job_key(job_id)) is not None

    def open_ones(self) -> list[Job]:
        """Return the open jobs, oldest first."""
        found = self.table.items.query(OPEN_JOBS, "#open_jobs = :open", {"open": "OPEN"})
        jobs = [Job.from_item(item) for item in found]
        for job in jobs:
            self.closing.make_up(job)
        return jobs

    def job(self, job_id: str) -> Job:
        """Return a job. Raise UnknownTaskError."""
        return self.table.job(job_id)

    def task(self, job_id: str, task_id: str) -> Task:
        """Return a task of a job. Raise UnknownTaskError."""
        return self.table.task(job_id, task_id)

    def workers(self, job_id: str) -> list[WorkerCount]:
        """Return who has answered how much."""
        condition, values = "#pk = :workers", {"workers": worker_key(job_id, "")["pk"]}
        found = self.table.items.query(None, condition, values, ConsistentRead=True)
        return [WorkerCount.from_item(item) for item in found]

    def answered(self, job_id: str, worker: str) -> int:
        """Return how many tasks `worker` has answered."""
        found = self.table.items.get(worker_key(job_id, worker))
        return WorkerCount.from_item(found).answers if found else 0
