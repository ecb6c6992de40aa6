"""The labelling and training side of the cloud in memory: moto's services with the template's own tables."""

import io
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws
from PIL import Image

from tests.fake_builds import PROJECT, REPOSITORY
from tests.named import STACK
from tests.project import ROOT, template

REGION = "us-east-1"
MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:sightline-label-images"


def request(
    method: str, path: str, body: Any = None, worker: str = "anna", groups: str = "", **parameters: str
) -> dict[str, Any]:
    """What API Gateway hands a function when `worker` asks."""
    event: dict[str, Any] = json.loads((ROOT / "events" / "serve_labeling.json").read_text())
    event |= {"rawPath": path, "pathParameters": parameters, "routeKey": f"{method} {path}"}
    event["body"] = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    event["requestContext"]["http"] |= {"method": method, "path": path}
    claims = {"cognito:username": worker, "token_use": "id"} | ({"cognito:groups": f"[{groups}]"} if groups else {})
    event["requestContext"]["authorizer"]["jwt"]["claims"] = claims
    return event


def jpeg(seed: int, side: int = 64) -> bytes:
    """A small photo, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((side, side)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


class Cloud:
    """Buckets, tables, topic and state machine, and the environment that the functions get."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3", region_name=REGION)
        for bucket in ("images", "artifacts"):
            self.s3.create_bucket(Bucket=bucket)
            self.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        for name in ("ImagesTable", "TasksTable", "DeploymentsTable"):
            given = template()["Resources"][name]["Properties"]
            fields = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
            self.dynamodb.create_table(TableName=name, **{field: given[field] for field in fields if field in given})
        self.dead_letters = boto3.client("sqs", region_name=REGION).create_queue(QueueName="dead-letters")["QueueUrl"]
        topic = boto3.client("sns", region_name=REGION).create_topic(Name="notifications")["TopicArn"]
        self.queue = boto3.client("sqs", region_name=REGION).create_queue(QueueName="mail")["QueueUrl"]
        boto3.client("sns", region_name=REGION).subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:mail"
        )
        self.environment = {
            "IMAGES_BUCKET": "images",
            "ARTIFACTS_BUCKET": "artifacts",
            "IMAGES_TABLE": "ImagesTable",
            "TASKS_TABLE": "TasksTable",
            "DEPLOYMENTS_TABLE": "DeploymentsTable",
            "THING_GROUP_ARN": "arn:aws:iot:us-east-1:123456789012:thinggroup/line",
            "CLASSES": "scratch,dent",
            "MAX_ROUNDS": "2",
            "ANNOTATORS_PER_IMAGE": "1",
            "MAX_JOB_IMAGES": "100",
            "MAX_IMAGE_BYTES": "1000000",
            "LABELING_WINDOW_SECONDS": "60",
            "LABEL_IMAGES_ARN": MACHINE,
            "LEASE_SECONDS": "60",
            "FOUR_EYES": "off",
            "USER_POOL_ID": "us-east-1_none",
            "MIN_NEW_LABELS": "2",
            "FEATURE_GROUP": "labels",
            "NOTIFICATION_TOPIC": topic,
            "TRAINING_IMAGE_URI": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sightline-training:1",
            "TRAINING_IMAGE_REPOSITORY": REPOSITORY,
            "TRAINING_IMAGE_PROJECT": PROJECT,
            "TRAIN_MODEL_ARN": MACHINE.replace("label-images", "train-model"),
            "MODEL_PACKAGE_GROUP": "models",
            "STACK_NAME": STACK,
            "HYPERPARAMETERS": "{}",
            "USE_SPOT_TRAINING": "true",
            "MIN_MAP": "0.5",
            "MIN_RECALL": "0.3",
            "MAX_LATENCY_MS": "500",
            "MAX_MODEL_BYTES": "20000000",
            "QUEUE_URL": self.queue,
            "DEAD_LETTERS_URL": self.dead_letters,
        }
        self.context = SimpleNamespace(
            function_name="f",
            memory_limit_in_mb=128,
            invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
            aws_request_id="1",
            get_remaining_time_in_millis=lambda: 900_000,
        )

    def event(self, name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
        return loaded

    def write_lines(self, key: str, lines: list[dict[str, Any]]) -> str:
        self.s3.put_object(
            Bucket="artifacts", Key=key, Body="".join(json.dumps(line) + "\n" for line in lines).encode()
        )
        return f"s3://artifacts/{key}"

    def read(self, key: str, bucket: str = "artifacts") -> bytes:
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def read_lines(self, key: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.read(key).splitlines()]

    def objects(self, bucket: str = "artifacts") -> list[str]:
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def mail(self) -> list[dict[str, Any]]:
        """The messages that people got."""
        found = boto3.client("sqs", region_name=REGION).receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]

    def set_aside(self) -> dict[str, str]:
        """The messages in the dead-letter queue: body → why it lies there."""
        found = boto3.client("sqs", region_name=REGION).receive_message(
            QueueUrl=self.dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return {one["Body"]: one["MessageAttributes"]["reason"]["StringValue"] for one in found.get("Messages", [])}

    def upload(
        self, name: str, body: bytes, sequencer: str = "1", kind: str = "Object Created", **metadata: str
    ) -> dict[str, Any]:
        """Put an object under incoming/, or delete it; answers the SQS record of its event."""
        record = self.event("register_images")["Records"][0]
        inner = json.loads(record["body"])
        item: dict[str, Any] = {"key": f"incoming/{name}", "size": len(body), "sequencer": sequencer}
        if kind == "Object Created":
            put = self.s3.put_object(Bucket="images", Key=item["key"], Body=body, Metadata=metadata)
            item["version-id"] = put["VersionId"]
        else:
            item["version-id"] = self.s3.delete_object(Bucket="images", Key=item["key"])["VersionId"]
        inner["detail-type"] = kind
        inner["detail"] |= {"bucket": {"name": "images"}, "object": item}
        return {**record, "messageId": f"message-{name}-{sequencer}", "body": json.dumps(inner)}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield Cloud()
