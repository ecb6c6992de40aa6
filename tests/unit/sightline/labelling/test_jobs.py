"""Jobs are opened, asked for anew, withdrawn and closed; the workflow that waits hears of it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sightline.labelling import closing
from sightline.labelling.answers import Answers
from sightline.labelling.endings import Endings
from sightline.labelling.leases import Leases
from sightline.labelling.tasks import JobStatus, JobWithdrawnError, TaskTakenError, UnknownTaskError

TABLE = "TasksTable"


def answer(room: Any, job_id: str = "job", worker: str = "anna") -> int:
    """Take one task and answer it."""
    (task,) = Leases(room.aws, TABLE).next(job_id, worker, 60, 1)
    return Answers(room.aws, TABLE).save(job_id, task.image["image_id"], worker, {"annotations": []})


def test_a_job_that_is_opened_again_keeps_its_answers_and_takes_the_newer_token(room: Any) -> None:
    assert room.open("job", images=2, token="first") == 2
    assert answer(room) == 1
    assert room.open("job", images=2, token="second") == 2
    assert room.jobs.job("job").answered == 1
    assert answer(room) == 0
    assert room.workflow.told == [("second", {"job_id": "job", "tasks": 2})]


def test_a_job_without_images_is_answered_at_once(room: Any) -> None:
    assert room.open("job", images=0) == 0
    assert room.workflow.told == [("token", {"job_id": "job", "tasks": 0})]
    assert room.jobs.open_ones() == []


def test_a_job_that_is_done_is_answered_again_for_a_workflow_that_asks_anew(room: Any) -> None:
    room.open("job", token="first")
    answer(room)
    room.open("job", token="second")
    assert [token for token, _ in room.workflow.told] == ["first", "second"]


def test_a_job_that_is_withdrawn_is_on_no_list_and_takes_no_answers(room: Any) -> None:
    room.open("job", images=2)
    (task,) = Leases(room.aws, TABLE).next("job", "anna", 60, 1)
    assert [found and found.total for found in (room.jobs.withdraw("job"), room.jobs.withdraw("job"))] == [2, None]
    assert room.jobs.withdraw("no job") is None
    assert (room.jobs.open_ones(), Leases(room.aws, TABLE).next("job", "ben", 60, 1)) == ([], [])
    with pytest.raises(TaskTakenError):
        Answers(room.aws, TABLE).save("job", task.image["image_id"], "anna", {"annotations": []})
    with pytest.raises(UnknownTaskError):
        room.jobs.job("no job")
    assert room.workflow.told == []


@pytest.mark.parametrize("opened_before", [True, False])
def test_an_execution_that_has_ended_opens_no_job(room: Any, opened_before: bool) -> None:
    """Its function was still at it when it was stopped, or somebody has redriven it."""
    if opened_before:
        room.open("window-1.labeling.1", images=2)
        room.jobs.withdraw("window-1.labeling.1")
    Endings(room.aws, TABLE).note_ended("window-1")
    with pytest.raises(JobWithdrawnError, match="start another labelling"):
        room.open("window-1.labeling.1", images=2)
    assert (room.jobs.open_ones(), room.jobs.job("window-1.labeling.1").status) == ([], JobStatus.WITHDRAWN)
    assert room.workflow.told == []
    assert room.open("window-2.labeling.1", images=2) == 2


@pytest.mark.parametrize("name", ["no job", "x" * 257])
def test_a_job_or_a_task_that_there_is_not_is_unknown_however_long_its_name(room: Any, name: str) -> None:
    room.open("job")
    with pytest.raises(UnknownTaskError):
        room.jobs.job(name)
    with pytest.raises(UnknownTaskError):
        room.jobs.task("job", name)


def test_a_workflow_that_could_not_be_told_is_told_by_whoever_asks_next(room: Any) -> None:
    room.open("job")
    room.workflow.broken = True
    with pytest.raises(ClientError, match="InternalError"):
        answer(room)
    assert [job.status for job in room.jobs.open_ones()] == [JobStatus.OPEN]
    room.workflow.broken = False
    room.jobs.open_ones()
    assert (room.workflow.told, room.jobs.open_ones()) == ([("token", {"job_id": "job", "tasks": 1})], [])


def test_one_closes_a_job_at_a_time_and_one_who_died_is_replaced(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    room.open("job")
    items, key = room.jobs.table.items, {"pk": "job", "sk": "job"}
    dies = {"closing": "CLOSING", "now": closing.now()}
    items.update(key, "SET #status = :closing, #closing_at = :now", dies)
    assert room.jobs.closing.close("job") is False
    assert room.workflow.told == []
    monkeypatch.setattr(closing, "now", lambda: dies["now"] + closing.CLOSING_SECONDS * 1000 + 1)
    assert room.jobs.closing.close("job") is True
    assert room.jobs.closing.close("job") is True  # it is done, and nobody is told again
    assert len(room.workflow.told) == 1


def test_open_jobs_are_listed_the_oldest_first(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([3, 1, 2])
    monkeypatch.setattr("sightline.labelling.jobs.now", lambda: next(moments))
    for job_id in ("c", "a", "b"):
        room.open(job_id)
    assert [job.job_id for job in room.jobs.open_ones()] == ["a", "b", "c"]
