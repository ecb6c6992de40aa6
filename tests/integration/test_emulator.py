"""The emulator with its extension, over HTTP and with IAM in force: jobs, registry, feature store, and who may call
them.
"""

import json
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import emulator_process, stack
from local.account import read_credentials

PROJECT = Path(__file__).parents[2]
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sightline-training:0"
BUCKET = "emulator-test"
ACCOUNT = "000000000000"
EVERYTHING_FOR_JOBS: list[dict[str, Any]] = [
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
    {"Effect": "Allow", "Action": "logs:*", "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/*"},
]
# Trains or evaluates as its hyperparameters or arguments say, without PyTorch.
STUB = """
import json, os, pathlib, sys, time

if len(sys.argv) > 1 and sys.argv[1] == "evaluate":
    root = pathlib.Path(os.environ["SIGHTLINE_PROCESSING_DIR"])
    words = [path.read_text() for path in sorted((root / "input").rglob("*.txt"))]
    (root / "output" / "evaluation.json").write_text(json.dumps({"words": words, "mood": os.environ["MOOD"]}))
    sys.exit(0)
given = json.loads((pathlib.Path(os.environ["SM_INPUT_DIR"]) / "config" / "hyperparameters.json").read_text())
if given.get("fail"):
    (pathlib.Path(os.environ["SM_OUTPUT_DIR"]) / "failure").write_text(given["fail"])
    sys.exit(1)
for epoch in (1, 2):
    print(f"epoch={epoch} validation:map50={epoch / 10}", flush=True)
time.sleep(float(given.get("seconds", "0")))
files = sorted(path.name for path in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*") if path.is_file())
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model.json").write_text(json.dumps({"files": files, **given}))
"""
EMULATOR = """
import sys
from local.emulator import __main__ as emulator
from local.emulator.sagemaker import process
stub = sys.argv.pop()
process.COMMANDS |= {name: [sys.executable, stub, name] for name in ("train", "evaluate")}
emulator.main()
"""


def role(iam: Any, name: str, service: str, statements: list[dict[str, Any]]) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy)
    return str(arn)


def workflow_rights(job_role: str) -> list[dict[str, Any]]:
    rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/StepFunctionsGetEventsForSageMaker*"
    return [
        {"Effect": "Allow", "Action": "sagemaker:*", "Resource": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*"},
        {"Effect": "Allow", "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"], "Resource": rule},
        {
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": job_role,
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
    ]  # fmt: skip


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """An emulator with a bucket, a role for jobs and a queue that gets SageMaker's events."""
    root = tmp_path_factory.mktemp("emulator")
    (root / "stub.py").write_text(textwrap.dedent(STUB))
    port = emulator_process.free_port()
    pid = emulator_process.start(root, port, tied=True, program=("-c", EMULATOR, str(root / "stub.py")))
    try:
        client = stack.Stack(f"http://127.0.0.1:{port}", pid, {}, root).client
        s3, iam, sqs, events = client("s3"), client("iam"), client("sqs"), client("events")
        s3.create_bucket(Bucket=BUCKET)
        for key, text in {"data/a.txt": "alpha", "data/b/c.txt": "gamma", "other/d.txt": "delta"}.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        manifest = [{"prefix": f"s3://{BUCKET}/data/"}, "a.txt", "b/c.txt"]
        s3.put_object(Bucket=BUCKET, Key="train.images.json", Body=json.dumps(manifest).encode())
        job_role = role(iam, "jobs", "sagemaker.amazonaws.com", EVERYTHING_FOR_JOBS)
        by_events = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        statement = {**by_events, "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:events"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        queue = sqs.create_queue(QueueName="events", Attributes={"Policy": policy})["QueueUrl"]
        events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
        events.put_targets(Rule="all", Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:events"}])
        yield SimpleNamespace(client=client, root=root, role=job_role, queue=queue, endpoint=f"http://127.0.0.1:{port}")
    finally:
        emulator_process.stop(root, pid)


def training(account: SimpleNamespace, name: str, **changes: Any) -> dict[str, Any]:
    source = {
        "S3DataType": "ManifestFile",
        "S3Uri": f"s3://{BUCKET}/train.images.json",
        "S3DataDistributionType": "FullyReplicated",
    }
    metric = {"Name": "validation:map50", "Regex": "validation:map50=([0-9.]+)"}
    return {
        "TrainingJobName": name,
        "RoleArn": account.role,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": [metric]},
        "HyperParameters": {"epochs": "2"},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/training"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }


def processing(account: SimpleNamespace, name: str) -> dict[str, Any]:
    return {
        "ProcessingJobName": name,
        "RoleArn": account.role,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["evaluate"]},
        "Environment": {"MOOD": "calm"},
        "ProcessingInputs": [
            {
                "InputName": place,
                "S3Input": {
                    "S3Uri": f"s3://{BUCKET}/{key}",
                    "LocalPath": f"/opt/ml/processing/input/{place}",
                    "S3DataType": kind,
                    "S3InputMode": "File",
                },
            }
            for place, key, kind in (("one", "other/d.txt", "S3Prefix"), ("two", "train.images.json", "ManifestFile"))
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "evaluation",
                    "S3Output": {
                        "S3Uri": f"s3://{BUCKET}/evaluations/{name}",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
    }


def until(done: Callable[[], Any], seconds: float = 30) -> Any:
    """What `done` answers as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < deadline, "this never happened"
        time.sleep(0.1)
    return answer


@pytest.fixture
def start(account: SimpleNamespace, request: pytest.FixtureRequest) -> Callable[..., str]:
    """`start("createTrainingJob", request)` runs a workflow of that one task; answers the execution's ARN."""
    name = f"w{abs(hash(request.node.name)) % 10**8}"

    def run(verb: str, job: dict[str, Any], rights: list[dict[str, Any]] | None = None, **task: Any) -> str:
        rights = workflow_rights(account.role) if rights is None else rights
        workflow_role = role(account.client("iam"), name, "states.amazonaws.com", rights)
        state = {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{verb}.sync", "Parameters": job, "End": True}
        definition = json.dumps({"StartAt": "Job", "States": {"Job": {**state, **task}}})
        states = account.client("stepfunctions")
        machine = states.create_state_machine(name=name, definition=definition, roleArn=workflow_role)[
            "stateMachineArn"
        ]
        return str(states.start_execution(stateMachineArn=machine, input="{}")["executionArn"])

    return run


@pytest.fixture
def finish(account: SimpleNamespace) -> Callable[[str], dict[str, Any]]:
    """`finish(execution)` waits for its end and describes it."""
    states = account.client("stepfunctions")

    def wait(execution: str) -> dict[str, Any]:
        until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
        return dict(states.describe_execution(executionArn=execution))

    return wait


def received(account: SimpleNamespace, kind: str, arn: str) -> list[dict[str, Any]]:
    """The details of the events of `kind` about `arn` that have come so far; others go back to the queue."""
    sqs, found = account.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=account.queue, MaxNumberOfMessages=10, VisibilityTimeout=1).get(
        "Messages"
    ):
        for message in messages:
            event = json.loads(message["Body"])
            if (event["detail-type"], event["resources"]) == (kind, [arn]):
                sqs.delete_message(QueueUrl=account.queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(event["detail"])
    return found


def test_a_workflow_waits_for_its_training_job_and_gets_its_description(
    account: SimpleNamespace, start: Any, finish: Any
) -> None:
    ended = finish(start("createTrainingJob", training(account, "t-good"), TimeoutSeconds=60))
    job = json.loads(ended["output"])
    archive = f"s3://{BUCKET}/training/t-good/output/model.tar.gz"
    assert (job["TrainingJobStatus"], job["SecondaryStatus"], job["ModelArtifacts"]) == (
        "Completed", "Completed", {"S3ModelArtifacts": archive},
    )  # fmt: skip
    assert [(entry["MetricName"], entry["Value"]) for entry in job["FinalMetricDataList"]] == [
        ("validation:map50", 0.2)
    ]
    assert [entry["Status"] for entry in job["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip
    account.client("s3").head_object(Bucket=BUCKET, Key="training/t-good/output/model.tar.gz")

    logs, group = account.client("logs"), "/aws/sagemaker/TrainingJobs"
    stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="t-good/")["logStreams"][0][
        "logStreamName"
    ]
    lines = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
    assert [entry["message"] for entry in lines] == ["epoch=1 validation:map50=0.1", "epoch=2 validation:map50=0.2"]

    told = received(account, "SageMaker Training Job State Change", job["TrainingJobArn"])
    assert sorted(detail["TrainingJobStatus"] for detail in told) == ["Completed", "InProgress"]


def test_a_processing_job_reads_its_inputs_and_uploads_its_outputs(
    account: SimpleNamespace, start: Any, finish: Any
) -> None:
    ended = finish(start("createProcessingJob", processing(account, "p-good")))
    assert json.loads(ended["output"])["ProcessingJobStatus"] == "Completed"
    answer = account.client("s3").get_object(Bucket=BUCKET, Key="evaluations/p-good/evaluation.json")["Body"].read()
    assert json.loads(answer) == {"words": ["delta", "alpha", "gamma"], "mood": "calm"}


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("t-bad", {"HyperParameters": {"fail": "no images"}}, "AlgorithmError: no images, exit code: 1"),
        (
            "t-foreign",
            {"AlgorithmSpecification": {"TrainingImage": "python:3.12", "TrainingInputMode": "File"}},
            (
                "ClientError: this machine runs only the image 'sightline-training', not 'python:3.12'; leave "
                "TrainingImageUri empty"
            ),
        ),
    ],
)
def test_a_failed_job_fails_its_task_with_the_reason(
    account: SimpleNamespace, start: Any, finish: Any, name: str, changes: dict[str, Any], reason: str
) -> None:
    ended = finish(start("createTrainingJob", training(account, name, **changes)))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert (cause["TrainingJobStatus"], cause["FailureReason"]) == ("Failed", reason)


def test_a_job_has_the_rights_of_its_role_and_no_more(account: SimpleNamespace, start: Any, finish: Any) -> None:
    poor = role(account.client("iam"), "poor-job", "sagemaker.amazonaws.com", EVERYTHING_FOR_JOBS[:1])
    rights = workflow_rights(poor)
    ended = finish(start("createTrainingJob", training(account, "t-poor", RoleArn=poor), rights))
    reason = json.loads(ended["cause"])["FailureReason"]
    assert reason.startswith(f"ClientError: data download failed: s3://{BUCKET}/train.images.json")
    assert "AccessDenied" in reason


@pytest.mark.parametrize(
    ("without", "missing"),
    [(0, "sagemaker:CreateTrainingJob"), (2, "iam:PassRole")],
)
def test_a_workflow_needs_the_rights_to_run_a_job(
    account: SimpleNamespace, start: Any, finish: Any, without: int, missing: str
) -> None:
    rights = workflow_rights(account.role)
    del rights[without]
    ended = finish(start("createTrainingJob", training(account, f"t-without-{without}"), rights))
    assert (ended["status"], ended["error"]) == ("FAILED", "SageMaker.AmazonSageMakerException")
    assert f"is not authorized to perform: {missing} on resource" in ended["cause"]


def test_stopping_an_execution_stops_its_job(account: SimpleNamespace, start: Any) -> None:
    sagemaker, name = account.client("sagemaker"), {"TrainingJobName": "t-long"}
    execution = start("createTrainingJob", training(account, "t-long", HyperParameters={"seconds": "50"}))

    def phase() -> str:
        try:
            return str(sagemaker.describe_training_job(**name)["SecondaryStatus"])
        except ClientError:
            return "not there yet"

    until(lambda: phase() == "Training")
    account.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: phase() == "Stopped")
    assert sagemaker.describe_training_job(**name)["TrainingJobStatus"] == "Stopped"


def test_a_job_that_runs_too_long_is_stopped(account: SimpleNamespace, start: Any, finish: Any) -> None:
    changes = {"HyperParameters": {"seconds": "50"}, "StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    cause = json.loads(finish(start("createTrainingJob", training(account, "t-late", **changes)))["cause"])
    assert (cause["TrainingJobStatus"], cause["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_job_of_a_role_that_sagemaker_cannot_assume_is_refused(account: SimpleNamespace) -> None:
    other = role(account.client("iam"), "for-lambda", "lambda.amazonaws.com", EVERYTHING_FOR_JOBS)
    with pytest.raises(ClientError, match=f"ValidationException.*Could not assume role {other}"):
        account.client("sagemaker").create_training_job(**training(account, "t-role", RoleArn=other))


TEMPLATE = {
    "Resources": {
        "Models": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "models"}},
        "Labels": {
            "Type": "AWS::SageMaker::FeatureGroup",
            "Properties": {
                "FeatureGroupName": "labels",
                "RecordIdentifierFeatureName": "image_id",
                "EventTimeFeatureName": "event_time",
                "FeatureDefinitions": [
                    {"FeatureName": "image_id", "FeatureType": "String"},
                    {"FeatureName": "event_time", "FeatureType": "String"},
                    {"FeatureName": "boxes", "FeatureType": "Integral"},
                ],
                "OnlineStoreConfig": {"EnableOnlineStore": True},
                "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{BUCKET}/features"}},
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/jobs",
            },
        },
    },
    "Outputs": {
        "Group": {"Value": {"Fn::GetAtt": ["Models", "ModelPackageGroupArn"]}}, "Labels": {"Value": {"Ref": "Labels"}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def groups(account: SimpleNamespace) -> Iterator[dict[str, str]]:
    """The outputs of a stack with a model package group and a feature group."""
    formation = account.client("cloudformation")
    formation.create_stack(StackName="groups", TemplateBody=json.dumps(TEMPLATE))

    def state() -> Any:
        return formation.describe_stacks(StackName="groups")["Stacks"][0]

    until(lambda: state()["StackStatus"] == "CREATE_COMPLETE")
    yield {output["OutputKey"]: output["OutputValue"] for output in state()["Outputs"]}
    sagemaker = account.client("sagemaker")
    for package in sagemaker.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"]:
        sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
    formation.delete_stack(StackName="groups")
    until(lambda: sagemaker_is_empty(sagemaker))


def sagemaker_is_empty(sagemaker: Any) -> bool:
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName="models")
    except ClientError:
        return True
    return False


def test_an_approval_is_told_by_an_event(account: SimpleNamespace, groups: dict[str, str]) -> None:
    sagemaker = account.client("sagemaker")
    package = sagemaker.create_model_package(ModelPackageGroupName="models", ClientToken="once")["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    told: list[dict[str, Any]] = []

    def both_came() -> bool:
        told.extend(received(account, "SageMaker Model Package State Change", package))
        return len(told) == 2

    until(both_came)
    fields = ("ModelPackageGroupName", "ModelPackageVersion", "ModelApprovalStatus", "UpdatedModelPackageFields")
    assert sorted(([detail.get(field) for field in fields] for detail in told), key=lambda row: str(row[2])) == [
        ["models", 1, "Approved", ["ModelApprovalStatus"]],
        ["models", 1, "PendingManualApproval", None],
    ]
    listed = sagemaker.list_model_packages(ModelPackageGroupName="models", ModelApprovalStatus="Approved")
    assert [entry["ModelPackageArn"] for entry in listed["ModelPackageSummaryList"]] == [package]
    assert sagemaker.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "Approved"
    assert groups["Group"] == f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/models"


def test_a_record_is_online_at_once_and_offline_soon(account: SimpleNamespace, groups: dict[str, str]) -> None:
    store, values = (
        account.client("sagemaker-featurestore-runtime"),
        {"image_id": "a", "event_time": "2026-11-20T00:00:00Z"},
    )
    record = [{"FeatureName": key, "ValueAsString": value} for key, value in {**values, "boxes": "2"}.items()]
    store.put_record(FeatureGroupName=groups["Labels"], Record=record)
    assert store.get_record(FeatureGroupName="labels", RecordIdentifierValueAsString="a")["Record"] == record

    s3 = account.client("s3")
    found = until(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="features/").get("Contents"))
    row = json.loads(s3.get_object(Bucket=BUCKET, Key=found[0]["Key"])["Body"].read())
    assert {key: row[key] for key in (*values, "boxes", "is_deleted")} == {**values, "boxes": 2, "is_deleted": False}


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("sagemaker:DescribeModelPackageGroup", "sagemaker:CreateModelPackage"),
        ("sagemaker:GetRecord", "sagemaker:PutRecord"),
    ],
)
def test_a_caller_without_the_right_is_refused(
    account: SimpleNamespace, groups: dict[str, str], allowed: str, refused: str
) -> None:
    iam, user = account.client("iam"), f"user-{allowed.split(':')[1]}"
    iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": allowed, "Resource": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="little", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    connect: Any = boto3.client
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    as_user = {"endpoint_url": account.endpoint, "region_name": "us-east-1", **keys}
    sagemaker, store = connect("sagemaker", **as_user), connect("sagemaker-featurestore-runtime", **as_user)
    calls: dict[str, Callable[[], Any]] = {
        "sagemaker:DescribeModelPackageGroup": lambda: sagemaker.describe_model_package_group(
            ModelPackageGroupName="models"
        ),
        "sagemaker:CreateModelPackage": lambda: sagemaker.create_model_package(ModelPackageGroupName="models"),
        "sagemaker:GetRecord": lambda: store.get_record(FeatureGroupName="labels", RecordIdentifierValueAsString="x"),
        "sagemaker:PutRecord": lambda: store.put_record(
            FeatureGroupName="labels", Record=[{"FeatureName": "image_id", "ValueAsString": "x"}]
        ),
    }
    calls[allowed]()
    with pytest.raises(ClientError, match=f"AccessDenied.*{refused}"):
        calls[refused]()


def test_a_wrong_request_gets_the_error_that_aws_gives(account: SimpleNamespace) -> None:
    connect: Any = boto3.client
    config = Config(parameter_validation=False)
    sagemaker = connect("sagemaker", endpoint_url=account.endpoint, config=config, **read_credentials(account.root))
    wrong = training(account, "no_underscores")
    with pytest.raises(ClientError) as caught:
        sagemaker.create_training_job(**wrong)
    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "1 validation error detected: Value 'no_underscores' at 'TrainingJobName' failed to satisfy "
        "constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    }
