"""Simulated annotators and verifiers: they sign in and answer through the console API, as people do, from known labels.

With an error rate they make the mistakes that people make: a box forgotten, moved, or too many. The simulated verifier
compares with the truth, and rejects what is wrong with the reason.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from client import users
from client.formats import coco
from client.formats.checks import InvalidLabelsError
from client.formats.files import read_json
from client.formats.label_set import LabelSet, used_classes
from client.formats.report import Report
from client.labels.names import Names
from client.target import Target
from sightline.api.shapes import Answer, Jobs, JobShown, Tasks, TaskShown
from sightline.errors import SightlineError
from sightline.images.box import Box
from sightline.labelling.consolidation import MIN_OVERLAP, overlap

PAUSE_SECONDS = 0.5


def read_coco(path: Path, classes: Sequence[str] = ()) -> dict[str, list[Box]]:
    """Return the boxes of each image by its name in the file, in whole pixels.

    The class ids are those of `classes`, a stack's; without, the file's own classes count, in the order of their ids.
    Raise InvalidLabelsError saying what is wrong with the file, or which of its classes the stack does not have.
    """
    found = parse_coco(path)
    if classes and (unknown := [name for name in used_classes(found.images) if name not in classes]):
        raise InvalidLabelsError(
            f"{path} has boxes of classes that the stack does not have: {', '.join(unknown[:20])}; it has "
            f"{', '.join(classes)}. Rename them in the file, or give the stack the parameter "
            f"Classes={','.join([*classes, *unknown])}"
        )
    numbers = {name: number for number, name in enumerate(classes or found.classes)}
    return {image.name: [box.rounded(numbers[box.class_name]) for box in image.boxes] for image in found.images}


def parse_coco(path: Path) -> LabelSet:
    """Return the labels of a file that tells the truth: each image once, none of them in doubt.

    Raise InvalidLabelsError saying what is wrong with the file.
    """
    report = Report()
    found = coco.parse(read_json(path, coco.TITLE), str(path), report)
    uses = Counter(image.name for image in found.images)
    for image in found.images:
        if image.doubt or uses[image.name] > 1:
            report.refuse(image.doubt or "several images have this name", image.name)
    if report.refused or report.strays:
        raise InvalidLabelsError(f"{path} is not COCO JSON ({report.lines()[-1]})")
    return found


def spoil(boxes: list[Box], width: int, height: int, rng: random.Random) -> list[Box]:
    """Return the boxes with one human mistake: one forgotten, one moved, or one that is not there."""
    kind = rng.choice(["forget", "move", "invent"]) if boxes else "invent"
    if kind == "forget":
        return boxes[1:]
    if kind == "move":
        moved = boxes[0].copy()
        moved["left"] = (moved["left"] + width // 3) % max(1, width - moved["width"])
        return [moved, *boxes[1:]]
    side = max(8, min(width, height) // 8)
    left, top = rng.randint(0, width - side), rng.randint(0, height - side)
    return [*boxes, {"class_id": 0, "left": left, "top": top, "width": side, "height": side}]


def fault(given: list[Box], truth: list[Box]) -> str | None:
    """Return what is wrong with a label, as a verifier would say it; None when it is right."""
    missed = [box for box in truth if all(overlap(box, other) < MIN_OVERLAP for other in given)]
    extra = [box for box in given if all(overlap(box, other) < MIN_OVERLAP for other in truth)]
    if missed and extra:
        return "a box is in the wrong place"
    if missed:
        return f"{len(missed)} defect(s) without a box"
    return f"{len(extra)} box(es) without a defect" if extra else None


class Annotators:
    """People who work through the open jobs: `count` of them, each with a name of its own."""

    def __init__(
        self, target: Target, labels: dict[str, list[Box]], *, error_rate: float, seed: int, count: int
    ) -> None:
        self.target, self.labels, self.error_rate, self.count = target, labels, error_rate, count
        self.names = Names()
        for name in labels:
            self.names.add(name, name)
        self.rng = random.Random(seed)
        self.lock = threading.Lock()
        self.tokens: dict[str, str] = {}
        self.done = {"labeled": 0, "approved": 0, "rejected": 0, "unknown": 0}

    def jobs(self) -> list[JobShown]:
        """Return the open jobs with images left."""
        status, answer = self._call("simulated-0", "GET", "/jobs")
        if status != 200:
            raise SightlineError(f"the console API answered {status}: {answer}")
        listed: Jobs = answer
        return [job for job in listed["jobs"] if job["status"] == "OPEN" and job["remaining"] > 0]

    def work(self) -> int:
        """Answer what is open now. Return how many tasks that were."""
        before = self.total
        for job in self.jobs():
            with ThreadPoolExecutor(self.count) as people:
                # Nobody verifies a label of their own, so one person is not enough for that.
                number = self.count if job["kind"] == "labeling" else max(2, self.count)
                list(people.map(lambda number, job=job: self._person(job, f"simulated-{number}"), range(number)))
        return self.total - before

    @property
    def total(self) -> int:
        return sum(self.done.values())

    def _person(self, job: JobShown, name: str) -> None:
        while True:
            status, given = self._call(name, "POST", f"/jobs/{job['job_id']}/next", {"count": 1})
            tasks: Tasks = given
            if status != 200 or not tasks["tasks"]:
                return
            task = tasks["tasks"][0]
            path, answer = f"/jobs/{job['job_id']}/tasks/{task['task_id']}/answer", self._answer(job, task)
            status, said = self._call(name, "POST", path, answer)
            if status >= 500:
                time.sleep(PAUSE_SECONDS)
                self._call(name, "POST", path, answer)
            elif status == 400:
                raise SightlineError(f"the console API refused the label of {task['name']}: {said['message']}")

    def _call(self, name: str, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        """Send one request as `name`, who signs in first, and again when the token is over."""
        for again in (False, True):
            if again or name not in self.tokens:
                self.tokens[name] = self.sign_in(name)
            status, answer = self.target.call_api(method, path, body, self.tokens[name])
            if status != 401:
                break
        return status, answer

    def sign_in(self, name: str) -> str:
        """Return the id token of a simulated person, made anew with the caller's rights: no password is kept."""
        password = users.new_password()
        users.set_password(self.target, name, password)
        return str(users.sign_in(self.target, name, password)["id_token"])

    def _answer(self, job: JobShown, task: TaskShown) -> Answer:
        with self.lock:
            meant = self.names.find(task["name"]).things  # several for a name that folders do not tell apart
            truth = self.labels[next(iter(meant))] if len(meant) == 1 else None
            if truth is None:
                self.done["unknown"] += 1
                reject: Answer = {"approved": False, "reason": "the labels file does not know this image"}
                return {"annotations": []} if job["kind"] == "labeling" else reject
            if job["kind"] == "labeling":
                self.done["labeled"] += 1
                # Each round is more careful than the one before, as after a rejection.
                wrong = self.rng.random() < self.error_rate / job["round"] ** 2
                return {"annotations": spoil(truth, task["width"], task["height"], self.rng) if wrong else truth}
            problem = fault(task["annotations"] or [], truth)
            self.done["rejected" if problem else "approved"] += 1
            return {"approved": False, "reason": problem} if problem else {"approved": True}
