"""Leases: a task is one person's for some minutes, and comes back when that person leaves."""

import random
import time

from sightline.aws.clients import Aws
from sightline.labelling.closing import Closing
from sightline.labelling.queues import Allows, Place, candidates, closed_to, free_queue, leased_queue
from sightline.labelling.task_table import TaskTable, now, task_key
from sightline.labelling.tasks import JobStatus, Task, TaskStatus, TaskTakenError

SPARE = 8  # tasks looked at beyond those asked for, so that several people do not race for the same ones
NEXT_TRIES = 5


class Leases:
    """Who has which task of a stack's jobs."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = TaskTable(aws, table)
        self.closing = Closing(aws, table)

    def next(
        self, job_id: str, worker: str, lease_seconds: int, count: int, allows: Allows = lambda *_: True
    ) -> list[Task]:
        """Lease up to `count` tasks to `worker` for `lease_seconds`; fewer when there are no more at the moment.

        `allows` says whether a person may verify what some people drew. Those that `worker` holds come first, then
        those whose lease is over, then the free ones by rank.
        """
        job = self.table.job(job_id)
        self.closing.make_up(job)
        if job.status != JobStatus.OPEN:
            return []
        given: dict[str, Task] = {}
        for attempt in range(NEXT_TRIES):
            found = candidates(self.table.items, job, worker, count + SPARE, now(), allows, lease_seconds=lease_seconds)
            for place in found:
                if len(given) == count:
                    break
                leased = None if place.sk in given else self._lease(job_id, place, worker, lease_seconds)
                if leased and not allows(worker, leased.image.get("annotated_by", [])):
                    self.release(job_id, leased.image["image_id"], worker)  # its lease was over: somebody else's turn
                elif leased:
                    given[place.sk] = leased
            if len(given) == count or not found or (given and len(found) < count + SPARE):
                break
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # others were faster with every one of them
        return list(given.values())

    def _lease(self, job_id: str, place: Place, worker: str, seconds: int) -> Task | None:
        """Lease a task as the index showed it. Return None when it has changed since."""
        leased = self.table.items.update(
            {"pk": job_id, "sk": place.sk},
            "SET #queue = :leased, #position = :until, #leased_by = :worker",
            {
                "leased": leased_queue(job_id),
                "until": now() + seconds * 1000,
                "worker": worker,
                "open": TaskStatus.OPEN.value,
                "seen_queue": place.queue,
                "seen_position": place.position,
            },
            condition="#status = :open AND #queue = :seen_queue AND #position = :seen_position",
        )
        return Task.from_item(leased) if leased else None

    def renew(self, job_id: str, task_id: str, worker: str, lease_seconds: int) -> int:
        """Keep a leased task for `lease_seconds` more. Return until when. Raise TaskTakenError."""
        until = now() + lease_seconds * 1000
        kept = self.table.items.update(
            task_key(job_id, task_id),
            "SET #position = :until",
            {"until": until, "worker": worker, "open": TaskStatus.OPEN.value},
            condition="#status = :open AND #leased_by = :worker",
        )
        if not kept:
            self.table.task(job_id, task_id)
            raise TaskTakenError(f"task {task_id!r} is not yours any more; ask for the next one")
        return until

    def release(self, job_id: str, task_id: str, worker: str, until: int | None = None) -> None:
        """Give a leased task back; doing so again changes nothing. Raise TaskTakenError when another one has it.

        `until` is when the lease would end: one that `worker` got anew meanwhile, in another tab or after a reload,
        stays.
        """
        task = self.table.task(job_id, task_id)
        values = {
            "free": free_queue(job_id, closed_to(task.image, task.annotators)),
            "rank": task.rank,
            "worker": worker,
            "open": TaskStatus.OPEN.value,
        }
        freed = self.table.items.update(
            task_key(job_id, task_id),
            "SET #queue = :free, #position = :rank REMOVE #leased_by",
            values | ({} if until is None else {"until": until}),
            condition="#status = :open AND #leased_by = :worker" + ("" if until is None else " AND #position = :until"),
        )
        if not freed and task.leased_by not in (None, worker):
            raise TaskTakenError(f"task {task_id!r} is not yours; {task.leased_by!r} has it")
