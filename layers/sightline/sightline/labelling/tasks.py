"""Labelling and verification tasks in DynamoDB: opened by a workflow, leased to one person at a time, counted once.

All items of a job have its id as `pk`. Their `sk` is `job`, `task#<image id>` or `answer#<image id>#<worker>`. Who has
answered how much stands beside them, under `<job id>#workers`.
A task that wants another answer stands in the index `queues` by `queue` and `position`. One queue holds the leased
tasks of a job by the moment at which the lease ends. The others hold the free ones by `rank`, the lowest first: one
queue for each set of people who have answered its tasks before. So whatever stands first in a queue without one's own
name can be taken, and asking for the next task costs the same however many there are.
"""

import json
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.aws.table import Table
from sightline.aws.workflows import Callbacks
from sightline.errors import SightlineError
from sightline.labelling.consolidation import consolidate

QUEUES = "queues"
OPEN_JOBS = "open_jobs"
SPARE = 8  # tasks looked at beyond those asked for, so that several people do not race for the same ones
NEXT_TRIES = 5
CLOSING_SECONDS = 120  # after this a job that was being closed is closed again: whoever did it has died
REPLACE_TRIES = 5
MAX_ID = 256  # characters; ids have at most a hundred
NOBODY = "[]"  # the group of people who have answered a fresh task


class UnknownTaskError(SightlineError):
    """No such job or task."""


class TaskTakenError(SightlineError):
    """The task is leased to, or was answered by, somebody else, or its job is over."""


class WorkflowUntoldError(SightlineError):
    """The last answer is saved, but nobody knows yet whether the job's workflow has heard of it: send it again."""


def job_key(job_id: str) -> dict[str, str]:
    return {"pk": _known_size(job_id), "sk": "job"}


def task_key(job_id: str, task_id: str) -> dict[str, str]:
    return {"pk": _known_size(job_id), "sk": f"task#{_known_size(task_id)}"}


def _known_size(name: str) -> str:
    """An id as it is. Raises UnknownTaskError for one that is longer than any: DynamoDB would refuse the key itself."""
    if len(name) > MAX_ID:
        raise UnknownTaskError(f"no job or task has a name of {len(name)} characters")
    return name


def answer_key(job_id: str, task_id: str, worker: str) -> dict[str, str]:
    return {"pk": job_id, "sk": f"answer#{task_id}#{worker}"}


def worker_key(job_id: str, worker: str) -> dict[str, str]:
    """Beside the job's tasks, not among them: people look at the progress of large jobs often."""
    return {"pk": f"{_known_size(job_id)}#workers", "sk": worker}


def leased_queue(job_id: str) -> str:
    return f"{job_id}#leased"


def free_queue(job_id: str, group: str) -> str:
    """The queue of the free tasks that exactly `group` has answered: names can be long, a key can't."""
    return f"{job_id}#free" + (f"#{sha256(group.encode()).hexdigest()[:32]}" if group != NOBODY else "")


def group_of(workers: Iterable[str]) -> str:
    return json.dumps(sorted(workers))


def as_text(value: Any) -> str:
    """Images and answers are kept as JSON text: DynamoDB's own numbers cost ten times the time for a thousand boxes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


class Tasks:
    """All labelling and verification jobs of a stack."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = Table(aws, table)
        self.callbacks = Callbacks(aws)

    # ---------------------------------------------------------------------------------------------------------- opening
    def open_job(self, job: dict[str, Any], images: Iterable[dict[str, Any]]) -> int:
        """Open a job of one task for each image, answered by `job["task_token"]` when all are done; answers how many.

        `job` holds `job_id, kind, round, classes, annotators` (how many people each task wants) and `task_token`; an
        image's `rank` says which come first. A repeated call keeps the answers that are there and takes the newer
        token. A job without images, or one that is done, is answered at once.
        """
        job_id = job["job_id"]
        known = self.table.update(
            job_key(job_id), "SET #task_token = :token", {"token": job["task_token"]}, condition="attribute_exists(pk)"
        )
        if known:
            total = int(known["total"])
        else:
            # The job's own item comes last: until then nobody sees its tasks, and a repeated call may write them again.
            total = self.table.put_all(_fresh_task(job_id, image) for image in images)
            counts = {"total": total, "remaining": total, "answered": 0, "skipped": 0}
            state = {"status": "OPEN", "open_jobs": "OPEN", "created_at": now()}
            self.table.put({**job_key(job_id), **job, **counts, **state})
        if total == 0 or (known and known["remaining"] == 0):
            self._close(job_id, again=True)
        return total

    def cancel(self, job_id: str) -> None:
        """Take a job off the list: its workflow has ended and waits for no answer."""
        self.table.update(
            job_key(job_id),
            "SET #status = :done REMOVE #open_jobs",
            {"done": "DONE"},
            condition="attribute_exists(pk)",
        )

    # ---------------------------------------------------------------------------------------------------------- reading
    def jobs(self) -> list[dict[str, Any]]:
        """The open jobs, oldest first."""
        found = self.table.query(OPEN_JOBS, "#open_jobs = :open", {"open": "OPEN"})
        for job in found:
            self._make_up(job)
        return found

    def job(self, job_id: str) -> dict[str, Any]:
        job = self.table.get(job_key(job_id))
        if not job:
            raise UnknownTaskError(f"no job {job_id!r}; GET /jobs lists the open ones")
        return job

    def task(self, job_id: str, task_id: str) -> dict[str, Any]:
        task = self.table.get(task_key(job_id, task_id))
        if not task:
            raise UnknownTaskError(f"no task {task_id!r} in job {job_id!r}")
        return _read(task)

    def own_answer(self, job_id: str, task_id: str, worker: str) -> Any:
        """What `worker` has answered, or None."""
        found = self.table.get(answer_key(job_id, task_id, worker))
        return json.loads(found["answer"]) if found else None

    def workers(self, job_id: str) -> list[dict[str, Any]]:
        """Who has answered how much: items with `worker, answers, first_at, last_at`."""
        return self.table.query(None, "#pk = :workers", {"workers": worker_key(job_id, "")["pk"]}, ConsistentRead=True)

    def answered(self, job_id: str, worker: str) -> int:
        """How many tasks `worker` has answered."""
        found = self.table.get(worker_key(job_id, worker))
        return int(found["answers"]) if found else 0

    def answers(self, job_id: str) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Each task's image with its answers, `{"worker", …}` each: read page by page, in the order of the image
        ids.
        """
        rest = self._pages(job_id, "answer#")
        answer = next(rest, None)
        for task in self._pages(job_id, "task#"):
            image = json.loads(task["image"])
            given = []
            while answer and answer["task_id"] == image["image_id"]:
                given.append({**json.loads(answer["answer"]), "worker": answer["worker"]})
                answer = next(rest, None)
            yield image, given

    def _pages(self, job_id: str, kind: str) -> Iterator[dict[str, Any]]:
        condition = "#pk = :job AND begins_with(#sk, :kind)"
        return self.table.each(None, condition, {"job": job_id, "kind": kind}, ConsistentRead=True)

    # ----------------------------------------------------------------------------------------------------------- leases
    def next(self, job_id: str, worker: str, lease_seconds: int, count: int) -> list[dict[str, Any]]:
        """Lease up to `count` tasks to `worker` for `lease_seconds`; fewer when there are no more at the moment.

        Those that `worker` holds come first, then those whose lease is over, then the free ones by rank.
        """
        job = self.job(job_id)
        self._make_up(job)
        if job["status"] != "OPEN":
            return []
        given: dict[str, dict[str, Any]] = {}
        for attempt in range(NEXT_TRIES):
            found = self._candidates(job, worker, count + SPARE)
            for task in found:
                if len(given) == count:
                    break
                leased = None if task["sk"] in given else self._lease(job_id, task, worker, lease_seconds)
                if leased:
                    given[task["sk"]] = leased
            if len(given) == count or not found or (given and len(found) < count + SPARE):
                break
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # others were faster with every one of them
        return list(given.values())

    def _candidates(self, job: dict[str, Any], worker: str, count: int) -> list[dict[str, Any]]:
        """About `count` tasks that `worker` may have: own leases, leases that are over, free ones."""
        leased = self.table.query(QUEUES, "#queue = :queue", {"queue": leased_queue(job["pk"])})
        moment = now()
        mine = [task for task in leased if task["leased_by"] == worker and task["position"] > moment]
        over = [task for task in leased if task["position"] <= moment and worker not in task.get("annotators", [])]
        random.shuffle(over)
        found = [*mine, *over]
        # Tasks that many have answered come first: they are done sooner, and there are fewer queues to look into.
        groups = sorted(job.get("groups", set()), key=lambda group: (-len(json.loads(group)), group))
        for group in [*groups, NOBODY]:
            missing = count - len(found)
            if missing <= 0:
                break
            if worker in json.loads(group):
                continue
            free = self.table.query(QUEUES, "#queue = :queue", {"queue": free_queue(job["pk"], group)}, missing)
            random.shuffle(free)
            found += free
        return found

    def _lease(self, job_id: str, task: dict[str, Any], worker: str, seconds: int) -> dict[str, Any] | None:
        """Lease a task as the index showed it; None when it has changed since."""
        leased = self.table.update(
            {"pk": job_id, "sk": task["sk"]},
            "SET #queue = :leased, #position = :until, #leased_by = :worker",
            {
                "leased": leased_queue(job_id),
                "until": now() + seconds * 1000,
                "worker": worker,
                "open": "OPEN",
                "seen_queue": task["queue"],
                "seen_position": task["position"],
            },
            condition="#status = :open AND #queue = :seen_queue AND #position = :seen_position",
        )
        return _read(leased) if leased else None

    def renew(self, job_id: str, task_id: str, worker: str, lease_seconds: int) -> int:
        """Keep a leased task for `lease_seconds` more; answers until when. Raises TaskTakenError."""
        until = now() + lease_seconds * 1000
        kept = self.table.update(
            task_key(job_id, task_id),
            "SET #position = :until",
            {"until": until, "worker": worker, "open": "OPEN"},
            condition="#status = :open AND #leased_by = :worker",
        )
        if not kept:
            self.task(job_id, task_id)
            raise TaskTakenError(f"task {task_id!r} is not yours any more; ask for the next one")
        return until

    def release(self, job_id: str, task_id: str, worker: str, until: int | None = None) -> None:
        """Give a leased task back; doing so again changes nothing. Raises TaskTakenError when another one has it.

        `until` is when the lease would end: one that `worker` got anew meanwhile, in another tab or after a reload,
        stays.
        """
        task = self.task(job_id, task_id)
        values = {"free": free_queue(job_id, group_of(task.get("annotators", []))), "rank": task["rank"]}
        freed = self.table.update(
            task_key(job_id, task_id),
            "SET #queue = :free, #position = :rank REMOVE #leased_by",
            {**values, "worker": worker, "open": "OPEN"} | ({} if until is None else {"until": until}),
            condition="#status = :open AND #leased_by = :worker" + ("" if until is None else " AND #position = :until"),
        )
        if not freed and task.get("leased_by") not in (None, worker):
            raise TaskTakenError(f"task {task_id!r} is not yours; {task['leased_by']!r} has it")

    # ---------------------------------------------------------------------------------------------------------- answers
    def answer(self, job_id: str, task_id: str, worker: str, answer: dict[str, Any]) -> int:
        """Save an answer once and answer how many tasks remain; the last one answers the waiting workflow.

        An own answer is replaced as long as the job is open. Raises TaskTakenError when the task is not leased to
        `worker`, or the job is over, and WorkflowUntoldError while another one is telling the workflow: should that one
        die, whoever sends the answer again tells it.
        """
        task, text = self.task(job_id, task_id), as_text(answer)
        if not self._save(job_id, task, worker, text) and not self._replace(job_id, task_id, worker, text):
            raise TaskTakenError(f"task {task_id!r} is not yours any more, or its job is over; ask for the next one")
        job = self.job(job_id)
        if job["annotators"] > 1:
            self._note_agreement(job_id, task_id, job["annotators"])
        if job["remaining"] == 0 and not self._close(job_id):
            raise WorkflowUntoldError("the answer is saved and the job is being finished; send it again in a moment")
        return int(job["remaining"])

    def _save(self, job_id: str, task: dict[str, Any], worker: str, text: str) -> bool:
        """Write a first answer and count it in one transaction; False when the task is not open for this worker."""
        before = sorted(task.get("annotators", []))
        if worker in before or task.get("leased_by") != worker:
            return False
        task_id, moment = task["image"]["image_id"], now()
        group = group_of([*before, worker])
        done = len(before) + 1 >= int(self.job(job_id)["annotators"])
        if done:
            what = "SET #status = :answered REMOVE #queue, #position, #leased_by ADD #annotators :workers"
            values: dict[str, Any] = {"answered": "ANSWERED"}
        else:
            what = "SET #queue = :free, #position = #rank REMOVE #leased_by ADD #annotators :workers"
            values = {"free": free_queue(job_id, group)}
        skip = int("skip" in json.loads(text))
        count = "ADD #answered :one, #remaining :less, #skipped :skip" + ("" if done else ", #groups :groups")
        counted = {"one": 1, "less": -int(done), "skip": skip} | ({} if done else {"groups": {group}})
        return self.table.transact(
            self.table.update_request(
                task_key(job_id, task_id),
                what,
                {**values, "workers": {worker}, "worker": worker, "open": "OPEN"},
                condition="#status = :open AND #leased_by = :worker",
            ),
            self.table.update_request(
                answer_key(job_id, task_id, worker),
                "SET #answer = :answer, #worker = :worker, #task_id = :task, #answered_at = :now",
                {"answer": text, "worker": worker, "task": task_id, "now": moment},
                condition="attribute_not_exists(pk)",
            ),
            self.table.update_request(job_key(job_id), count, {**counted, "open": "OPEN"}, condition="#status = :open"),
            self.table.update_request(
                worker_key(job_id, worker),
                "ADD #answers :one SET #worker = :worker, #first_at = if_not_exists(#first_at, :now), #last_at = :now",
                {"one": 1, "worker": worker, "now": moment},
            ),
        )

    def _replace(self, job_id: str, task_id: str, worker: str, text: str) -> bool:
        """Put another answer in the place of an own one; the same one again changes nothing. False: there is none."""
        for _ in range(REPLACE_TRIES):
            known = self.table.get(answer_key(job_id, task_id, worker))
            if known is None or known["answer"] == text:
                return known is not None
            if self._replace_known(job_id, task_id, worker, text, known):
                return True
        return False  # the job is over

    def _replace_known(self, job_id: str, task_id: str, worker: str, text: str, known: dict[str, Any]) -> bool:
        """False when the answer is not the `known` one any more, because the same person sent two at once, or the job
        is over.
        """
        skips = int("skip" in json.loads(text)) - int("skip" in json.loads(known["answer"]))
        return self.table.transact(
            self.table.update_request(
                answer_key(job_id, task_id, worker),
                "SET #answer = :answer, #answered_at = :now",
                {"answer": text, "now": now(), "seen": known["answer"]},
                condition="#answer = :seen",
            ),
            self.table.update_request(
                job_key(job_id), "ADD #skipped :skips", {"skips": skips, "open": "OPEN"}, condition="#status = :open"
            ),
        )

    def _note_agreement(self, job_id: str, task_id: str, annotators: int) -> None:
        """Add a finished task's agreement to the job's, for people to see; what counts is consolidated at the end."""
        task = self.table.get(task_key(job_id, task_id)) or {}
        given = [self.own_answer(job_id, task_id, worker) for worker in task["annotators"]]
        boxes = [entry["annotations"] for entry in given if "annotations" in entry]
        if len(given) < annotators or len(boxes) < 2:
            return
        agreement = round(consolidate(boxes).agreement, 4)
        self.table.update(task_key(job_id, task_id), "SET #agreement = :agreement", {"agreement": agreement})
        self.table.update(
            job_key(job_id),
            "ADD #agreement_sum :more, #agreements :one",
            {"more": agreement - task.get("agreement", 0), "one": int("agreement" not in task)},
        )

    # ---------------------------------------------------------------------------------------------------------- closing
    def _make_up(self, job: dict[str, Any]) -> None:
        """Tell the workflow of a job, as it was read, what somebody who has died left untold."""
        if job["remaining"] == 0 and job["status"] != "DONE":
            with suppress(ClientError):  # whoever reads jobs can do without; the next one tries again
                self._close(job["pk"])

    def _close(self, job_id: str, *, again: bool = False) -> bool:
        """Tell the job's workflow that all is answered; False while another one is about it. A dead one is replaced.

        `again`: also when that was done before, because the workflow asks anew with another token.
        """
        moment = now()
        values = {"closing": "CLOSING", "open": "OPEN", "now": moment, "stale": moment - CLOSING_SECONDS * 1000}
        job = self.table.update(
            job_key(job_id),
            "SET #status = :closing, #closing_at = :now",
            values | ({"done": "DONE"} if again else {}),
            condition="#status = :open OR (#status = :closing AND #closing_at < :stale)"
            + (" OR #status = :done" if again else ""),
        )
        if not job:
            return bool(self.job(job_id)["status"] == "DONE")
        try:
            self._answer_workflow(job)
        except Exception:  # whatever it was: the next answer or request tries again
            self.table.update(
                job_key(job_id),
                "SET #status = :open, #open_jobs = :open",
                {"open": "OPEN", "closing": "CLOSING"},
                condition="#status = :closing",
            )
            raise
        return True

    def _answer_workflow(self, job: dict[str, Any]) -> None:
        job_id = job["pk"]
        output = as_text({"job_id": job_id, "tasks": job["total"]})
        while True:
            self.callbacks.succeed(job["task_token"], output)  # a workflow that is gone waits for nothing
            done = self.table.update(
                job_key(job_id),
                "SET #status = :done REMOVE #open_jobs",
                {"done": "DONE", "token": job["task_token"]},
                condition="#task_token = :token",
            )
            if done:
                return
            job = self.job(job_id)  # the workflow asked anew meanwhile: its new token is the one it waits for


def _fresh_task(job_id: str, image: dict[str, Any]) -> dict[str, Any]:
    rank = image.get("rank", 0)
    place = {"queue": free_queue(job_id, NOBODY), "position": rank, "rank": rank}
    return {**task_key(job_id, image["image_id"]), "status": "OPEN", "image": as_text(image), **place}


def _read(task: dict[str, Any]) -> dict[str, Any]:
    return {**task, "image": json.loads(task["image"])}
