"""Eight people at once on one job of a thousand tasks, as processes that are killed at random, against the emulator's
table.

Whoever is killed holds leases, or has sent an answer and never hears that it was saved. Each task counts once all the
same.
"""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from local import emulator_process
from local.account import Credentials, read_credentials
from sightline.labelling.answers import Answers
from sightline.labelling.jobs import Jobs
from sightline.labelling.leases import Leases
from sightline.labelling.lines import AskedImage
from sightline.labelling.tasks import JobKind, JobStatus, NewJob, TaskTakenError, WorkflowUntoldError
from tests.given_aws import GivenAws
from tests.project import template

pytestmark = pytest.mark.slow

TASKS = 1000
PEOPLE = 8
KILLS = 24
LEASE_SECONDS = 2
JOB = "window-1.labeling.1"


@dataclass(frozen=True)
class Emulator:
    """The emulator with the tasks table, and its root user's keys."""

    endpoint: str
    keys: Credentials

    @property
    def dynamodb(self) -> Any:
        make: Any = boto3.client
        return make("dynamodb", endpoint_url=self.endpoint, **self.keys)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulator without the application, with the tasks table of the template."""
    root = tmp_path_factory.mktemp("emulator")
    port = emulator_process.free_port()
    pid = emulator_process.start(root, port, tied=True)
    try:
        started = Emulator(f"http://127.0.0.1:{port}", read_credentials(root))
        given = template()["Resources"]["TasksTable"]["Properties"]
        fields = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        started.dynamodb.create_table(TableName="tasks", **{field: given[field] for field in fields})
        yield started
    finally:
        emulator_process.stop(root, pid)


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A file with a line for each token that Step Functions was given, by whichever process."""
    file = tmp_path / "told"
    file.touch()
    return file


class People:
    """What people and workflows do with the jobs of a table, through connections of one process."""

    def __init__(self, aws: GivenAws) -> None:
        self.jobs, self.leases, self.answers = Jobs(aws, "tasks"), Leases(aws, "tasks"), Answers(aws, "tasks")


def connected(emulator: Emulator, told: Path) -> People:
    """The table of the emulator, through connections of this process alone."""

    def send_task_success(*, taskToken: str, output: str) -> None:  # noqa: N803
        with told.open("a") as lines:
            lines.write(json.dumps({"token": taskToken, "output": json.loads(output)}) + "\n")

    step_functions = SimpleNamespace(send_task_success=send_task_success)
    return People(GivenAws(boto3.Session(**emulator.keys), emulator.endpoint, stepfunctions=step_functions))


def open_job(jobs: Jobs, job_id: str, number: int, annotators: int) -> None:
    images: list[AskedImage] = [
        {"image_id": f"image-{n:04}", "bucket": "images", "key": f"incoming/{n}.jpg", "width": 9, "height": 9}
        for n in range(number)
    ]
    assert jobs.open(NewJob(job_id, JobKind.LABELING, 1, ("scratch",), annotators, "token"), images) == number


def work(emulator: Emulator, told: Path, job_id: str, name: str, seed: int, finished: Any) -> None:
    """One person: takes some tasks, answers them, some of them twice, until the job is over."""
    rng, table = random.Random(seed), connected(emulator, told)
    while True:
        given = table.leases.next(job_id, name, LEASE_SECONDS, rng.randint(1, 4))
        if not given and table.jobs.job(job_id).status == JobStatus.DONE:
            finished.value += 1
            return
        for task in given:
            for _ in range(rng.choice([1, 1, 2])):
                try:
                    table.answers.save(job_id, task.image["image_id"], name, {"annotations": []})
                except TaskTakenError:
                    break  # it was so slow that somebody else has it
                except WorkflowUntoldError:
                    # Somebody else is telling the workflow; when that one dies, asking for the next task tells it.
                    continue
        if not given:
            time.sleep(0.1)


class Workers:
    """Processes that work on a job, each under a name that a new one takes over when it was killed."""

    def __init__(self, emulator: Emulator, told: Path, job_id: str) -> None:
        self.place = (emulator, told)
        self.job_id, self.fork, self.seeds = job_id, multiprocessing.get_context("fork"), iter(range(10_000))
        self.finished = self.fork.Value("i", 0)
        self.workers = {f"person-{n}": self.start(f"person-{n}") for n in range(PEOPLE)}

    def start(self, name: str) -> Any:
        process = self.fork.Process(target=work, args=(*self.place, self.job_id, name, next(self.seeds), self.finished))
        process.start()
        return process

    def kill_one(self, rng: random.Random) -> None:
        name = rng.choice(sorted(self.workers))
        os.kill(self.workers[name].pid, signal.SIGKILL)
        self.workers[name].join()
        self.workers[name] = self.start(name)

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for process in self.workers.values():
            process.join(max(0, deadline - time.monotonic()))

    def stop(self) -> None:
        for process in self.workers.values():
            process.kill()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("number", "annotators"), [(TASKS, 1), (TASKS // 8, 3)])
def test_each_task_counts_once_and_the_workflow_is_told_once_whoever_dies(
    emulator: Emulator, told: Path, number: int, annotators: int
) -> None:
    job_id, rng = f"{JOB}.{annotators}", random.Random(1)
    opened = connected(emulator, told)
    open_job(opened.jobs, job_id, number, annotators)
    people, kills = Workers(emulator, told, job_id), 0
    try:
        # The last tasks are left to the living: who dies between telling the workflow and noting it is told again for.
        while (left := opened.jobs.job(job_id).remaining) > number // 20:
            due = KILLS * (number - left) // number
            if kills < due:
                people.kill_one(rng)
                kills += 1
            time.sleep(0.02)
        people.wait(300)
    finally:
        people.stop()
    job = opened.jobs.job(job_id)
    assert (job.status, job.remaining, job.answered) == ("DONE", 0, number * annotators)
    assert [json.loads(line) for line in told.read_text().splitlines()] == [
        {"token": "token", "output": {"job_id": job_id, "tasks": number}}
    ]
    answers = {
        image["image_id"]: [entry["worker"] for entry in given if "worker" in entry]
        for image, given in opened.answers.by_task(job_id)
    }
    assert len(answers) == number
    assert {len(given) for given in answers.values()} == {annotators}
    assert {len(set(given)) for given in answers.values()} == {annotators}
    counted = {entry.worker: entry.answers for entry in opened.jobs.workers(job_id)}
    assert counted == Counter(name for given in answers.values() for name in given)
    assert people.finished.value == PEOPLE
    assert kills >= KILLS // 2
