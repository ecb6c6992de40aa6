"""The running stack as the tests of the page see it: what they upload, and what ledger, tasks and manifest hold
afterwards.
"""

import io
import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

from client import pipeline, users
from client.target import Target
from local import stack
from sightline.images.box import Box

# An upload's own window stays open for an hour: the tests alone decide which photos make a job. Nothing trains.
PARAMETERS = {"LabelingWindowSeconds": "3600", "MinNewLabels": "1000"}
PASSWORD = "a-Password-for-tests-1"
WIDTH, HEIGHT = 450, 300


def until(found: Callable[[], Any], seconds: float = 90) -> Any:
    """What `found` answers as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)
    return answer


def photo(seed: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A photo like no other: smooth noise, as JPEG."""
    small = np.random.default_rng(seed).integers(40, 220, (12, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def box(left: int, top: int, width: int, height: int, class_id: int = 0) -> Box:
    return {"class_id": class_id, "left": left, "top": top, "width": width, "height": height}


@dataclass
class Line:
    """The stack."""

    target: Target
    known: set[str] = field(default_factory=set)

    @classmethod
    def start(cls, home: Path, *, tied: bool = True) -> "Line":
        stack.up(root=home, overrides=PARAMETERS, tied=tied)
        return cls(Target.find(None, None, None, home))

    @property
    def url(self) -> str:
        return self.target.api_url + "/"

    def user(self, name: str, *, engineer: bool = False) -> str:
        if name not in self.known:
            users.set_password(self.target, name, PASSWORD, engineer=engineer)
            self.known.add(name)
        return name

    def open_job(self, photos: dict[str, bytes]) -> tuple[str, str]:
        """Upload these photos and start labelling them: the execution's ARN and the labelling job's id."""
        s3 = self.target.client("s3")
        for name, body in photos.items():
            s3.put_object(Bucket=self.target.outputs["ImagesBucketName"], Key=f"incoming/{name}", Body=body)
        until(lambda: set(photos) <= {name for name, status in self.ledger().items() if status == "NEW"})
        client = self.target.client("stepfunctions")
        arn = self.target.outputs[pipeline.MACHINES["label_images"]]
        execution = client.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
        return execution, f"{execution.rsplit(':', 1)[-1]}.labeling.1"

    def _table(self, output: str) -> Any:
        return self.target.session.resource("dynamodb", endpoint_url=self.target.endpoint).Table(
            self.target.outputs[output]
        )

    def images(self) -> list[dict[str, Any]]:
        items = self._table("ImagesTableName").scan(ConsistentRead=True)["Items"]
        return [item for item in items if str(item["pk"]).startswith("image#")]

    def ledger(self) -> dict[str, str]:
        """The status of each image by the name under which it came."""
        return {item["key"].removeprefix("incoming/"): item["status"] for item in self.images()}

    def _items(self, job_id: str, kind: str) -> list[dict[str, Any]]:
        found = self._table("TasksTableName").query(
            KeyConditionExpression="pk = :job AND begins_with(sk, :kind)",
            ExpressionAttributeValues={":job": job_id, ":kind": kind},
            ConsistentRead=True,
        )
        return list(found["Items"])

    def job(self, job_id: str) -> dict[str, Any]:
        """The job; empty as long as its workflow has not opened it."""
        return next(iter(self._items(job_id, "job")), {})

    def answers(self, job_id: str) -> dict[str, dict[str, Any]]:
        """What was answered, by the name of the photo: `{"anna": answer}` each."""
        tasks = [json.loads(item["image"]) for item in self._items(job_id, "task#")]
        names = {image["image_id"]: image["key"].removeprefix("incoming/") for image in tasks}
        given: dict[str, dict[str, Any]] = {}
        for item in self._items(job_id, "answer#"):
            given.setdefault(names[item["task_id"]], {})[item["worker"]] = json.loads(item["answer"])
        return given

    def leases(self, job_id: str) -> dict[str, str]:
        """Who has which photo at the moment, by the name of the photo."""
        tasks = [item for item in self._items(job_id, "task#") if item.get("leased_by")]
        return {json.loads(item["image"])["key"].removeprefix("incoming/"): item["leased_by"] for item in tasks}

    def change_task(self, job_id: str, name: str, **fields: Any) -> None:
        """Write into a task what otherwise only time, a model or another person could; `image` is added to its
        image.
        """
        for item in self._items(job_id, "task#"):
            image = json.loads(item["image"])
            if image["key"] == f"incoming/{name}":
                image |= fields.pop("image", {})
                changed = {**item, **fields, "image": json.dumps(image)}
                self._table("TasksTableName").put_item(Item=changed)

    def manifest(self, execution: str) -> dict[str, list[Box]]:
        """The boxes of each approved photo by its name, as the output manifest of the execution has them at its end."""
        client = self.target.client("stepfunctions")
        until(lambda: client.describe_execution(executionArn=execution)["status"] != "RUNNING")
        assert client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"
        key = f"labeling/{execution.rsplit(':', 1)[-1]}/output.manifest"
        body = self.target.client("s3").get_object(Bucket=self.target.outputs["ArtifactsBucketName"], Key=key)["Body"]
        names = {item["image_id"]: item["key"].removeprefix("incoming/") for item in self.images()}
        records = [json.loads(line) for line in body.read().splitlines()]
        return {names[record["image-id"]]: record["defects"]["annotations"] for record in records}


# -------------------------------------------------------------------------------------------------- what a person does
def sign_in(page: Page, line: Line, name: str, *, engineer: bool = False) -> None:
    page.goto(line.url)
    page.get_by_label("Name").fill(line.user(name, engineer=engineer))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Jobs").wait_for()


def open_work(page: Page, job_id: str) -> None:
    """From the list of jobs to the first image of one; the list shows a new job by itself."""
    page.get_by_role("link", name="Jobs").first.click()
    page.get_by_role("link", name=re.compile(f"^(Label|Verify) {re.escape(job_id)}$")).click(timeout=60_000)


def verification(job_id: str) -> str:
    """The job that verifies what a labelling job labelled."""
    return job_id.replace(".labeling.", ".verification.")


def shown(page: Page) -> str:
    """The name of the image on the stage, once its photo is there; "" when all are done."""
    page.locator(".work[data-shown], .work .stage-note:has-text('All done')").first.wait_for()
    return page.locator(".work-title").inner_text()


def answer(page: Page, key: str) -> None:
    """Press the key that answers, and wait for what comes after the image."""
    before = page.locator(".work").get_attribute("data-shown")
    page.keyboard.press(key)
    page.wait_for_function("before => document.querySelector('.work')?.dataset.shown !== before", arg=before)


def draw(page: Page, wanted: Iterable[Box]) -> None:
    """Draw these boxes with the mouse."""
    for each in wanted:
        x, y = place(page, each["left"], each["top"])
        to_x, to_y = place(page, each["left"] + each["width"], each["top"] + each["height"])
        drag(page, x, y, to_x, to_y)
        page.keyboard.press("Escape")


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the photo is on the screen."""
    width = page.evaluate("() => parseFloat(document.querySelector('.photo').style.width)")
    frame = page.locator(".photo").bounding_box()
    assert frame
    scale = frame["width"] / width
    return frame["x"] + x * scale, frame["y"] + y * scale


def drag(page: Page, x: float, y: float, to_x: float, to_y: float) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
    page.mouse.move(to_x, to_y)
    page.mouse.up()


def boxes(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Boxes").get_by_role("option")


def approve_all(page: Page, job_id: str) -> None:
    """Verify a whole job in the grid."""
    open_work(page, job_id)
    page.locator(".work[data-shown], .tile").first.wait_for()
    if not page.locator(".grid").count():
        page.keyboard.press("g")
    page.locator(".tile").first.wait_for()
    while page.locator(".tile").count():
        page.keyboard.press("Shift+A")
        page.keyboard.press("a")
        page.locator(".tile, .grid-work .empty-state:not([hidden]) a").first.wait_for()
    page.locator("#waiting:empty").wait_for(state="attached")
