"""What a stack costs in a month in which nothing happens: no image, no device, nobody signed in.

Every type of resource of the template is in `FREE`, with the reason, or in `PRICED`; a type in neither is an error, so
that nothing comes into the template without its idle price.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from client.costs.bill import Use
from client.costs.prices import DAYS, GB, HOURS
from client.costs.template import Template
from sightline.errors import SightlineError

FREE = {
    "AWS::ApiGatewayV2::Api": "requests are paid",
    "AWS::ApiGatewayV2::Authorizer": "part of the API",
    "AWS::ApiGatewayV2::Integration": "part of the API",
    "AWS::ApiGatewayV2::Route": "part of the API",
    "AWS::ApiGatewayV2::Stage": "requests are paid",
    "AWS::Budgets::Budget": "a budget that starts no action is free",
    "AWS::CodeBuild::Project": "minutes of builds are paid",
    "AWS::Cognito::UserPool": "people who sign in are paid",
    "AWS::Cognito::UserPoolClient": "part of the user pool",
    "AWS::Cognito::UserPoolGroup": "part of the user pool",
    "AWS::Cognito::UserPoolUser": "people who sign in are paid",
    "AWS::Cognito::UserPoolUserToGroupAttachment": "part of the user pool",
    "AWS::DynamoDB::Table": "on demand: requests and stored data are paid",
    "AWS::Events::Rule": "rules are free; S3's events are paid by each",
    "AWS::IAM::ManagedPolicy": "IAM is free",
    "AWS::IAM::Role": "IAM is free",
    "AWS::IoT::Policy": "messages are paid",
    "AWS::IoT::RoleAlias": "messages are paid",
    "AWS::IoT::ThingGroup": "messages are paid",
    "AWS::IoT::TopicRule": "messages are paid",
    "AWS::Lambda::Permission": "IAM is free",
    "AWS::Logs::LogGroup": "written and stored bytes are paid",
    "AWS::S3::Bucket": "requests and stored data are paid",
    "AWS::S3::BucketPolicy": "part of the bucket",
    "AWS::SNS::Subscription": "messages are paid",
    "AWS::SNS::Topic": "messages are paid",
    "AWS::SNS::TopicPolicy": "part of the topic",
    "AWS::SQS::Queue": "requests are paid; what polls the queue is priced with its function",
    "AWS::SQS::QueuePolicy": "part of the queue",
    "AWS::SageMaker::Endpoint": "serverless: calls are paid",
    "AWS::SageMaker::EndpointConfig": "part of the endpoint",
    "AWS::SageMaker::FeatureGroup": "on demand: writes and stored data are paid",
    "AWS::SageMaker::Model": "part of the endpoint",
    "AWS::SageMaker::ModelPackageGroup": "the registry is free",
    "AWS::Serverless::LayerVersion": "Lambda stores 75 GB without a price",
}

POLLERS, POLL_SECONDS = 5, 20  # Lambda developer guide: five connections wait for each queue, 20 seconds each
IMAGE_GB = 4.0  # of one training image in ECR, by estimate
FUNCTION_SECONDS = 1.0  # of a call that finds nothing to do, by estimate
LOG_BYTES = 2_000  # of such a call, by estimate
MEMORY_MB = 512  # as Globals has it
MINUTES = {"minute": 1, "hour": 60, "day": 1440}

# The states of an execution that finds nothing to do, by state machine; tests/unit/client/costs walks them.
IDLE_PATHS = {
    "LabelImages": ("IsWindowOpen", "ClaimNewImages", "AreThereNewImages", "NothingNew"),
    "TrainModel": (
        "PrepareTrainingImage", "SnapshotDataset", "PlanTraining", "HasAnythingChanged", "NothingChanged",
    ),
    "ScoreBatch": ("PlanShards", "AreThereImages", "NothingToScore"),
}  # fmt: skip
CALLS = {"LabelImages": 1, "TrainModel": 3, "ScoreBatch": 1}  # of functions, on these paths


class UnpricedResourceError(SightlineError):
    """A type of resource without an idle price."""


def uses(template: Template) -> Iterator[Use]:
    """Give what an idle stack uses in a month. Raise UnpricedResourceError for a type that nobody has priced."""
    for name, entry in template.resources.items():
        kind = entry["Type"]
        if kind in FREE:
            continue
        if kind not in PRICED:
            raise UnpricedResourceError(f"{name}: {kind} has no idle price; enter it in client/costs/idle.py")
        yield from PRICED[kind](template, name, entry.get("Properties", {}))


def _key(_template: Template, _name: str, _properties: Mapping[str, Any]) -> Iterator[Use]:
    yield Use("kms.key", 1, "key")


def _alarm(template: Template, name: str, properties: Mapping[str, Any]) -> Iterator[Use]:
    if int(str(template.value(properties["Period"]))) < 60 or "Metrics" in properties:
        raise UnpricedResourceError(
            f"{name}: an alarm of this kind has another price; enter it in client/costs/idle.py"
        )
    yield Use("cloudwatch.alarm", 1, "alarms")


def _repository(template: Template, _name: str, _properties: Mapping[str, Any]) -> Iterator[Use]:
    if not template.parameters.get("TrainingImageUri"):  # else no image is built
        yield Use("ecr.gb_month", IMAGE_GB, "training image", estimated=True)


def _function(template: Template, _name: str, properties: Mapping[str, Any]) -> Iterator[Use]:
    memory = int(properties.get("MemorySize", MEMORY_MB)) / 1024
    ready = template.value(properties.get("ProvisionedConcurrencyConfig"))
    if ready:
        number = int(str(template.value(ready["ProvisionedConcurrentExecutions"])))
        yield Use("lambda.provisioned_gb_second", number * memory * HOURS * 3600, "containers of predict kept ready")
    for event in properties.get("Events", {}).values():
        if event["Type"] == "SQS":
            asked = POLLERS * HOURS * 3600 / POLL_SECONDS
            yield Use("sqs.request", asked, "a function waits for uploads", estimated=True)
        elif event["Type"] == "ScheduleV2":
            times = calls_a_month(template, event["Properties"])
            yield Use("scheduler.call", times, "schedules")
            yield from _calls(times, memory)
        elif event["Type"] != "EventBridgeRule":  # a rule is free, and nothing calls it
            raise UnpricedResourceError(f"{event['Type']} has no idle price; enter it in client/costs/idle.py")


def _state_machine(template: Template, name: str, properties: Mapping[str, Any]) -> Iterator[Use]:
    for event in properties.get("Events", {}).values():
        if event["Type"] != "ScheduleV2":
            continue
        times = calls_a_month(template, event["Properties"])
        yield Use("scheduler.call", times, "schedules")
        yield Use("states.transition", times * len(IDLE_PATHS[name]), "workflows that find nothing to do")
        yield Use("xray.trace", times, "traces")
        yield from _calls(times * CALLS[name], MEMORY_MB / 1024)


def _calls(times: float, memory: float) -> Iterator[Use]:
    """Give calls of a function that finds nothing to do."""
    yield Use("lambda.request", times, "functions that find nothing to do")
    yield Use(
        "lambda.gb_second", times * FUNCTION_SECONDS * memory, "functions that find nothing to do", estimated=True
    )
    yield Use("cloudwatch.log_gb", times * LOG_BYTES / GB, "logs", estimated=True)
    yield Use("xray.trace", times, "traces")


def calls_a_month(template: Template, schedule: Mapping[str, Any]) -> float:
    """Return how often a schedule starts something in a month; 0 where it is off. Raise UnpricedResourceError."""
    if template.value(schedule.get("State", "ENABLED")) == "DISABLED":
        return 0.0
    expression = str(template.value(schedule["ScheduleExpression"]))
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if rate:
        return HOURS * 60 / (int(rate[1]) * MINUTES[rate[2]])
    if expression.startswith("cron("):  # once a day at most is usual; a denser one is an estimate too low
        return DAYS
    raise UnpricedResourceError(f"{expression!r} is no rate(…) and no cron(…)")


PRICED: dict[str, Callable[[Template, str, Mapping[str, Any]], Iterator[Use]]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::ECR::Repository": _repository,
    "AWS::KMS::Key": _key,
    "AWS::Serverless::Function": _function,
    "AWS::Serverless::StateMachine": _state_machine,
}
