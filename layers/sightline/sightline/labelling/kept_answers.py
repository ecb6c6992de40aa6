"""Answers of jobs whose execution ended before its work was done: they count in the next job that asks the same.

A label that was given counts as the image's label of the first round. A verdict counts only where it is about exactly
the label that is to be verified.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from sightline import names
from sightline.aws.clients import Aws
from sightline.labelling.answers import Answers
from sightline.labelling.lines import AskedImage, GivenAnswer
from sightline.labelling.queues import NOBODY, closed_to, free_queue
from sightline.labelling.task_table import answer_key, as_text, now, task_key
from sightline.labelling.tasks import JobKind, NewJob, TaskStatus

Asked: TypeAlias = tuple[AskedImage, list[GivenAnswer]]  # an image as it was asked, and what people said


@dataclass(slots=True)
class Tally:
    """What a fresh job begins with: the counts of its item."""

    total: int = 0
    remaining: int = 0
    answered: int = 0
    skipped: int = 0
    groups: set[str] = field(default_factory=set)

    def to_item(self) -> dict[str, object]:
        """Return the attributes of the job's item."""
        counts: dict[str, object] = {
            "total": self.total, "remaining": self.remaining, "answered": self.answered, "skipped": self.skipped,
        }  # fmt: skip
        return counts | ({"groups": self.groups} if self.groups else {})  # DynamoDB has no empty set


class KeptAnswers:
    """The answers of a stack's withdrawn jobs."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.answers = Answers(aws, table)

    def tasks(self, job: NewJob, images: Iterable[AskedImage], tally: Tally) -> Iterator[dict[str, object]]:
        """Return the items of a fresh job's tasks, and of the answers that they have already. Count them in `tally`."""
        read: dict[str, dict[str, Asked]] = {}  # by the labelling job that had the images before
        for image in images:
            earlier = image.get("earlier_job", "") if job.round == 1 else ""
            if earlier and earlier not in read:
                read[earlier] = self._last_round(job.kind, earlier)
            image, given = _as_it_was(job.kind, image, read.get(earlier, {}).get(image["image_id"]))
            yield from _items(job, image, given, tally)

    def _last_round(self, kind: JobKind, earlier: str) -> dict[str, Asked]:
        """Return each image of a labelling as it was asked last, with the answers to that."""
        found: dict[str, Asked] = {}
        number = 0
        while True:
            number += 1
            asked = list(self.answers.by_task(names.task_job(earlier, kind, number)))
            found |= {image["image_id"]: (image, given) for image, given in asked}
            if not asked:
                return found


def _as_it_was(kind: JobKind, image: AskedImage, before: Asked | None) -> Asked:
    """Return an image as it is to be asked, with the answers that count."""
    if before is None:
        return image, []
    asked, given = before
    if kind == JobKind.VERIFICATION:
        return image, given if asked.get("annotations") == image.get("annotations") else []
    if given or not asked.get("reason"):
        return image, given
    # Its label was rejected, and nobody has mended it yet.
    return cast(AskedImage, {**image, "annotations": asked.get("annotations"), "reason": asked["reason"]}), []


def _items(job: NewJob, image: AskedImage, given: list[GivenAnswer], tally: Tally) -> Iterator[dict[str, object]]:
    image_id, rank, workers = image["image_id"], image.get("rank", 0), sorted(str(one.get("worker")) for one in given)
    done, group = len(workers) >= job.annotators, closed_to(image, workers)
    item = {**task_key(job.job_id, image_id), "image": as_text(image), "rank": rank}
    if workers:
        item["annotators"] = set(workers)
    if done:
        yield item | {"status": TaskStatus.ANSWERED.value}
    else:
        place = {"queue": free_queue(job.job_id, group), "position": rank}
        yield item | {"status": TaskStatus.OPEN.value, **place}
        tally.groups |= {group} - {NOBODY}
    for answer in given:
        worker = str(answer.get("worker"))
        text = as_text({name: value for name, value in answer.items() if name != "worker"})
        about = {"answer": text, "worker": worker, "task_id": image_id, "answered_at": now()}
        yield {**answer_key(job.job_id, image_id, worker), **about}
    tally.total += 1
    tally.remaining += int(not done)
    tally.answered += len(given)
    tally.skipped += sum("skip" in answer for answer in given)
