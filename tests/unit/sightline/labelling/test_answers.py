"""People who take, keep, give back and answer tasks in any order, beside a model of what a job is to count."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sightline.labelling.answers import Answers
from sightline.labelling.leases import SPARE, Leases
from sightline.labelling.lines import Answer
from sightline.labelling.tasks import JobStatus, TaskTakenError

TABLE = "TasksTable"
IDS = ["00", "01"]
ANNOTATORS = 2
BOX: Any = {"class_id": 0, "left": 4, "top": 4, "width": 9, "height": 9}
ANSWERS: list[Answer] = [{"annotations": [BOX]}, {"annotations": []}, {"skip": "blurred"}]


@dataclass
class Asked:
    """What the model knows of a task."""

    answers: dict[str, Answer] = field(default_factory=dict)
    holder: str | None = None
    is_over: bool = False  # the lease of the holder

    @property
    def is_done(self) -> bool:
        return len(self.answers) == ANNOTATORS

    def can_have(self, worker: str) -> bool:
        if self.is_done or worker in self.answers:
            return False
        return self.holder in (None, worker) or self.is_over


workers = st.sampled_from(["anna", "ben", "eve"])
tasks = st.sampled_from(IDS)


class PeopleMachine(RuleBasedStateMachine):
    """A job of two tasks that want two answers each."""

    made = 0

    def __init__(self, room: Any) -> None:
        super().__init__()
        PeopleMachine.made += 1
        self.room, self.job_id = room, f"job-{PeopleMachine.made}"
        self.leases, self.answers = Leases(room.aws, TABLE), Answers(room.aws, TABLE)
        self.tasks = {task_id: Asked() for task_id in IDS}
        room.workflow.told.clear()
        assert room.open(self.job_id, len(IDS), ANNOTATORS) == len(IDS)

    @rule(worker=workers, count=st.integers(1, 2), is_over=st.booleans())
    def takes(self, worker: str, count: int, is_over: bool) -> None:
        self._takes(worker, count, is_over)

    def _takes(self, worker: str, count: int, is_over: bool) -> set[str]:
        possible = {task_id for task_id, task in self.tasks.items() if task.can_have(worker)}
        mine = {
            task_id for task_id in possible if self.tasks[task_id].holder == worker and not self.tasks[task_id].is_over
        }
        given = {task.image["image_id"] for task in self.leases.next(self.job_id, worker, 600, count)}
        assert given <= possible
        assert len(given) == min(count, len(possible))
        assert given <= mine or mine <= given
        for task_id in given:
            self.tasks[task_id].holder, self.tasks[task_id].is_over = worker, is_over
            if is_over:
                self.leases.renew(self.job_id, task_id, worker, -1)
        return given

    @rule(worker=workers, task_id=tasks)
    def keeps(self, worker: str, task_id: str) -> None:
        if self.tasks[task_id].holder == worker:
            self.leases.renew(self.job_id, task_id, worker, 600)
            self.tasks[task_id].is_over = False
        else:
            with pytest.raises(TaskTakenError):
                self.leases.renew(self.job_id, task_id, worker, 600)

    @rule(worker=workers, task_id=tasks)
    def gives_back(self, worker: str, task_id: str) -> None:
        holder = self.tasks[task_id].holder
        if holder not in (None, worker):
            with pytest.raises(TaskTakenError, match=f"{holder!r} has it"):
                self.leases.release(self.job_id, task_id, worker)
            return
        for _ in range(2):
            self.leases.release(self.job_id, task_id, worker)
        self.tasks[task_id].holder = None

    @rule(worker=workers, task_id=tasks, answer=st.sampled_from(ANSWERS))
    def answers_twice(self, worker: str, task_id: str, answer: Answer) -> None:
        self._answers(worker, task_id, answer)

    @rule(worker=workers, answer=st.sampled_from(ANSWERS))
    def takes_a_task_and_answers_it(self, worker: str, answer: Answer) -> None:
        for task_id in self._takes(worker, 1, is_over=False):
            self._answers(worker, task_id, answer)

    def _answers(self, worker: str, task_id: str, answer: Answer) -> None:
        task = self.tasks[task_id]
        known = task.answers.get(worker)
        is_taken = known is None and task.holder != worker
        if is_taken or (known not in (None, answer) and self._remaining() == 0):
            with pytest.raises(TaskTakenError):
                self.answers.save(self.job_id, task_id, worker, answer)
            return
        if known is None:
            task.holder = None
        task.answers[worker] = answer
        for _ in range(2):
            assert self.answers.save(self.job_id, task_id, worker, answer) == self._remaining()

    def _remaining(self) -> int:
        return sum(not task.is_done for task in self.tasks.values())

    @invariant()
    def the_job_counts_what_was_answered_and_its_workflow_is_told_once(self) -> None:
        job, remaining = self.room.jobs.job(self.job_id), self._remaining()
        given = [answer for task in self.tasks.values() for answer in task.answers.values()]
        assert (job.total, job.remaining, job.answered, job.skipped) == (
            len(IDS),
            remaining,
            len(given),
            sum("skip" in answer for answer in given),
        )
        assert job.status == (JobStatus.OPEN if remaining else JobStatus.DONE)
        told = [] if remaining else [("token", {"job_id": self.job_id, "tasks": len(IDS)})]
        assert self.room.workflow.told == told

    def teardown(self) -> None:
        found = {
            image["image_id"]: {answer.pop("worker"): answer for answer in given}
            for image, given in self.answers.by_task(self.job_id)
        }
        assert found == {task_id: task.answers for task_id, task in self.tasks.items()}
        counted = Counter(worker for task in self.tasks.values() for worker in task.answers)
        assert {count.worker: count.answers for count in self.room.jobs.workers(self.job_id)} == dict(counted)
        assert {worker: self.room.jobs.answered(self.job_id, worker) for worker in counted} == dict(counted)


def test_whatever_people_do_in_whatever_order_each_answer_counts_once(room: Any) -> None:
    run_state_machine_as_test(lambda: PeopleMachine(room), settings=settings(max_examples=6, stateful_step_count=25))


def test_a_lease_that_was_got_anew_meanwhile_is_not_given_back(room: Any) -> None:
    room.open("job")
    leases = Leases(room.aws, TABLE)
    (first,) = leases.next("job", "anna", 60, 1)
    until = leases.renew("job", "00", "anna", 600)
    leases.release("job", "00", "anna", until=first.lease_until)
    assert room.jobs.task("job", "00").leased_by == "anna"
    leases.release("job", "00", "anna", until=until)
    assert room.jobs.task("job", "00").leased_by is None


def test_tasks_of_the_lowest_rank_come_first(room: Any) -> None:
    room.open("job", images=40)
    given = Leases(room.aws, TABLE).next("job", "anna", 60, 12)
    assert len(given) == 12
    assert max(task.rank for task in given) < 12 + SPARE
