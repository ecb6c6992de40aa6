"""What people answered in a labelling that ended early is not asked again, and what they did not say is not taken for
said.
"""

from typing import Any

import pytest

from sightline.labelling.answers import Answers
from sightline.labelling.leases import Leases
from sightline.labelling.lines import AskedImage
from sightline.labelling.tasks import JobKind, NewJob

TABLE = "TasksTable"
BOX = {"class_id": 0, "left": 1, "top": 2, "width": 10, "height": 12}
OTHER = BOX | {"left": 9}


def image(number: int = 0, **more: Any) -> AskedImage:
    line = {"image_id": f"{number:02}", "bucket": "images", "key": f"{number}.jpg", "width": 64, "height": 64}
    return line | more  # type: ignore[return-value]


class Desk:
    """Jobs of whole labellings, and people who answer in them."""

    def __init__(self, room: Any) -> None:
        self.room, self.jobs, self.told = room, room.jobs, room.workflow.told

    def open(self, job: str, kind: str, *images: AskedImage, number: int = 1, annotators: int = 1) -> str:
        job_id = f"{job}.{kind}.{number}"
        self.jobs.open(NewJob(job_id, JobKind(kind), number, ("scratch",), annotators, f"token of {job_id}"), images)
        return job_id

    def answer(self, job_id: str, worker: str = "anna", count: int = 99, **given: Any) -> None:
        leased = Leases(self.room.aws, TABLE).next(job_id, worker, 60, count)
        for task in leased:
            Answers(self.room.aws, TABLE).save(job_id, task.image["image_id"], worker, given)  # type: ignore[arg-type]

    def said(self, job_id: str) -> list[list[dict[str, Any]]]:
        return [[dict(one) for one in given] for _, given in Answers(self.room.aws, TABLE).by_task(job_id)]

    def asked(self, job_id: str) -> list[str]:
        """The images that people still have to answer."""
        found = Leases(self.room.aws, TABLE).next(job_id, "carl", 60, 99)
        return sorted(task.image["image_id"] for task in found)


@pytest.fixture
def desk(room: Any) -> Desk:
    return Desk(room)


def again(*numbers: int, earlier: str = "a", **more: Any) -> list[AskedImage]:
    return [image(number, earlier_job=earlier, **more) for number in numbers]


def test_labels_that_were_given_are_not_asked_again(desk: Desk) -> None:
    first = desk.open("a", "labeling", *(image(n) for n in range(3)))
    desk.answer(first, count=1, annotations=[BOX])
    desk.answer(first, count=1, worker="ben", skip="too dark")
    left = {task.image["image_id"] for task in Leases(desk.room.aws, TABLE).next(first, "carl", 60, 9)}
    desk.jobs.withdraw(first)
    second = desk.open("b", "labeling", *again(0, 1, 2), image(3))
    job = desk.jobs.job(second)
    assert (job.total, job.remaining, job.answered, job.skipped) == (4, 2, 2, 1)
    assert set(desk.asked(second)) == left | {"03"}
    before = [given for given in desk.said(first) if given]
    assert [given for given in desk.said(second) if given] == before
    desk.answer(second, worker="carl", annotations=[])
    assert desk.told[-1] == (f"token of {second}", {"job_id": second, "tasks": 4})


def test_a_job_whose_every_answer_is_there_is_done_at_once(desk: Desk) -> None:
    first = desk.open("a", "labeling", image(0), image(1))
    desk.answer(first, annotations=[])
    second = desk.open("b", "labeling", *again(0, 1))
    assert desk.told[-1] == (f"token of {second}", {"job_id": second, "tasks": 2})
    assert second not in [job.job_id for job in desk.jobs.open_ones()]


def test_an_image_that_wants_more_annotators_gets_only_those_who_have_not_seen_it(desk: Desk) -> None:
    first = desk.open("a", "labeling", image(0), annotators=2)
    desk.answer(first, annotations=[BOX])
    second = desk.open("b", "labeling", *again(0), annotators=2)
    assert Leases(desk.room.aws, TABLE).next(second, "anna", 60, 1) == []
    desk.answer(second, worker="ben", annotations=[BOX])
    assert [one["worker"] for one in desk.said(second)[0]] == ["anna", "ben"]
    assert desk.jobs.job(second).remaining == 0


@pytest.mark.parametrize(("verified", "counts"), [([BOX], True), ([OTHER], False), ([], False)])
def test_a_verdict_counts_only_for_exactly_the_label_that_it_is_about(
    desk: Desk, verified: list[Any], counts: bool
) -> None:
    first = desk.open("a", "verification", image(0, annotations=[BOX]))
    desk.answer(first, worker="ben", approved=True)
    second = desk.open("b", "verification", *again(0, annotations=verified))
    assert desk.said(second) == [[{"approved": True, "worker": "ben"}] if counts else []]
    assert desk.jobs.job(second).remaining == (0 if counts else 1)


def test_a_label_that_was_rejected_and_not_mended_is_asked_with_its_reason(desk: Desk) -> None:
    desk.answer(desk.open("a", "labeling", image(0), image(1)), annotations=[BOX])
    mended = desk.open("a", "labeling", *(image(n, annotations=[BOX], reason="too wide") for n in range(2)), number=2)
    desk.answer(mended, count=1, worker="ben", annotations=[OTHER])
    done = next(task for task, given in zip(("00", "01"), desk.said(mended), strict=True) if given)
    second = desk.open("b", "labeling", *again(0, 1))
    (task,) = Leases(desk.room.aws, TABLE).next(second, "carl", 60, 9)
    assert (task.image.get("annotations"), task.image.get("reason")) == ([BOX], "too wide")
    assert [given[0]["annotations"] for given in desk.said(second) if given] == [[OTHER]]
    assert task.image["image_id"] != done


def test_in_a_later_round_nothing_old_counts(desk: Desk) -> None:
    """It was rejected in the first one."""
    desk.answer(desk.open("a", "labeling", image(0)), annotations=[BOX])
    second = desk.open("b", "labeling", *again(0, reason="too wide"), number=2)
    assert desk.said(second) == [[]]


def test_an_earlier_labelling_that_asked_nobody_changes_nothing(desk: Desk) -> None:
    assert desk.said(desk.open("b", "labeling", *again(0, earlier="never opened"))) == [[]]
