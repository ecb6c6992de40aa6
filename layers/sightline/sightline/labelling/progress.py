"""How far a job is: who has answered how much of it, and how fast."""

from collections.abc import Sequence
from typing import TypedDict

from sightline.labelling.tasks import WorkerCount


class WorkerProgress(TypedDict):
    answers: int
    per_hour: float | None  # None for fewer than two answers


class Progress(TypedDict):
    """The progress of a job, of all and of each person."""

    workers: dict[str, WorkerProgress]
    answers: int
    per_hour: float | None


def progress(workers: Sequence[WorkerCount]) -> Progress:
    """Return who has answered how much of a job, and how fast.

    The speed is measured between the first and the last answer; None for fewer than two.
    """
    each: dict[str, WorkerProgress] = {
        entry.worker: {
            "answers": entry.answers,
            "per_hour": _per_hour(entry.answers, entry.first_at, entry.last_at),
        }
        for entry in workers
    }
    answers = sum(entry.answers for entry in workers)
    first = min((entry.first_at for entry in workers), default=0)
    last = max((entry.last_at for entry in workers), default=0)
    return {"workers": each, "answers": answers, "per_hour": _per_hour(answers, first, last)}


def _per_hour(answers: int, first: int, last: int) -> float | None:
    return round((answers - 1) * 3_600_000 / (last - first), 1) if answers > 1 and last > first else None
