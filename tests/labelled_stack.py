"""A stack with a few images, and labels that others made for them."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from client import pipeline
from client.formats.report import Report
from client.labels import bringing, importing
from sightline.images.image import Image
from tests.given_aws import GivenAws

CLASSES = ["scratch", "dent"]


def image(name: str, status: str = "NEW", body: bytes | None = None) -> dict[str, Any]:
    """Return an image of the ledger, with a label."""
    digest = hashlib.sha256(body if body is not None else name.encode()).hexdigest()
    return {
        "image_id": digest, "bucket": "images", "key": f"incoming/{name}", "status": status, "width": 60, "height": 40,
        "bytes": 1, "captured_at": "2026-11-20T09:00:00Z", "source": "upload",
        "label_ref": "s3://artifacts/labeling/window-1/output.manifest", "updated_at": "2026-11-20T09:30:00.000001",
        "annotations": [{"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}],
    }  # fmt: skip


def labelled_stack(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a stack: `ledger` is the list of its images, `started` are the executions, `files` the objects.

    `took` is how many labels each execution takes, all where it says nothing.
    `uploads` are the moments of objects under incoming/, `free` what nobody has begun with in a labelling job.
    """
    made = SimpleNamespace(ledger=[], started={}, files={}, ended=set(), outputs={}, uploads={}, free={}, took=[])
    made.outputs = {
        "ImagesBucketName": "images",
        "TasksTableName": "tasks",
        "ArtifactsBucketName": "artifacts",
        "LabelImagesArn": "arn:aws:states:r:1:stateMachine:s-label-images",
    }

    class ExecutionAlreadyExistsError(Exception): ...

    def start(*, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        if name in made.started:
            raise ExecutionAlreadyExistsError
        made.started[name] = json.loads(input)

    def describe(*, executionArn: str) -> dict[str, str]:  # noqa: N803
        return {"status": "FAILED" if executionArn.rsplit(":", 1)[1] in made.ended else "RUNNING"}

    client = SimpleNamespace(
        start_execution=start,
        describe_execution=describe,
        exceptions=SimpleNamespace(ExecutionAlreadyExists=ExecutionAlreadyExistsError),
        put_object=lambda **given: made.files.__setitem__(given["Key"], given["Body"]),
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"Contents": listed(made)}]),
        head_object=lambda **_: None,
    )
    made.aws = GivenAws(s3=client, stepfunctions=client)
    monkeypatch.setattr(pipeline, "parameters", lambda _: {"Classes": ",".join(CLASSES), "MaxJobImages": "2"})
    ledger = SimpleNamespace(
        with_status=lambda status: [Image.from_item(entry) for entry in made.ledger if entry["status"] == status],
        image=lambda image_id: next((Image.from_item(one) for one in made.ledger if one["image_id"] == image_id), None),
        places=SimpleNamespace(at=lambda _, key: next((one for one in made.ledger if one["key"] == key), None)),
    )
    monkeypatch.setattr("sightline.labelling.taking.Taking.untouched", lambda _, job: made.free.get(job))
    monkeypatch.setattr("client.labels.claimed.SECONDS", 0.0)
    monkeypatch.setattr(bringing, "claimed", lambda _, arn: made.took.pop(0) if made.took else brought(made, arn))
    monkeypatch.setattr(pipeline, "ledger", lambda _: ledger)
    return made


def brought(made: Any, arn: str) -> int:
    key = made.started[arn.rsplit(":", 1)[1]]["labels_uri"].split("/", 3)[3]
    return len(made.files[key].splitlines())


def listed(made: Any) -> list[dict[str, Any]]:
    return [{"Key": key, "Size": 9, "LastModified": moment} for key, moment in made.uploads.items()]


def coco(folder: Path, *names: str, **box: Any) -> Path:
    """Write a COCO file with a box in each of these images. Return its path."""
    entries = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": box.get("bbox", [1, 2, 3, 4])} for n in range(len(names))
    ]
    value = {"images": entries, "annotations": boxes, "categories": [{"id": 1, "name": box.get("name", "dent")}]}
    path = folder / "labels.json"
    path.write_text(json.dumps(value))
    return path


def read(
    target: Any, path: Path, beside: Path | None = None, **classes: str
) -> tuple[list[importing.ImageLabel], Report]:
    """Return the labels of a COCO file, and what was not taken."""
    report = Report()
    return importing.read(target, "coco", path, report, beside, classes).lines, report
