"""The tasks table in memory, and a workflow that waits with a token."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sightline.labelling.jobs import Jobs
from sightline.labelling.lines import AskedImage
from sightline.labelling.tasks import JobKind, NewJob
from tests.fake_cloud import Cloud
from tests.given_aws import GivenAws

TABLE = "TasksTable"


class Workflow:
    """Step Functions: what each token was answered; a `broken` one hears nothing."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.broken = False

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        if self.broken:
            raise ClientError({"Error": {"Code": "InternalError", "Message": "as AWS says it"}}, "SendTaskSuccess")
        self.told.append((taskToken, json.loads(output)))


class Room:
    """A stack's labelling, as far as it needs no function."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self.workflow = Workflow()
        self.aws = GivenAws(stepfunctions=self.workflow)
        self.jobs = Jobs(self.aws, TABLE)

    def open(self, job_id: str, images: int = 1, annotators: int = 1, token: str = "token") -> int:
        asked: list[AskedImage] = [
            {"image_id": f"{n:02}", "bucket": "images", "key": f"{n}.jpg", "width": 64, "height": 64, "rank": n}
            for n in range(images)
        ]
        return self.jobs.open(NewJob(job_id, JobKind.LABELING, 1, ("scratch",), annotators, token), asked)


@pytest.fixture
def room() -> Iterator[Room]:
    with mock_aws():
        yield Room()
