"""What a stack has used: asked of a CloudWatch and a Cost Explorer that answer what a test wrote into them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from client.costs import used
from client.costs.used import Period
from client.target import Target
from tests.given_aws import GivenAws

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PERIOD = Period(NOW - timedelta(days=2), NOW)
OUTPUTS = {
    "StackName": "sightline-dev",
    **{f"{name}Arn": f"arn:{name}" for name in ("LabelImages", "TrainModel", "DeployModel", "ScoreBatch")},
}
NAMES = {
    "JudgeModelFunction": "judge",
    "RegisterImagesFunction": "register",
    "UploadsQueue": "https://sqs.us-east-1.amazonaws.com/1/uploads",
    "ImagesTable": "images",
    "LabelingApi": "api1",
}
SUMS = {  # metric, dimensions: sum
    ("Invocations", "judge"): 10.0,
    ("Duration", "judge"): 4000.0,
    ("Invocations", "register"): 3.0,
    ("NumberOfMessagesSent", "uploads"): 20.0,
    ("NumberOfEmptyReceives", "uploads"): 5.0,
    ("ConsumedWriteCapacityUnits", "images"): 7.0,
    ("ConsumedWriteCapacityUnits", "images by_status"): 2.0,
    ("Count", "api1"): 40.0,
}


class Pages:
    """A paginator that gives one page."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def paginate(self, **asked: Any) -> Iterator[Any]:
        yield self.answer(asked) if callable(self.answer) else self.answer


def sums(asked: dict[str, Any]) -> dict[str, Any]:
    assert len(asked["MetricDataQueries"]) <= used.QUERIES
    found = []
    for query in asked["MetricDataQueries"]:
        metric = query["MetricStat"]["Metric"]
        of = " ".join(entry["Value"] for entry in metric["Dimensions"])
        total = SUMS.get((metric["MetricName"], of), 0.0)
        found.append({"Id": query["Id"], "Values": [total / 2, total / 2]})
    return {"MetricDataResults": found}


def client(**pages: Any) -> Any:
    return SimpleNamespace(get_paginator=lambda name: Pages(pages[name]))


def executions(asked: dict[str, Any]) -> dict[str, Any]:
    begun = {"label": NOW - timedelta(hours=3), "old": NOW - timedelta(days=9)}
    found = [{"executionArn": name, "startDate": at, "name": name} for name, at in begun.items()]
    return {"executions": found if asked["stateMachineArn"] == "arn:LabelImages" else []}


def history(_asked: dict[str, Any]) -> dict[str, Any]:
    return {"events": [{"type": kind} for kind in ("ExecutionStarted", "ChoiceStateEntered", "TaskStateEntered")]}


def target(cost_explorer: Any = None, endpoint: str | None = None) -> Target:
    begun = NOW - timedelta(hours=2)
    sagemaker = client(
        list_training_jobs={"TrainingJobSummaries": [{"TrainingJobName": "sightline-dev-1"}]},
        list_processing_jobs={"ProcessingJobSummaries": [{"ProcessingJobName": "sightline-dev-1"}]},
    )
    sagemaker.describe_training_job = lambda **_: {
        "BillableTimeInSeconds": 1800, "ResourceConfig": {"InstanceType": "ml.m5.xlarge"},
    }  # fmt: skip
    sagemaker.describe_processing_job = lambda **_: {
        "ProcessingStartTime": begun, "ProcessingEndTime": begun + timedelta(minutes=15),
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}},
    }  # fmt: skip
    resources = [{"LogicalResourceId": name, "PhysicalResourceId": physical} for name, physical in NAMES.items()]
    made = Target(OUTPUTS, None, endpoint)
    made.__dict__["aws"] = GivenAws(
        cloudwatch=client(get_metric_data=sums),
        cloudformation=client(list_stack_resources={"StackResourceSummaries": resources}),
        stepfunctions=client(list_executions=executions, get_execution_history=history),
        sagemaker=sagemaker,
        ce=cost_explorer,
    )
    return made


def quantities(made: Target) -> dict[str, float]:
    found: dict[str, float] = {}
    for use in used.work(made, PERIOD):
        found[use.price] = found.get(use.price, 0.0) + use.quantity
    return {price: round(number, 6) for price, number in found.items() if number}


def test_what_cloudwatch_counts_becomes_quantities_of_the_bill() -> None:
    assert quantities(target()) == {
        "lambda.request": 13,
        "lambda.gb_second": 4 * 0.5,  # 512 MB
        "sqs.request": 25,
        "dynamodb.write": 9,
        "api_gateway.request": 40,
        "xray.trace": 3 + 40,  # uploads and requests begin a trace; the calls of a workflow are part of its own
        "states.transition": 2,  # of the execution that began in the time
        "sagemaker.hour.ml.m5.xlarge": 0.5,
        "sagemaker.hour.ml.m5.large": 0.25,
    }


def test_on_this_machine_a_function_is_priced_as_one_with_a_whole_processor() -> None:
    assert quantities(target(endpoint="http://127.0.0.1:4566"))["lambda.gb_second"] == pytest.approx(4 * 1769 / 1024)


def test_images_are_the_uploads_that_were_announced() -> None:
    assert used.images(target(), PERIOD) == 20


def explorer(answer: Any) -> Any:
    asked: list[dict[str, Any]] = []

    def get_cost_and_usage(**request: Any) -> Any:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SimpleNamespace(get_cost_and_usage=get_cost_and_usage, asked=asked)


def group(service: str, usd: str) -> dict[str, Any]:
    return {"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": usd}}}


def test_cost_explorer_is_asked_by_the_stacks_tag_and_summed_over_months() -> None:
    months = [
        {"Groups": [group("AWS Lambda", "1.5")]},
        {"Groups": [group("AWS Lambda", "0.5"), group("Amazon S3", "3")]},
    ]
    given = explorer({"ResultsByTime": months})
    assert used.billed(target(given), PERIOD) == used.Billed({"AWS Lambda": 2.0, "Amazon S3": 3.0})
    assert given.asked[0]["Filter"] == {"Tags": {"Key": "sightline-stack", "Values": ["sightline-dev"]}}
    assert given.asked[0]["TimePeriod"] == {"Start": "2026-11-28", "End": "2026-12-01"}


def test_who_may_not_ask_cost_explorer_is_told_so_in_one_line() -> None:
    refused = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no right"}}, "GetCostAndUsage")
    billed = used.billed(target(explorer(refused)), PERIOD)
    assert billed.services == {}
    assert billed.reason.startswith("Cost Explorer: not allowed: ")
    assert "no right" in billed.reason
    assert "\n" not in billed.reason


def test_a_tag_that_is_not_active_yet_is_said_to_be() -> None:
    nothing = used.billed(target(explorer({"ResultsByTime": [{"Groups": []}]})), PERIOD)
    assert (
        nothing.reason == "Cost Explorer: nothing yet; has the tag sightline-stack been activated for cost allocation?"
    )


def test_on_this_machine_nobody_asks_cost_explorer() -> None:
    assert used.billed(target(endpoint="http://127.0.0.1:4566"), PERIOD).reason
