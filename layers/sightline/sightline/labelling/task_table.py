"""The items of labelling jobs in DynamoDB, and what is read of them.

All items of a job have its id as `pk`. Their `sk` is `job`, `task#<image id>` or `answer#<image id>#<worker>`. Who has
answered how much stands beside them, under `<job id>#workers`: people look at the progress of large jobs often.
"""

import json
import time
from typing import cast

from sightline.aws.clients import Aws
from sightline.aws.table import Table
from sightline.labelling.lines import Answer
from sightline.labelling.tasks import Job, Task, UnknownTaskError

MAX_ID = 256  # characters; ids have at most a hundred


def job_key(job_id: str) -> dict[str, str]:
    return {"pk": _known_size(job_id), "sk": "job"}


def task_key(job_id: str, task_id: str) -> dict[str, str]:
    return {"pk": _known_size(job_id), "sk": f"task#{_known_size(task_id)}"}


def answer_key(job_id: str, task_id: str, worker: str) -> dict[str, str]:
    return {"pk": job_id, "sk": f"answer#{task_id}#{worker}"}


def worker_key(job_id: str, worker: str) -> dict[str, str]:
    return {"pk": f"{_known_size(job_id)}#workers", "sk": worker}


def _known_size(name: str) -> str:
    """Return an id as it is. Raise UnknownTaskError for one longer than any: DynamoDB would refuse the key itself."""
    if len(name) > MAX_ID:
        raise UnknownTaskError(f"no job or task has a name of {len(name)} characters")
    return name


def as_text(value: object) -> str:
    """Images and answers are kept as JSON text: DynamoDB's own numbers cost ten times the time for a thousand boxes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


class TaskTable:
    """The table of a stack's jobs and tasks."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.items = Table(aws, name)

    def job(self, job_id: str) -> Job:
        """Return a job. Raise UnknownTaskError."""
        item = self.items.get(job_key(job_id))
        if not item:
            raise UnknownTaskError(f"no job {job_id!r}; GET /jobs lists the open ones")
        return Job.from_item(item)

    def task(self, job_id: str, task_id: str) -> Task:
        """Return a task. Raise UnknownTaskError."""
        item = self.items.get(task_key(job_id, task_id))
        if not item:
            raise UnknownTaskError(f"no task {task_id!r} in job {job_id!r}")
        return Task.from_item(item)

    def answer_text(self, job_id: str, task_id: str, worker: str) -> str | None:
        """Return the answer of `worker` as it is kept, None where there is none."""
        item = self.items.get(answer_key(job_id, task_id, worker))
        return str(item["answer"]) if item else None

    def answer(self, job_id: str, task_id: str, worker: str) -> Answer | None:
        """Return what `worker` has answered, or None."""
        text = self.answer_text(job_id, task_id, worker)
        return None if text is None else read_answer(text)


def read_answer(text: str) -> Answer:
    """Return an answer of an item. It was checked when it was sent (answer_checks.py)."""
    return cast(Answer, json.loads(text))
