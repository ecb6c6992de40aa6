"""Labelling jobs and their tasks, and how a task lives.

1. A workflow opens a job (`jobs.py`): one task for each image, free, in a queue by rank (`queues.py`).
2. A person leases a task for some minutes (`leases.py`): nobody else gets it until the lease is over or given back.
3. The person answers (`answers.py`): the answer is saved and counted once. A task that wants more people's answers is
   free again, in the queue for those who have not answered it; one that has all of them is done.
4. The last answer of a job tells the workflow that waits (`closing.py`), once, whoever dies while doing so.

This module holds the records. `task_table.py` says which items they are.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sightline import names
from sightline.errors import SightlineError
from sightline.fields import Fields
from sightline.labelling.lines import AskedImage, asked_image


class JobKind(StrEnum):
    """What people are asked to do."""

    LABELING = "labeling"  # draw boxes
    VERIFICATION = "verification"  # approve or reject boxes


class JobStatus(StrEnum):
    """Where a job stands: the value of `status` in its item."""

    OPEN = "OPEN"  # takes answers
    CLOSING = "CLOSING"  # somebody is telling its workflow that all is answered
    DONE = "DONE"
    WITHDRAWN = "WITHDRAWN"  # its workflow ended before all was answered; the answers count in the next job


class TaskStatus(StrEnum):
    """Whether a task wants more answers: the value of `status` in its item."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"


class UnknownTaskError(SightlineError):
    """No such job or task."""


class TaskTakenError(SightlineError):
    """The task is leased to, or was answered by, somebody else, or its job is over."""


class JobWithdrawnError(SightlineError):
    """The job's workflow has ended, and its images were given back: somebody has redriven it."""


class WorkflowUntoldError(SightlineError):
    """The last answer is saved, but nobody knows yet whether the job's workflow has heard of it: send it again."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as a workflow opens it."""

    job_id: str
    kind: JobKind
    round: int  # from 1
    classes: tuple[str, ...]
    annotators: int  # how many people each task wants
    task_token: str  # by which the workflow that waits is answered

    @classmethod
    def of_round(cls, kind: JobKind, event: Mapping[str, object], *, classes: Sequence[str], annotators: int) -> Self:
        """Read `job_id`, `round` and `task_token` of a workflow's request. Raise InvalidFieldError."""
        fields = Fields(event, "in the request to open a job")
        number = fields.whole("round", 1)
        job_id = names.task_job(fields.text("job_id"), kind, number)
        return cls(job_id, kind, number, tuple(classes), annotators, fields.text("task_token"))

    def to_item(self) -> dict[str, object]:
        """Return the attributes of the job's item that never change, and the token."""
        return {
            "job_id": self.job_id,
            "kind": self.kind.value,
            "round": self.round,
            "classes": list(self.classes),
            "annotators": self.annotators,
            "task_token": self.task_token,
        }


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands."""

    job_id: str
    kind: JobKind
    round: int  # from 1
    classes: tuple[str, ...]
    annotators: int  # how many people each task wants
    task_token: str
    status: JobStatus
    created_at: int  # milliseconds since 1970
    total: int  # tasks
    remaining: int  # tasks that want answers
    answered: int  # answers
    skipped: int  # answers that skip
    agreement_sum: float  # of the `agreements` tasks of which it is known
    agreements: int
    groups: tuple[str, ...]  # sets of people who have answered a task that wants more answers (queues.group_of)

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        """Read a job's item. Raise InvalidFieldError naming the field, its value and what it should be."""
        fields = Fields(item, f"in the item of job {item.get('pk')!r:.80}")
        return cls(
            job_id=fields.text("pk"),
            kind=fields.choice("kind", JobKind),
            round=fields.whole("round", 1),
            classes=fields.texts("classes"),
            annotators=fields.whole("annotators", 1),
            task_token=fields.text("task_token"),
            status=fields.choice("status", JobStatus),
            created_at=fields.whole("created_at", 0),
            total=fields.whole("total", 0),
            remaining=fields.whole("remaining", 0),
            answered=fields.whole("answered", 0),
            skipped=fields.whole("skipped", 0),
            agreement_sum=fields.number("agreement_sum", -1, default=0),
            agreements=fields.whole("agreements", 0, default=0),
            groups=fields.texts("groups"),
        )

    @property
    def agreement(self) -> float | None:
        """Return the mean agreement of the finished tasks, 0..1; None where it is not known of any."""
        return self.agreement_sum / self.agreements if self.agreements else None


@dataclass(frozen=True, slots=True)
class Task:
    """The task of one image. Its id is the image's."""

    image: AskedImage
    rank: int  # 0..1,000,000: the lowest comes first
    annotators: tuple[str, ...]  # who has answered it, sorted
    leased_by: str | None
    lease_until: int | None  # milliseconds since 1970, None while nobody has it
    agreement: float | None  # 0..1, once all have answered, of two or more labels

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        """Read a task's item. Raise InvalidFieldError naming the field, its value and what it should be."""
        fields = Fields(item, f"in the item {item.get('sk')!r:.90} of job {item.get('pk')!r:.80}")
        leased = "leased_by" in item
        return cls(
            image=asked_image(json.loads(fields.text("image"))),
            rank=fields.whole("rank", 0),
            annotators=fields.texts("annotators"),
            leased_by=fields.text("leased_by") if leased else None,
            lease_until=fields.whole("position", 0) if leased else None,
            agreement=fields.number("agreement", 0, 1) if "agreement" in item else None,
        )


@dataclass(frozen=True, slots=True)
class WorkerCount:
    """How much one person has answered in a job. Moments in milliseconds since 1970."""

    worker: str
    answers: int
    first_at: int
    last_at: int

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        """Read a person's count in a job. Raise InvalidFieldError."""
        fields = Fields(item, f"in the count of {item.get('sk')!r:.80} in {item.get('pk')!r:.80}")
        return cls(
            fields.text("worker"),
            fields.whole("answers", 0),
            fields.whole("first_at", 0),
            fields.whole("last_at", 0),
        )
