"""`python -m benchmarks.console`: is a job of 100,000 tasks as quick for the people who work on it as one of 100?

Opens jobs of both sizes on a local stack of its own, with the deployed function, and asks over HTTP as the page does:
the page, the list of jobs, the next task, an answer. Medians and 95th percentiles go to
benchmarks/results/console.json.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from botocore.config import Config
from rich.table import Table

from benchmarks.common import Summary, finish, summary, table
from client import users
from client.target import Target
from local import stack

SIZES = (100, 100_000)
ROUNDS = 40
WARM_UP = 3
OPENING_SECONDS = 900  # what a Lambda function has


def write_list(target: Target, job_id: str, number: int) -> str:
    """The list of images that the job asks; answers its address. No image is read here, so none has to be there."""
    key, bucket = f"labeling/{job_id}/round-1/images.jsonl", target.outputs["ArtifactsBucketName"]
    image = {"bucket": target.outputs["ImagesBucketName"], "width": 450, "height": 300, "format": "jpeg"}
    lines = (
        json.dumps({**image, "image_id": f"{n:064x}", "key": f"incoming/{n}.jpg", "uncertainty": n % 97 / 97})
        for n in range(number)
    )
    target.client("s3").put_object(Bucket=bucket, Key=key, Body="\n".join(lines).encode())
    return f"s3://{bucket}/{key}"


def open_job(target: Target, job_id: str, images_uri: str) -> float:
    """Seconds that the deployed function takes to open the job."""
    functions = target.client("lambda").get_paginator("list_functions").paginate()
    named = (entry["FunctionName"] for page in functions for entry in page["Functions"])
    name = next(name for name in named if "OpenLabelingJobFunction" in name)
    # One call, however long: a second one would open the job again.
    config = Config(read_timeout=OPENING_SECONDS, retries={"max_attempts": 0})
    client = target.session.client("lambda", endpoint_url=target.endpoint, config=config)
    payload = {"job_id": job_id, "round": 1, "images_uri": images_uri, "task_token": "none"}
    start = time.perf_counter()
    answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    if "FunctionError" in answer:
        raise RuntimeError(f"the job of {images_uri} was not opened: {answer['Payload'].read().decode()}")
    return time.perf_counter() - start


def measure(ask: Callable[[], Any]) -> Summary:
    """Milliseconds of a request."""
    times = []
    for _ in range(WARM_UP + ROUNDS):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    return summary(times[WARM_UP:])


class Person:
    """Somebody who works on one job."""

    def __init__(self, target: Target, job_id: str) -> None:
        self.target, self.job, self.given = target, f"{job_id}.labeling.1", list[str]()
        password = users.new_password()
        users.set_password(target, "bench", password)
        self.token = users.sign_in(target, "bench", password)["id_token"]

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        status, answer = self.target.call_api(method, path, body, self.token)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def next(self) -> None:
        """Take one more task than there are in hand, as the page does that loads ahead."""
        self.given = [task["task_id"] for task in self.ask("POST", f"/jobs/{self.job}/next", {"count": 1})["tasks"]]

    def answer(self) -> None:
        self.next()
        self.ask("POST", f"/jobs/{self.job}/tasks/{self.given[0]}/answer", {"annotations": []})


class Job(TypedDict):
    """A labelling job of that many tasks, and how long a person waits for what the page asks."""

    tasks: int
    opened_in_seconds: float
    job_ms: Summary
    next_ms: Summary
    next_and_answer_ms: Summary


class Jobs(TypedDict):
    """benchmarks/results/console.json."""

    jobs: list[Job]


def measured(target: Target, tasks: int) -> Job:
    """Open a job of that many tasks, and ask as the page does."""
    job_id = f"bench-{tasks}"
    seconds = open_job(target, job_id, write_list(target, job_id, tasks))
    person = Person(target, job_id)
    return {
        "tasks": tasks,
        "opened_in_seconds": round(seconds, 1),
        "job_ms": measure(lambda: person.ask("GET", f"/jobs/{person.job}")),
        "next_ms": measure(person.next),
        "next_and_answer_ms": measure(person.answer),
    }


def shown(result: Jobs) -> list[Table | str]:
    requests = ("the job", "the next task", "the next task, and an answer")
    jobs = table("tasks", "opened in", *(f"{name}, ms" for name in requests))
    for job in result["jobs"]:
        measured = (job["job_ms"], job["next_ms"], job["next_and_answer_ms"])
        times = (f"{each['median']:.0f} (p95 {each['p95']:.0f})" for each in measured)
        jobs.add_row(f"{job['tasks']:,}", f"{job['opened_in_seconds']} s", *times)
    return [jobs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=SIZES, help="sizes of the jobs")
    sizes = parser.parse_args().tasks
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            stack.up(root=home, tied=True)
            target = Target.find(None, None, None, home)
            jobs = [measured(target, tasks) for tasks in sizes]
        finally:
            stack.down(home)
    finish("console", Jobs(jobs=jobs), shown)


if __name__ == "__main__":
    main()
