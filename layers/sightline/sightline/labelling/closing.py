"""The end of a job: its waiting workflow is told, once, that every task is answered, whoever dies while telling it."""

from contextlib import suppress

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.aws.workflows import Callbacks
from sightline.labelling.task_table import TaskTable, as_text, job_key, now
from sightline.labelling.tasks import Job, JobStatus

CLOSING_SECONDS = 120  # after this a job that was being closed is closed again: whoever did it has died


class Closing:
    """Closes jobs whose tasks are all answered."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = TaskTable(aws, table)
        self.callbacks = Callbacks(aws)

    def make_up(self, job: Job) -> None:
        """Tell the workflow of a job, as it was read, what somebody who has died left untold."""
        if job.remaining == 0 and job.status != JobStatus.DONE:
            with suppress(ClientError):  # whoever reads jobs can do without; the next one tries again
                self.close(job.job_id)

    def close(self, job_id: str, *, again: bool = False) -> bool:
        """Tell the job's workflow that all is answered. Return False while another one is about it.

        A dead one is replaced. `again`: also when that was done before, because the workflow asks anew with another
        token.
        """
        moment = now()
        values = {
            "closing": JobStatus.CLOSING.value,
            "open": JobStatus.OPEN.value,
            "now": moment,
            "stale": moment - CLOSING_SECONDS * 1000,
        }
        item = self.table.items.update(
            job_key(job_id),
            "SET #status = :closing, #closing_at = :now",
            values | ({"done": JobStatus.DONE.value} if again else {}),
            condition="#status = :open OR (#status = :closing AND #closing_at < :stale)"
            + (" OR #status = :done" if again else ""),
        )
        if not item:
            return self.table.job(job_id).status == JobStatus.DONE
        try:
            self._answer_workflow(Job.from_item(item))
        except Exception:  # whatever it was: the next answer or request tries again
            self.table.items.update(
                job_key(job_id),
                "SET #status = :open, #open_jobs = :open",
                {"open": JobStatus.OPEN.value, "closing": JobStatus.CLOSING.value},
                condition="#status = :closing",
            )
            raise
        return True

    def _answer_workflow(self, job: Job) -> None:
        output = as_text({"job_id": job.job_id, "tasks": job.total})
        while True:
            self.callbacks.succeed(job.task_token, output)  # a workflow that is gone waits for nothing
            done = self.table.items.update(
                job_key(job.job_id),
                "SET #status = :done REMOVE #open_jobs",
                {"done": JobStatus.DONE.value, "token": job.task_token},
                condition="#task_token = :token",
            )
            if done:
                return
            job = self.table.job(job.job_id)  # the workflow asked anew meanwhile: its new token is the one it waits for
