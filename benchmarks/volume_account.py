"""An account in this process for benchmarks of many images: buckets, tables and a queue in memory, the real functions
and workflows, and people who answer.
"""

import importlib.util
import io
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image as Picture

from benchmarks.common import ROOT
from sightline import names
from sightline.images.places import image_key
from sightline.labelling.answers import Answers
from sightline.labelling.leases import Leases
from tests import hashes, images
from tests.given_aws import GivenAws
from tests.integration.test_label_images_paths import SETTINGS
from tests.integration.test_train_model_paths import SUBSTITUTIONS
from tests.memory_cloud import MemoryBuckets, MemoryQueue, MemoryTables
from tests.moto_machine import Machine

BATCH = 10  # messages of uploads in one call of RegisterImages
LEASED = 50  # tasks that one person takes at a time
CPU_MB = 1769  # memory of a function that has one whole processor: what the seconds here are

# What PlanTraining says where nothing is to be trained.
NOT_TRAINED: dict[str, object] = {
    "changed": False, "reason": "no training is measured here", "fingerprint": "", "dataset_version": "",
    "training_job": "", "evaluation_job": "", "imported": False, "hyperparameters": {}, "training_inputs": [],
    "evaluation_inputs": [], "spot": False, "stopping_condition": {}, "checkpoints_uri": "", "evaluation_uri": "",
    "champion_arn": "",
}  # fmt: skip


def photo(seed: int) -> bytes:
    """A JPEG of 64×64 pixels, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Picture.fromarray(pixels).resize((64, 64)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


class Account:
    """The services in memory, and what they were asked."""

    def __init__(self, job_images: int) -> None:

        self.s3 = MemoryBuckets("images", "artifacts")
        self.tables = MemoryTables("ImagesTable", "TasksTable")
        self.aws = GivenAws(s3=self.s3, dynamodb=self.tables, sqs=MemoryQueue())
        self.calls: dict[str, int] = defaultdict(int)
        self.seconds: dict[str, float] = defaultdict(float)  # of functions
        self.context = SimpleNamespace(
            function_name="f", memory_limit_in_mb=CPU_MB, aws_request_id="1",
            get_remaining_time_in_millis=lambda: 900_000,
            invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
        )  # fmt: skip
        self.environment = {
            "IMAGES_BUCKET": "images", "ARTIFACTS_BUCKET": "artifacts", "IMAGES_TABLE": "ImagesTable",
            "TASKS_TABLE": "TasksTable", "CLASSES": "scratch,dent", "MAX_ROUNDS": "2", "ANNOTATORS_PER_IMAGE": "1",
            "MAX_JOB_IMAGES": str(job_images), "MAX_IMAGE_BYTES": "1000000", "LABELING_WINDOW_SECONDS": "60",
            "LABEL_IMAGES_ARN": "arn:aws:states:us-east-1:1:stateMachine:l", "MIN_NEW_LABELS": "1000000",
            "FEATURE_GROUP": "", "MODEL_PACKAGE_GROUP": "models", "DEAD_LETTERS_URL": "none", "QUEUE_URL": "none",
        }  # fmt: skip

    @cache  # noqa: B019
    def function(self, name: str) -> Callable[[Any, Any], Any]:
        """Return a function's handler, in this account."""
        if name == "prepare_training_image":
            return lambda *_: {"uri": "none", "ready": True, "reason": ""}
        if name == "plan_training":
            return lambda *_: NOT_TRAINED
        path = ROOT / "functions" / name / "app.py"
        spec = importlib.util.spec_from_file_location(f"volume_{name}", path)
        assert spec and spec.loader, path
        module = importlib.util.module_from_spec(spec)
        with mock.patch("sightline.aws.clients.Aws", lambda: self.aws), mock.patch.dict(os.environ, self.environment):
            spec.loader.exec_module(module)

        def handler(event: Any, context: Any) -> Any:
            start = time.perf_counter()
            try:
                return module.handler(event, context)
            finally:
                self.calls[name] += 1
                self.seconds[name] += time.perf_counter() - start

        return handler


@contextmanager
def timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[phase] += time.perf_counter() - start


def upload(account: Account, images: int) -> None:
    """Upload images, and hand their events to RegisterImages, ten at a time."""
    sample = json.loads((ROOT / "events" / "register_images.json").read_text())["Records"][0]
    register = account.function("register_images")
    for first in range(0, images, BATCH):
        records = []
        for number in range(first, min(first + BATCH, images)):
            key, body = f"incoming/{number:06}.jpg", photo(number)
            version = account.s3.put_object(Bucket="images", Key=key, Body=body)["VersionId"]
            told = json.loads(sample["body"])
            item = {"key": key, "size": len(body), "version-id": version, "sequencer": f"{number:016X}"}
            told["detail"] |= {"bucket": {"name": "images"}, "object": item}
            records.append({**sample, "messageId": f"m-{number}", "body": json.dumps(told)})
        answer = register({"Records": records}, account.context)
        if answer["batchItemFailures"]:
            raise RuntimeError(f"not registered: {answer}")


def answer(account: Account, job_id: str, kind: str) -> None:
    """One person answers every task of a job: a box for each image, a yes for each label."""

    leases, answers = Leases(account.aws, "TasksTable"), Answers(account.aws, "TasksTable")
    worker, given = ("anna", {"annotations": [images.BOX]}) if kind == "labeling" else ("ben", {"approved": True})
    while tasks := leases.next(job_id, worker, 600, LEASED):
        for task in tasks:
            answers.save(job_id, task.image["image_id"], worker, given)  # type: ignore[arg-type]


class Flow:
    """The two workflows, and people who answer when a job is open."""

    def __init__(self, account: Account, seconds: dict[str, float]) -> None:

        self.account, self.seconds = account, seconds
        self.label = Machine("label_images", self.handler_of, account.context, {"TrainModelArn": "none", **SETTINGS})
        self.train = Machine("train_model", self.handler_of, account.context, SUBSTITUTIONS)
        account.aws.given["stepfunctions"] = self.label.client
        self.largest = self.longest = self.states = self.executions = 0

    def handler_of(self, name: str) -> Callable[[Any, Any], Any]:
        def handle(event: Any, context: Any) -> Any:
            said = self.account.function(name)(event, context)
            if name in ("open_labeling_job", "open_verification_job"):
                kind = "labeling" if name == "open_labeling_job" else "verification"
                with timed(self.seconds, "people"):
                    answer(self.account, names.task_job(event["job_id"], kind, event["round"]), kind)
            return said

        return handle

    def run(self, machine: Any, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run an execution to its end, and note its history. Return its output."""
        arn = machine.start(name, request)
        while (told := machine.client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.25)  # each look at an execution takes the processor from it
        if told["status"] != "SUCCEEDED":
            raise RuntimeError(f"{name} {told['status']}: {told.get('error')} {told.get('cause')}")
        pages = machine.client.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        self.executions += 1
        self.longest = max(self.longest, len(events))
        self.states += sum("stateEnteredEventDetails" in event for event in events)
        said = [details for event in events for name, details in event.items() if name.endswith("EventDetails")]
        texts = [value for details in said for value in details.values() if isinstance(value, str)]
        self.largest = max(self.largest, *(len(text.encode()) for text in texts))
        output: dict[str, Any] = json.loads(told["output"])
        return output


def approved(number: int) -> dict[str, object]:
    """The row of an approved image, as the whole way leaves it; its photo is like no other."""

    found = replace(
        images.approved(number, images.BOX), phash=hashes.photo(number), version_id="v1", claimed_by="window-0"
    )
    return {**image_key(found.image_id), **replace(found, correlation_id="window-0", rounds=1).to_item()}
