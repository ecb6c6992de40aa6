"""Finding what upload events missed."""

import json
from typing import Any

import boto3

from tests.fake_cloud import REGION, Cloud, jpeg


def test_only_objects_that_the_ledger_does_not_know_are_sent_to_be_registered(
    step: Any, cloud: Cloud, monkeypatch: Any
) -> None:
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: None)
    step("register_images", {"Records": [cloud.upload("known.jpg", jpeg(1))]})
    cloud.upload("missed.jpg", jpeg(2))
    assert step("sweep_images") == {"listed": 2, "queued": 1}
    sqs = boto3.client("sqs", region_name=REGION)
    record = cloud.event("register_images")["Records"][0]
    body = sqs.receive_message(QueueUrl=cloud.queue)["Messages"][0]["Body"]
    assert json.loads(body)["detail"]["object"]["key"] == "incoming/missed.jpg"
    assert step("register_images", {"Records": [{**record, "body": body}]}) == {"batchItemFailures": []}
    assert step("sweep_images") == {"listed": 2, "queued": 0}
