"""kill -9 of the local stack, at 200 moments of a small loop: what was acknowledged is there again, once.

At 180 moments the emulator's files are looked at as a kill would leave them (tests/killed.py). At 20 moments it is
killed: with all its processes, alone, or one of its children; then `up` brings it back, and at the end the loop closes.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from client import datasets, models, pipeline
from client.annotate import Annotators, read_coco
from client.loop.sample import draw
from client.target import Target
from local import stack
from sightline.errors import SightlineError
from sightline.images.image import ImageStatus
from tests import killed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

MOMENTS, KILLS, PHOTOS = 180, 20, 24
PARAMETERS = {
    "LabelingWindowSeconds": "2",
    "MinNewLabels": "1000",
    "Hyperparameters": '{"image_size":"96","epochs":"1"}',
}
FAULTS = (OSError, BotoCoreError, ClientError, SightlineError)  # what a client hears of a stack that is being killed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place: Path = tmp_path_factory.mktemp("home")
    try:
        stack.up(root=place, overrides=PARAMETERS)
        yield place
    finally:
        stack.down(place)


class People(Annotators):
    """Annotators who note each answer that was taken."""

    told: killed.Told

    def _call(self, name: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        status, said = super()._call(name, method, path, body)
        parts = path.split("/")
        if status == 200 and parts[-1] == "answer":
            self.told.answers.add((parts[2], parts[4]))
        return status, said


class Loop:
    """A small loop: photos come one after another, people label and verify them, and a dataset is made of them."""

    def __init__(self, line: Target, photos: Path, told: killed.Told) -> None:
        self.line, self.told = line, told
        self.people = People(line, read_coco(photos / "labels.json"), error_rate=0, seed=1, count=2)
        self.people.told = told
        self.photos = sorted(photos.glob("*.jpg"))
        self.over = threading.Event()

    def upload(self) -> None:
        bucket = self.line.outputs["ImagesBucketName"]
        for photo in self.photos:
            if f"{bucket}/incoming/{photo.name}" in self.told.uploads:
                continue
            answer = self.line.aws.s3.put_object(Bucket=bucket, Key=f"incoming/{photo.name}", Body=photo.read_bytes())
            self.told.uploads[f"{bucket}/incoming/{photo.name}"] = answer["ETag"]
            time.sleep(0.2)

    def label(self) -> None:
        while len(self.approved()) < len(self.photos):
            self.people.work()
            running = [one for one in pipeline.executions(self.line, "label_images") if one["status"] == "RUNNING"]
            if not running and pipeline.ledger(self.line).count(ImageStatus.NEW):  # those that a kill has given back
                machine = self.line.outputs["LabelImagesArn"]
                self.line.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")
            time.sleep(0.2)

    def dataset(self) -> None:
        pipeline.wait_for(self.line, pipeline.start_training(self.line, force=True), seconds=120)
        assert self.look().datasets

    def approved(self) -> set[str]:
        """Return those of its photos that have a label."""
        images = pipeline.ledger(self.line).with_status(ImageStatus.APPROVED)
        self.look()
        return {key for image in images for key in image.keys} & {f"incoming/{photo.name}" for photo in self.photos}

    def look(self) -> killed.Told:
        """Read what there is: whoever has read it has been told of it."""
        ledger = pipeline.ledger(self.line)
        for status in (ImageStatus.APPROVED, ImageStatus.CLAIMED, ImageStatus.NEW):
            for image in ledger.with_status(status):
                known = self.told.images.get(image.image_id, ImageStatus.NEW)
                self.told.images[image.image_id] = max(known, image.status, key=killed.RANKS.__getitem__)
        bucket = self.line.outputs["ArtifactsBucketName"]
        for row in datasets.versions(self.line):
            self.told.datasets.add(f"{bucket}/datasets/{row['version']}/dataset.json")
        self.told.models |= {model["arn"] for model in models.listed(self.line)}
        return self.told

    def run(self, *steps: Callable[[], None]) -> None:
        """Take the steps, and once more what a kill came between."""
        for step in steps:
            while not self.over.is_set():
                try:
                    step()
                    break
                except FAULTS:
                    time.sleep(0.2)


def photos_in(folder: Path, number: int, seed: int) -> Path:
    draw(folder, number, seed=seed)
    return folder


def target(home: Path) -> Target:
    return Target.find(None, None, None, home)


def test_the_files_have_at_every_moment_what_was_acknowledged(home: Path, tmp_path: Path) -> None:
    loop = Loop(target(home), photos_in(tmp_path / "photos", PHOTOS, 3), killed.Told())
    thread = threading.Thread(target=loop.run, args=(loop.upload, loop.label, loop.dataset))
    thread.start()
    moments: list[tuple[Path, killed.Told]] = []
    pause = random.Random(7)
    try:
        while len(moments) < MOMENTS:  # the last ones when the loop is over
            told, place = loop.told.copy(), tmp_path / f"moment-{len(moments):03}"
            killed.photograph(home / "state", stack.load(home).pid, place)
            moments.append((place, told))
            time.sleep(pause.uniform(0.05, 0.5))
        thread.join(300)
    finally:
        loop.over.set()
    assert not thread.is_alive()
    found = killed.developed(home / "state", [place for place, _ in moments])
    wrong = {
        place.name: said
        for (place, told), one in zip(moments, found, strict=True)
        if (said := killed.faults(told, one))
    }
    last = moments[-1][1]
    print(
        f"{len(moments) - len(wrong)} of {len(moments)} moments well; at the last one {len(last.images)} images, "
        f"{len(last.answers)} answers and {len(last.datasets)} datasets were acknowledged"
    )
    assert wrong == {}
    assert len(moments) == MOMENTS


def test_up_brings_back_what_was_killed_and_the_loop_closes(home: Path, tmp_path: Path) -> None:
    told = killed.Told()
    loop = Loop(target(home), photos_in(tmp_path / "photos", 8, 4), told)
    thread = threading.Thread(target=loop.run, args=(loop.upload, loop.label, loop.dataset))
    thread.start()
    chance, kinds = random.Random(11), {"all": 0, "emulator": 0, "child": 0}
    try:
        for number in range(KILLS):
            time.sleep(chance.uniform(0.1, 10.0))
            with contextlib.suppress(*FAULTS):
                loop.look()
            kind = ("all", "emulator", "all", "child")[number % 4]
            kill(stack.load(home).pid, kind, chance)
            kinds[kind] += 1
            print(f"{number}: {kind}, {len(told.images)} images, {len(told.answers)} answers", flush=True)
            brought = stack.up(root=home, overrides=PARAMETERS)
            assert brought.resumed == (kind != "child")
            assert killed_faults(loop, told.copy()) == []
        thread.join(600)
    finally:
        loop.over.set()
    assert not thread.is_alive()
    ledger = pipeline.ledger(loop.line)
    approved = ledger.with_status(ImageStatus.APPROVED)
    keys = sorted(key for image in approved for key in image.keys)
    assert {f"incoming/{photo.name}" for photo in loop.photos} <= set(keys)
    assert len(keys) == len(set(keys))
    print(f"{KILLS} of {KILLS} kills well: {kinds}; {len(approved)} images approved, each once")


def kill(pid: int, kind: str, chance: random.Random) -> None:
    if kind == "all":
        os.killpg(pid, signal.SIGKILL)
    elif kind == "emulator":
        os.kill(pid, signal.SIGKILL)
    else:
        listed = subprocess.run(["pgrep", "-g", str(pid)], capture_output=True, text=True, check=False).stdout.split()
        if children := [int(one) for one in listed if int(one) != pid]:
            os.kill(chance.choice(children), signal.SIGKILL)


def killed_faults(loop: Loop, told: killed.Told) -> list[str]:
    """Return what `up` has not brought back. Images that were claimed are given back, so they may be new again."""
    s3, found = loop.line.aws.s3, pipeline.ledger(loop.line)
    said = []
    for name, etag in told.uploads.items():
        bucket, _, key = name.partition("/")
        if s3.head_object(Bucket=bucket, Key=key)["ETag"] != etag:
            said.append(f"upload {name} is lost")
    known = {image.image_id for status in killed.RANKS for image in found.with_status(status)}
    approved = {image.image_id for image in found.with_status(ImageStatus.APPROVED)}
    said += [f"image {one} is lost" for one in set(told.images) - known]
    said += [
        f"image {one} is no longer approved"
        for one, status in told.images.items()
        if status is ImageStatus.APPROVED and one not in approved
    ]
    bucket = loop.line.outputs["ArtifactsBucketName"]
    have = {f"{bucket}/datasets/{row['version']}/dataset.json" for row in datasets.versions(loop.line)}
    return said + [f"dataset {one} is lost" for one in told.datasets - have]
