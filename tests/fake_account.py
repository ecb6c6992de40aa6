"""What deploy_model needs of AWS, in memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sightline.aws.table import Table
from sightline.rollout.deployments import Deployments
from tests.fake_greengrass import GROUP_ARN, FakeGreengrass
from tests.given_aws import GivenAws
from tests.named import STACK

EVENTS = Path(__file__).parents[1] / "events"
DEPLOYMENTS_TABLE: Any = {
    "TableName": "deployments",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}
MODELS = "sightline-models"
LIMITS = {"abort_percentage": 20, "min_proven_percentage": 50, "max_disagreement": 0.3, "max_latency_ms": 2000}


class Answers:
    """Step Functions, as far as task tokens go: a token is answered once."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.heartbeats: list[str] = []
        self.gone: set[str] = set()
        self.crash = False
        self.ended: set[str] = set()  # the ARNs of executions
        self.exceptions = SimpleNamespace(ExecutionDoesNotExist=KeyError)

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:  # noqa: N803
        return {"status": "ABORTED" if executionArn in self.ended else "RUNNING"}

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        self._send("SendTaskSuccess", taskToken, json.loads(output))

    def send_task_heartbeat(self, *, taskToken: str) -> None:  # noqa: N803
        if taskToken in self.gone:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, "SendTaskHeartbeat")
        self.heartbeats.append(taskToken)

    def _send(self, operation: str, token: str, answer: Any) -> None:
        if self.crash:
            raise ClientError({"Error": {"Code": "InternalError", "Message": ""}}, operation)
        if token in self.gone:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, operation)
        self.gone.add(token)
        self.sent.append((token, answer))


@pytest.fixture
def account(aws: GivenAws) -> Iterator[SimpleNamespace]:
    """`fleet` (FakeGreengrass), `answers` (what workflows were told), `environment`, `event(name)`, `record()` (the
    roll-out's item) and `rollout()` (the same, read).
    """
    with mock_aws():
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        dynamodb.create_table(**DEPLOYMENTS_TABLE)
        s3.create_bucket(Bucket="artifacts")
        fleet, answers = FakeGreengrass(), Answers()
        sagemaker = boto3.client("sagemaker")
        sagemaker.create_model_package_group(ModelPackageGroupName=MODELS)
        aws.given["greengrassv2"] = fleet.serve(boto3.client("greengrassv2"))
        aws.given["iot"] = fleet.serve(boto3.client("iot"))
        aws.given["stepfunctions"] = answers
        table = Table(aws, "deployments")
        yield SimpleNamespace(
            aws=aws,
            fleet=fleet,
            answers=answers,
            s3=s3,
            sagemaker=sagemaker,
            environment={
                "STACK_NAME": STACK,
                "DEPLOYMENTS_TABLE": "deployments",
                "THING_GROUP_ARN": GROUP_ARN,
                "ARTIFACTS_BUCKET": "artifacts",
                "CANARY_GROUP_ARN": "",
                "HEALTH_TIMEOUT_SECONDS": "900",
                "STAGE_TIMEOUT_SECONDS": "3600",
                "BAKE_SECONDS": "600",
                "ROLLOUT_PER_MINUTE": "50",
                "ROLLOUT_LIMITS": json.dumps(LIMITS),
                "MODEL_PACKAGE_GROUP": MODELS,
                "FOUR_EYES": "off",
                "USER_POOL_ID": "us-east-1_none",
            },
            event=lambda name: json.loads((EVENTS / f"{name}.json").read_text()),
            record=lambda: table.get({"pk": f"group#{GROUP_ARN}"}),
            rollout=Deployments(aws, "deployments", GROUP_ARN).current,
            context=SimpleNamespace(
                function_name="function",
                memory_limit_in_mb=128,
                invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
                aws_request_id="request",
            ),
        )
