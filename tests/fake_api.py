"""The API of the page without a stack, for tests of how the page looks: what it answers is held against the OpenAPI
document, and the page comes with the headers that its function gives it.
"""

import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, pairwise
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Route

from tests import openapi
from tests.project import ROOT

ORIGIN = "https://console.test"  # no such host: every request is answered here
CLASSES = ["scratch", "dent", "spot"]
SESSION = {"username": "anna", "groups": ["engineers"], "id_token": "id", "refresh_token": "again"}
NOW_MS = int(time.time() * 1000)
LEASE_MS = 600_000
WIDTH, HEIGHT = 450, 300


@cache
def photo(seed: int) -> bytes:
    """A photo like no other: smooth noise, as JPEG."""
    small = np.random.default_rng(seed).integers(40, 220, (12, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def box(left: int, top: int, width: int, height: int, class_id: int = 0) -> dict[str, int]:
    return {"class_id": class_id, "left": left, "top": top, "width": width, "height": height}


def job(kind: str = "labeling", **changes: Any) -> dict[str, Any]:
    return {
        "job_id": f"window-1795898899328.{kind}.1", "kind": kind, "round": 1, "total": 24, "remaining": 18,
        "status": "OPEN", "classes": CLASSES, "annotators": 1, "created_at": NOW_MS - 240_000,
        "answered_by_you": None, **changes,
    }  # fmt: skip


def task(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "task_id": f"t{number}", "image_id": f"i{number}", "image_url": f"{ORIGIN}/photos/{number}",
        "name": f"incoming/line-2/part-{number:04}.jpg", "width": WIDTH, "height": HEIGHT, "annotations": None,
        "proposals": None, "rejection": None, "annotated_by": [], "agreement": None,
        "lease_expires_at": NOW_MS + LEASE_MS,
        **changes,
    }  # fmt: skip


def attention(number: int, why: str, **changes: Any) -> dict[str, Any]:
    return {
        "image_id": f"i{number}", "name": f"incoming/line-2/part-{number:04}.jpg", "width": WIDTH, "height": HEIGHT,
        "image_url": f"{ORIGIN}/photos/{number}", "why": why, "annotations": None, "status": "REJECTED", **changes,
    }  # fmt: skip


def execution(machine: str, status: str, state: str | None) -> dict[str, Any]:
    return {
        "machine": machine, "name": "window-1795898899328", "status": status, "state": state,
        "problem": "failed: CapacityError: No ml.g5.xlarge is free" if status == "FAILED" else "",
        "started_at": "2026-11-30T10:00:00+00:00",
    }  # fmt: skip


def model(version: int, state: str, map50: float) -> dict[str, Any]:
    return {
        "version": version, "state": state, "said": "", "map50": map50, "map50_95": map50 / 2,
        "created": "2026-11-30T10:00:00+00:00", "dataset_version": "3f2a9c81", "training_job": "train-1",
    }  # fmt: skip


def device(thing: str, *, healthy: bool | None = True, **changes: Any) -> dict[str, Any]:
    seen = "2026-11-30T10:00:00+00:00"
    told = {"model_state": "in service", "wrong": False, "silent": False, "problem": "", **changes}
    return {"thing": thing, "status": "HEALTHY", "model": "1.0.2", "healthy": healthy, "seen_at": seen, **told}


SICK = "line-2 is not healthy: its components are UNHEALTHY"


def overview() -> dict[str, Any]:
    return {
        "images": {"NEW": 7, "CLAIMED": 18, "APPROVED": 1204, "REJECTED": 3, "QUARANTINED": 2},
        "executions": [
            execution("label_images", "RUNNING", "OpenLabelingJob"), execution("train_model", "FAILED", "TrainModel"),
            execution("deploy_model", "SUCCEEDED", None),
        ],
        "models": [model(3, "candidate", 0.934), model(2, "in service", 0.912), model(1, "rejected", 0.61)],
        "devices": [device("line-1"), device("line-2", healthy=False, problem=SICK), device("line-3", healthy=None)],
        "image_problem": None,
    }  # fmt: skip


def workflow(machine: str) -> dict[str, Any]:
    steps = ["ClaimNewImages", "AreThereImages", "ProposeLabels", "OpenLabelingJob", "ConsolidateLabels",
             "RecordLabels", "OpenVerificationJob", "ReadVerification", "SettleRound", "Done"]  # fmt: skip
    return {
        "machine": machine, "start": steps[0], "states": [{"name": name, "type": "Task"} for name in steps],
        "edges": [{"from": one, "to": other, "label": ""} for one, other in pairwise(steps)],
    }  # fmt: skip


def verified(number: int) -> dict[str, Any]:
    """A labelled image that waits for verification."""
    boxes = [box(40 + 10 * number, 50, 60, 40), box(220, 140, 90, 70, 1)]
    return task(number, annotations=boxes[: 1 + number % 2], annotated_by=["bert"], agreement=0.92)


@dataclass
class FakeApi:
    """What the API has, and what it was told: change the fields before the page asks."""

    four_eyes: bool = True
    jobs: list[dict[str, Any]] = field(default_factory=lambda: [job(), job("verification", total=30, remaining=30)])
    tasks: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {
            "labeling": [task(number) for number in range(1, 19)],
            "verification": [verified(number) for number in range(1, 13)],
        }
    )
    attention: list[dict[str, Any]] = field(
        default_factory=lambda: [
            attention(31, "skipped by bert: The photo is blurred or too dark"),
            attention(32, "the model in service contradicts its label", annotations=[box(90, 80, 80, 60)]),
        ]
    )
    overview: dict[str, Any] = field(default_factory=overview)
    classes: list[str] = field(default_factory=lambda: CLASSES)
    photos: dict[int, bytes] = field(default_factory=dict)  # others are noise
    first_sign_in: bool = False
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def serve(self, route: Route) -> None:
        """Answer a request of the page."""
        request = route.request
        path = request.url.removeprefix(ORIGIN).split("?")[0]
        file = "index.html" if path == "/" else path.removeprefix("/console/")
        if path == "/" or (path.startswith("/console/") and (ROOT / "console" / file).is_file()):
            kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
            body = (ROOT / "console" / file).read_bytes()
            route.fulfill(body=body, headers=self.headers, content_type=kinds[file.rpartition(".")[2]])
        elif path.startswith("/photos/"):
            number = int(path.rpartition("/")[2])
            route.fulfill(body=self.photos.get(number) or photo(number), content_type="image/jpeg")
        else:
            status, answer = self.answer(request.method, path, request.post_data_json if request.post_data else None)
            route.fulfill(status=status, body=json.dumps(answer), content_type="application/json")

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """What the API answers, and what its document says that it may."""
        if method != "GET":
            self.told.append((method, path, body))
        for pattern, answer in self._routes.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                status, said = answer(*found.groups(), body)
                break
        else:
            status, said = 404, {"message": f"nothing at {path}"}
        headers = {"x-content-type-options": "nosniff", "content-type": "application/json", "cache-control": "no-store"}
        event = {"rawPath": path, "requestContext": {"http": {"method": method}}}
        openapi.holds(event, {"statusCode": status, "headers": headers, "body": json.dumps(said)})
        return status, said

    @property
    def _routes(self) -> dict[str, Callable[..., tuple[int, Any]]]:
        return {
            "POST /session": self._session,
            "DELETE /session": lambda _: (204, None),
            "GET /jobs": lambda _: (200, {"jobs": self.jobs, "four_eyes": self.four_eyes}),
            "GET /jobs/([^/]+)": self._job,
            "POST /jobs/([^/]+)/next": self._next,
            "GET /jobs/[^/]+/tasks/([^/]+)": self._task,
            "POST /jobs/[^/]+/tasks/([^/]+)/answer": self._answered,
            "POST /jobs/[^/]+/tasks/[^/]+/lease": lambda _: (200, {"lease_expires_at": NOW_MS + LEASE_MS}),
            "DELETE /jobs/[^/]+/tasks/[^/]+/lease": lambda _: (204, None),
            "GET /overview": lambda _: (200, self.overview),
            "GET /workflows/(.+)": lambda machine, _: (200, workflow(machine)),
            "GET /attention": lambda _: (200, {"images": self.attention, "classes": self.classes}),
            "POST /attention/(.+)": lambda image, _: (200, {"image_id": image, "status": "QUARANTINED"}),
            "POST /models/(.+)/approval": lambda version, _: (200, {"version": int(version), "state": "approved"}),
        }

    def _session(self, body: Any) -> tuple[int, Any]:
        if self.first_sign_in and "new_password" not in body:
            return 409, {"message": "choose", "challenge": "NEW_PASSWORD_REQUIRED", "session": "s"}
        return 200, {**SESSION, "expires_in": 3600}

    def _job(self, job_id: str, _: Any) -> tuple[int, Any]:
        found = next((each for each in self.jobs if each["job_id"] == job_id), None)
        if not found:
            return 404, {"message": f"no job {job_id}"}
        workers = {"anna": {"answers": 4, "per_hour": 212.0}, "bert": {"answers": 2, "per_hour": None}}
        return 200, {**found, "workers": workers, "answers": 6, "per_hour": 212.0, "agreement": None, "skipped": 1}

    def _next(self, job_id: str, body: Any) -> tuple[int, Any]:
        left = [each for each in self.tasks[job_id.split(".")[1]] if each["task_id"] not in self.answers]
        return 200, {"tasks": left[: body["count"]]}

    def _task(self, task_id: str, _: Any) -> tuple[int, Any]:
        found = next(each for each in chain(*self.tasks.values()) if each["task_id"] == task_id)
        return 200, {**found, "answer": self.answers.get(task_id)}

    def _answered(self, task_id: str, body: Any) -> tuple[int, Any]:
        self.answers[task_id] = body
        return 200, {"status": "saved", "remaining": self.jobs[0]["remaining"] - len(self.answers)}


def headers_of(serve_console: ModuleType) -> dict[str, str]:
    """The headers that the function of the page gives every file."""
    given: dict[str, str] = serve_console.headers()
    return given
