"""What a stack has used: from CloudWatch and the histories of its workflows, and from Cost Explorer where allowed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from client import pipeline
from client.costs import idle
from client.costs.bill import Use
from client.costs.prices import GB, HOURS, INSTANCE
from client.costs.template import Template
from client.target import Target

TAG = "sightline-stack"  # on everything that is paid; its value is the stack's name
PROCESSOR_MB = 1769  # of memory with which a function of Lambda gets one whole processor
MACHINES = ("label_images", "train_model", "deploy_model", "score_batch")
TRANSITIONS_A_SHARD = 3  # the start of its execution, and two states
FIXED = ("kms.key", "cloudwatch.alarm", "ecr.gb_month", "lambda.provisioned_gb_second")  # go by time, not by work
QUERIES = 500  # in one request of GetMetricData, at most
NOT_COUNTED = "CloudWatch does not count by stack: requests of KMS, messages of IoT, data sent to the internet, users."


class Metric(NamedTuple):
    """A metric whose sum over the time is a quantity of the bill, multiplied by `factor`."""

    price: str
    what: str
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Period:
    """The time that a bill is for."""

    since: datetime
    until: datetime

    @classmethod
    def days(cls, number: int) -> "Period":
        now = datetime.now(UTC)
        return cls(now - timedelta(days=number), now)

    @property
    def hours(self) -> float:
        return (self.until - self.since).total_seconds() / 3600


def stack_name(target: Target) -> str:
    return target.outputs["StackName"]


def uses(target: Target, period: Period) -> Iterator[Use]:
    """Give what the stack used in the time, and what it costs by being there."""
    yield from work(target, period)
    template = Template.of(
        {name: value for name, value in pipeline.parameters(target).items() if name in Template.of({}).parameters}
    )
    for use in idle.uses(template):
        if use.price in FIXED:
            yield use.times(period.hours / HOURS)


def images(target: Target, period: Period) -> int:
    """Return how many uploads were announced in the time."""
    queue = _resources(target)["UploadsQueue"].rsplit("/", 1)[-1]
    uploads = Metric("", "", "AWS/SQS", "NumberOfMessagesSent", {"QueueName": queue})
    return round(sum(_sums(target, [uploads], period)))


def work(target: Target, period: Period) -> Iterator[Use]:
    """Give what was used by work alone."""
    metrics = _metrics(target)
    for metric, total in zip(metrics, _sums(target, metrics, period), strict=True):
        if total:
            estimated = metric.price in ("sqs.request", "xray.trace")
            yield Use(metric.price, total * metric.factor, metric.what, estimated)
    for machine in MACHINES:
        yield Use("states.transition", _transitions(target, machine, period), machine)
    yield from _jobs(target, period)


def _resources(target: Target) -> dict[str, str]:
    """Return the stack's resources: logical name → physical name."""
    pages = target.client("cloudformation").get_paginator("list_stack_resources")
    return {
        entry["LogicalResourceId"]: entry.get("PhysicalResourceId", "")
        for page in pages.paginate(StackName=stack_name(target))
        for entry in page["StackResourceSummaries"]
    }


def _metrics(target: Target) -> list[Metric]:
    """Return what CloudWatch counts of the stack's resources."""
    names = _resources(target)
    whole_processor = target.endpoint is not None  # on this machine a function has one, whatever its memory
    found: list[Metric] = []
    for logical, entry in Template.of({}).resources.items():
        name, properties = names.get(logical, ""), entry.get("Properties", {})
        if name and entry["Type"] in METERS:
            found += METERS[entry["Type"]](name, properties, whole_processor)
    return found


def _function(name: str, properties: Mapping[str, Any], whole_processor: bool) -> list[Metric]:
    memory = int(properties.get("MemorySize", idle.MEMORY_MB))
    paid = max(memory, PROCESSOR_MB) if whole_processor else memory
    events = {event["Type"] for event in properties.get("Events", {}).values()}
    of = {"FunctionName": name}
    metrics = [
        Metric("lambda.request", "functions", "AWS/Lambda", "Invocations", of),
        Metric("lambda.gb_second", "functions", "AWS/Lambda", "Duration", of, paid / 1024 / 1000),
    ]
    if events & {"SQS", "ScheduleV2", "EventBridgeRule"}:  # else the trace is the workflow's or the request's
        metrics.append(Metric("xray.trace", "traces of functions", "AWS/Lambda", "Invocations", of))
    return metrics


def _table(name: str, properties: Mapping[str, Any], _whole_processor: bool) -> list[Metric]:
    indexes = [index["IndexName"] for index in properties.get("GlobalSecondaryIndexes", [])]
    places: list[dict[str, str]] = [{}, *({"GlobalSecondaryIndexName": index} for index in indexes)]
    return [
        Metric(f"dynamodb.{way.lower()}", "tables", "AWS/DynamoDB", f"Consumed{way}CapacityUnits",
               {"TableName": name, **place})
        for place in places
        for way in ("Read", "Write")
    ]  # fmt: skip


def _queue(name: str, _properties: Mapping[str, Any], _whole_processor: bool) -> list[Metric]:
    of = {"QueueName": name.rsplit("/", 1)[-1]}
    counted = ("NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "NumberOfEmptyReceives")
    return [Metric("sqs.request", "queues", "AWS/SQS", metric, of) for metric in counted]


def _bucket(name: str, properties: Mapping[str, Any], _whole_processor: bool) -> list[Metric]:
    """Return metrics of requests, which S3 writes only where the bucket has request metrics under `EntireBucket`."""
    of = {"BucketName": name, "FilterId": "EntireBucket"}
    dear, cheap = ("PutRequests", "PostRequests", "ListRequests"), ("GetRequests", "HeadRequests")
    found = [Metric("s3.put", "requests", "AWS/S3", metric, of) for metric in dear]
    found += [Metric("s3.get", "requests", "AWS/S3", metric, of) for metric in cheap]
    if "NotificationConfiguration" in properties:
        announced = ("PutRequests", "DeleteRequests")
        found += [Metric("eventbridge.event", "events of the bucket", "AWS/S3", metric, of) for metric in announced]
    return found


def _api(name: str, _properties: Mapping[str, Any], _whole_processor: bool) -> list[Metric]:
    of = {"ApiId": name}
    return [
        Metric("api_gateway.request", "requests", "AWS/ApiGateway", "Count", of),
        Metric("xray.trace", "traces of requests", "AWS/ApiGateway", "Count", of),
    ]


def _log_group(name: str, _properties: Mapping[str, Any], _whole_processor: bool) -> list[Metric]:
    return [Metric("cloudwatch.log_gb", "logs", "AWS/Logs", "IncomingBytes", {"LogGroupName": name}, 1 / GB)]


def _feature_group(name: str, _properties: Mapping[str, Any], _whole_processor: bool) -> list[Metric]:
    of = {"FeatureGroupName": name, "OperationName": "PutRecord"}
    return [Metric("feature_store.write", "labels", "AWS/SageMaker/FeatureStore", "ConsumedWriteRequestsUnits", of)]


def _project(name: str, _properties: Mapping[str, Any], _whole_processor: bool) -> list[Metric]:
    of = {"ProjectName": name}
    return [Metric("codebuild.medium_minute", "training image", "AWS/CodeBuild", "Duration", of, 1 / 60)]


METERS = {
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::CodeBuild::Project": _project,
    "AWS::DynamoDB::Table": _table,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
    "AWS::SageMaker::FeatureGroup": _feature_group,
    "AWS::Serverless::Function": _function,
}


def _sums(target: Target, metrics: Sequence[Metric], period: Period) -> list[float]:
    """Return the sum of each metric over the time."""
    client = target.client("cloudwatch")
    seconds = 60 if period.hours < 24 else 3600
    totals = [0.0] * len(metrics)
    for first in range(0, len(metrics), QUERIES):
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in metric.dimensions.items()],
                    },
                    "Period": seconds,
                    "Stat": "Sum",
                },
            }
            for number, metric in enumerate(metrics[first : first + QUERIES], first)
        ]
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=period.since, EndTime=period.until
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                totals[int(result["Id"][1:])] += sum(result["Values"])
    return totals


def _transitions(target: Target, machine: str, period: Period) -> int:
    """Return how many states the executions that began in the time have entered."""
    began = [
        execution["executionArn"]
        for execution in pipeline.executions(target, machine)
        if period.since <= execution["startDate"] <= period.until
    ]
    entered = sum(event["type"].endswith("StateEntered") for arn in began for event in pipeline.history(target, arn))
    return entered + (sum(_shards(target, arn) for arn in began) if machine == "score_batch" else 0)


def _shards(target: Target, execution_arn: str) -> int:
    """Return how many states the shards of a scoring run have entered."""
    client = target.aws.step_functions
    runs = client.list_map_runs(executionArn=execution_arn)["mapRuns"]
    counts = [client.describe_map_run(mapRunArn=run["mapRunArn"])["executionCounts"]["total"] for run in runs]
    return sum(counts) * TRANSITIONS_A_SHARD


def _jobs(target: Target, period: Period) -> Iterator[Use]:
    """Give the hours of the stack's training and evaluation jobs that began in the time."""
    client, name = target.aws.sagemaker, stack_name(target)
    trainings = client.get_paginator("list_training_jobs").paginate(
        NameContains=name, CreationTimeAfter=period.since, CreationTimeBefore=period.until
    )
    for summary in (entry for page in trainings for entry in page["TrainingJobSummaries"]):
        job = client.describe_training_job(TrainingJobName=summary["TrainingJobName"])
        hours = job.get("BillableTimeInSeconds", 0) / 3600
        yield Use(INSTANCE + job["ResourceConfig"]["InstanceType"], hours, "training")
    evaluations = client.get_paginator("list_processing_jobs").paginate(
        NameContains=name, CreationTimeAfter=period.since, CreationTimeBefore=period.until
    )
    for found in (entry for page in evaluations for entry in page["ProcessingJobSummaries"]):
        of = client.describe_processing_job(ProcessingJobName=found["ProcessingJobName"])
        if "ProcessingStartTime" in of and "ProcessingEndTime" in of:
            hours = (of["ProcessingEndTime"] - of["ProcessingStartTime"]).total_seconds() / 3600
            yield Use(INSTANCE + of["ProcessingResources"]["ClusterConfig"]["InstanceType"], hours, "evaluation")


@dataclass(frozen=True, slots=True)
class Billed:
    """What Cost Explorer says: US dollars by service, or in one line why it says nothing."""

    services: Mapping[str, float]
    reason: str = ""


def billed(target: Target, period: Period) -> Billed:
    """Ask Cost Explorer for the costs of what carries the stack's tag. Each question costs 0.01 US dollars."""
    if target.endpoint:
        return Billed({}, "Cost Explorer: there is none on this machine.")
    days = {"Start": f"{period.since:%Y-%m-%d}", "End": f"{period.until + timedelta(days=1):%Y-%m-%d}"}
    try:
        answer = target.aws.client("ce").get_cost_and_usage(
            TimePeriod=days,
            Granularity="MONTHLY",
            Metrics=["UnblendedCost"],
            Filter={"Tags": {"Key": TAG, "Values": [stack_name(target)]}},
            GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
        )
    except (BotoCoreError, ClientError) as error:
        return Billed({}, f"Cost Explorer: not allowed: {error}")
    services: dict[str, float] = {}
    for month in answer["ResultsByTime"]:
        for group in month["Groups"]:
            usd = float(group["Metrics"]["UnblendedCost"]["Amount"])
            services[group["Keys"][0]] = services.get(group["Keys"][0], 0.0) + usd
    if not services:
        return Billed({}, f"Cost Explorer: nothing yet; has the tag {TAG} been activated for cost allocation?")
    return Billed(services)
