"""The real train_model.asl.json and the real functions, in moto's interpreter: each way a training run can end.

moto does not run `sagemaker:….sync`; the jobs here are its stand-in, which takes only requests that AWS would take.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_unsupported
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from local.emulator.aws_shapes import check_request
from sightline.images.image import ImageStatus
from tests.fake_builds import REPOSITORY, FakeBuilds
from tests.fake_cloud import Cloud, cloud
from tests.given_aws import GivenAws
from tests.images import approved, become, enter, ledger
from tests.moto_machine import Ended, Machine

__all__ = ["cloud"]

IMAGE_URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sightline-training:1"
SUBSTITUTIONS = {
    "TrainingRoleArn": "arn:aws:iam::123456789012:role/training",
    "EvaluationRoleArn": "arn:aws:iam::123456789012:role/evaluation",
    "TrainingInstanceType": "ml.g4dn.xlarge",
    "EvaluationInstanceType": "ml.m5.xlarge",
    "TrainingOutputUri": "s3://artifacts/training",
    "DataKeyArn": "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    "StackName": "sightline-test",
}
PLANNED = ["PrepareTrainingImage", "SnapshotDataset", "PlanTraining", "HasAnythingChanged"]
EVALUATED = [*PLANNED, "IsModelImported", "TrainModel", "EvaluateModel"]
IMPORTED = [*PLANNED, "IsModelImported", "EvaluateModel", "JudgeModel", "IsModelAccepted"]
JUDGED = [*EVALUATED, "JudgeModel", "IsModelAccepted"]
BOX = {"class_id": 0, "left": 1, "top": 1, "width": 9, "height": 9}
SCORES: dict[str, Any] = {
    "map50": 0.8,
    "map50_95": 0.4,
    "per_class": {"scratch": {"ap50": 0.8, "ap50_95": 0.4, "recall": 0.7}},
    "confusion": {"true_fail": 3, "false_pass": 0, "false_fail": 0, "true_pass": 1},
    "threshold": 0.4,
    "latency_ms": {"median": 9.0, "p95": 12.0},
    "size_bytes": 4_000_000,
}


class Jobs:
    """SageMaker, as far as jobs go. `evaluation` and `failure` may be changed; `requests` are those that were taken."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.requests: list[dict[str, Any]] = []
        self.evaluation: dict[str, Any] = {"champion": None, "champion_error": None, "bootstrap": None}
        self.candidate = SCORES
        self.released: tuple[str, ...] = ("model.onnx", "model.json", "golden/0.jpeg")
        self.failure: dict[str, str] = {}
        self.throttled = 0

    def create(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        check_request("sagemaker", operation, request)
        if self.throttled:
            self.throttled -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation)
        self.requests.append(request)
        return {}

    def finish(self, request: dict[str, Any]) -> dict[str, Any]:
        """What Describe answers in the end, or raises RuntimeError with it."""
        kind = "Training" if "TrainingJobName" in request else "Processing"
        described = {f"{kind}JobName": request[f"{kind}JobName"], f"{kind}JobStatus": "Completed"}
        if kind in self.failure:
            ended = {f"{kind}JobStatus": "Failed", "FailureReason": self.failure[kind]}
            raise RuntimeError(json.dumps(described | ended))
        if kind == "Training":
            output = f"{request['OutputDataConfig']['S3OutputPath']}/{request['TrainingJobName']}/output/model.tar.gz"
            return {**described, "ModelArtifacts": {"S3ModelArtifacts": output}}
        self._evaluate(request)
        return described

    def _evaluate(self, request: dict[str, Any]) -> None:
        place = request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].removeprefix("s3://artifacts/")
        evaluation = {
            "dataset_version": "v1",
            "test_images": 4,
            "test_groups": 2,
            "candidate": self.candidate,
            **self.evaluation,
        }
        bodies = dict.fromkeys(self.released, b"{}") | {"evaluation.json": json.dumps(evaluation).encode()}
        for name, body in bodies.items():
            self.cloud.s3.put_object(Bucket="artifacts", Key=place + name, Body=body)


class Packages:
    """The model registry in memory; botocore's model checks what is asked of it."""

    def __init__(self) -> None:
        self.packages: list[dict[str, Any]] = []

    def get_paginator(self, _operation: str) -> "Packages":
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        check_request("sagemaker", "ListModelPackages", request)
        status = request.get("ModelApprovalStatus")
        found = [package for package in self.packages if status in (None, package["ModelApprovalStatus"])]
        return [{"ModelPackageSummaryList": found[::-1]}]

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        return next(package for package in self.packages if package["ModelPackageArn"] == ModelPackageName)

    def create_model_package(self, **request: Any) -> dict[str, Any]:
        check_request("sagemaker", "CreateModelPackage", request)
        version = len(self.packages) + 1
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/models/{version}"
        created = {"ModelPackageArn": arn, "ModelPackageVersion": version, "CreationTime": datetime.now(UTC)}
        self.packages.append({**request, **created})
        return {"ModelPackageArn": arn}


class Workflow(Machine):
    """train_model, with jobs and a model registry that the tests set."""

    def __init__(self, cloud: Cloud, load_app: Callable[..., ModuleType]) -> None:
        handler_of = cache(lambda name: load_app(name, **cloud.environment).handler)
        super().__init__("train_model", handler_of, cloud.context, SUBSTITUTIONS)
        self.cloud, self.jobs, self.packages = cloud, Jobs(cloud), Packages()

    def run(self, name: str, request: dict[str, Any] | None = None) -> Ended:
        """One execution, to its end."""
        return self.end(self.start(name, request or {}))

    def keys(self, prefix: str) -> list[str]:
        listed = self.cloud.s3.list_objects_v2(Bucket="artifacts", Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]


def approve(cloud: Cloud, numbers: range) -> None:
    """Approved images of different parts in the ledger, every fourth without a defect."""
    enter(*(approved(number, *([BOX] if number % 4 else [])) for number in numbers))


@pytest.fixture
def flow(
    cloud: Cloud, aws: GivenAws, load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workflow]:
    """train_model over twelve approved images, and jobs that end well with a good model."""
    approve(cloud, range(12))
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        made = Workflow(cloud, load_app)
        aws.given["sagemaker"] = made.packages
        monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", made.invoke)
        run_jobs(made.jobs, monkeypatch)
        yield made


def failure(env: Any, name: StatesErrorName | CustomErrorName, error: str, cause: str) -> FailureEventException:
    """What the interpreter takes as a failed task."""
    details = TaskFailedEventDetails(error=error, cause=cause, resourceType="sagemaker")
    about = EventDetails(taskFailedEventDetails=details)  # type: ignore[typeddict-item]
    return FailureEventException(FailureEvent(env, name, HistoryEventType.TaskFailed, about))


def run_jobs(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give moto's interpreter the `.sync` integration of SageMaker that it lacks."""

    def start(task: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, **_: Any) -> None:
        operation = task.resource.api_action
        try:
            env.stack.append(jobs.create(operation[0].upper() + operation[1:], normalised_parameters))
        except ClientError as error:  # Step Functions has this one name for most errors of SageMaker, throttling too
            name = "SageMaker.AmazonSageMakerException"
            raise failure(env, CustomErrorName(name), name, str(error)) from error

    def wait(task: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, **_: Any) -> Any:
        def describe() -> dict[str, Any]:
            try:
                return jobs.finish(normalised_parameters)
            except RuntimeError as failed:
                kind = StatesErrorNameType.StatesTaskFailed
                raise failure(env, StatesErrorName(kind), kind.to_name(), str(failed)) from failed

        return describe

    unsupported = state_task_service_unsupported
    both = {ResourceCondition.WaitForTaskToken, ResourceCondition.Sync}
    monkeypatch.setattr(unsupported, "_SUPPORTED_INTEGRATION_PATTERNS", both)
    monkeypatch.setattr(unsupported.StateTaskServiceUnsupported, "_eval_service_task", start)
    monkeypatch.setattr(unsupported.StateTaskServiceUnsupported, "_build_sync_resolver", wait)


def test_a_good_model_ends_registered_and_waits_for_approval(flow: Workflow) -> None:
    ended = flow.run("run-1")
    assert (ended.status, ended.path) == ("SUCCEEDED", [*JUDGED, "RegisterModel", "ModelRegistered"])
    package = flow.packages.packages[0]
    job, version = ended.output["plan"]["training_job"], ended.output["dataset"]["version"]
    assert ended.output["registration"] == {
        "model_package_arn": package["ModelPackageArn"],
        "release_uri": f"s3://artifacts/models/{job}/release/",
    }
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["CustomerMetadataProperties"] == {
        "training_job": job,
        "correlation_id": "run-1",
        "dataset_version": version,
        "fingerprint": ended.output["plan"]["fingerprint"],
        "int8": "false",
        "map50": "0.8",
        "map50_95": "0.4",
        "decision_uri": f"s3://artifacts/training/{job}/decision.json",
        "evaluation_uri": f"s3://artifacts/training/{job}/evaluation/evaluation.json",
        "release_uri": f"s3://artifacts/models/{job}/release/",
    }
    assert [message["Subject"] for message in flow.cloud.mail()] == [f"A new model waits for approval: {job}"[:100]]


MODEL = {"model_uri": "s3://artifacts/training/imports/0123456789abcdef/model.tar.gz"}


@pytest.mark.parametrize(
    ("map50", "end"), [(0.8, ["RegisterModel", "ModelRegistered"]), (0.3, ["ReportRejection", "ModelRejected"])]
)
def test_an_imported_model_goes_through_the_same_gate_without_a_training_job(
    flow: Workflow, map50: float, end: list[str]
) -> None:
    flow.jobs.candidate = {**SCORES, "map50": map50}
    ended = flow.run("import-own-1", MODEL)
    assert (ended.status, ended.path) == ("SUCCEEDED", [*IMPORTED, *end])
    (evaluation,) = flow.jobs.requests
    assert evaluation["ProcessingInputs"][0]["S3Input"]["S3Uri"] == MODEL["model_uri"]
    assert len(flow.packages.packages) == (map50 > 0.5)
    again = flow.run("import-own-2", MODEL)
    assert (again.path, len(flow.jobs.requests)) == ([*PLANNED, "NothingChanged"], 1)


def test_an_imported_model_that_breaks_the_contract_changes_nothing(flow: Workflow) -> None:
    flow.jobs.failure = {"Processing": "AlgorithmError: model.onnx lacks the output `classes`, exit code: 1"}
    ended = flow.run("import-own-1", MODEL)
    assert (ended.status, ended.path) == ("FAILED", [*IMPORTED[:-2]])
    assert "lacks the output `classes`" in str(ended.cause)
    assert (flow.packages.packages, flow.keys("models/"), flow.keys("training/runs/")) == ([], [], [])


def test_the_training_job_learns_nothing_of_the_test_set_and_the_evaluation_does(flow: Workflow) -> None:
    version = flow.run("run-1").output["dataset"]["version"]
    training, evaluation = flow.jobs.requests
    channels = {entry["ChannelName"]: entry["DataSource"]["S3DataSource"] for entry in training["InputDataConfig"]}
    prefix = f"s3://artifacts/datasets/{version}/"
    assert {name: (source["S3DataType"], source["S3Uri"]) for name, source in channels.items()} == {
        "dataset": ("ManifestFile", f"s3://artifacts/training/{training['TrainingJobName']}/dataset.files.json"),
        "train": ("ManifestFile", f"{prefix}train.images.json"),
        "validation": ("ManifestFile", f"{prefix}validation.images.json"),
    }
    files = flow.cloud.s3.get_object(
        Bucket="artifacts", Key=channels["dataset"]["S3Uri"].removeprefix("s3://artifacts/")
    )
    listed = json.load(files["Body"])
    assert listed == [{"prefix": prefix}, "dataset.json", "train.manifest", "validation.manifest"]
    inputs = {entry["InputName"]: entry["S3Input"]["S3Uri"] for entry in evaluation["ProcessingInputs"]}
    assert (sorted(inputs), inputs["test"]) == (["dataset", "model", "test", "validation"], f"{prefix}test.images.json")
    output = f"{training['OutputDataConfig']['S3OutputPath']}/{training['TrainingJobName']}/output/model.tar.gz"
    assert inputs["model"] == output
    assert (training["RoleArn"].rsplit("/")[-1], evaluation["RoleArn"].rsplit("/")[-1]) == ("training", "evaluation")
    assert (training["EnableNetworkIsolation"], evaluation["NetworkConfig"]) == (True, {"EnableNetworkIsolation": True})


def test_a_training_keeps_checkpoints_and_may_run_on_spot_capacity(flow: Workflow) -> None:
    job = flow.run("run-1").output["plan"]["training_job"]
    training = flow.jobs.requests[0]
    assert training["CheckpointConfig"] == {"S3Uri": f"s3://artifacts/training/{job}/checkpoints/"}
    assert training["EnableManagedSpotTraining"] is True
    assert training["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400, "MaxWaitTimeInSeconds": 172_800}


def test_a_warm_start_gets_the_champion_s_weights_where_they_are_and_is_not_repeated(flow: Workflow) -> None:
    warm = {"hyperparameters": {"warm_start": 1}}
    job = flow.run("run-1").output["plan"]["training_job"]
    flow.packages.packages[0]["ModelApprovalStatus"] = "Approved"

    def channels(name: str) -> list[str]:
        flow.run(name, warm | {"force": True})
        sources = {entry["ChannelName"]: entry["DataSource"] for entry in flow.jobs.requests[-2]["InputDataConfig"]}
        return [source["S3DataSource"]["S3Uri"] for name, source in sources.items() if name == "champion"]

    assert channels("run-2") == []  # a champion that was not trained here
    archive = f"training/{job}/output/model.tar.gz"
    flow.cloud.s3.put_object(Bucket="artifacts", Key=archive, Body=b"weights")
    assert channels("run-3") == [f"s3://artifacts/{archive}"]
    flow.packages.packages[-1]["ModelApprovalStatus"] = "Approved"  # another champion alone is nothing new
    assert flow.run("run-4", warm).path == [*PLANNED, "NothingChanged"]


def test_a_bad_model_ends_rejected_not_failed_and_people_are_told_why(flow: Workflow) -> None:
    flow.jobs.candidate = {**SCORES, "map50": 0.312, "size_bytes": 30_000_000}
    ended = flow.run("run-1")
    assert (ended.status, ended.path) == ("SUCCEEDED", [*JUDGED, "ReportRejection", "ModelRejected"])
    job = ended.output["plan"]["training_job"]
    assert (flow.packages.packages, flow.keys("models/")) == ([], [])
    message = flow.cloud.mail()[0]
    assert (message["Subject"], message["Message"].splitlines()) == (
        f"Model rejected: {job}",
        [
            "mAP@.50 0.312 is below the floor 0.500",
            "size, bytes 30,000,000 is above the budget 20,000,000",
            f"Decision: s3://artifacts/training/{job}/decision.json",
            f"Report: s3://artifacts/training/{job}/evaluation/report.html",
        ],
    )


def test_nothing_new_ends_well_without_a_job_and_names_the_run_before(flow: Workflow) -> None:
    job = flow.run("run-1").output["plan"]["training_job"]
    ended = flow.run("run-2")
    assert (ended.status, ended.path) == ("SUCCEEDED", [*PLANNED, "NothingChanged"])
    reason = f"{job} has trained this dataset with this code and these hyperparameters"
    assert (ended.output["plan"]["reason"], len(flow.jobs.requests)) == (reason, 2)


@pytest.mark.parametrize("request_", [{"force": True}, {"hyperparameters": {"epochs": 3}}])
def test_what_is_asked_for_is_trained_again_under_another_name(flow: Workflow, request_: dict[str, Any]) -> None:
    flow.run("run-1")
    ended = flow.run("run-2", request_)
    assert ended.path == [*JUDGED, "RegisterModel", "ModelRegistered"]
    assert len({request["TrainingJobName"] for request in flow.jobs.requests[::2]}) == 2
    assert flow.jobs.requests[2]["HyperParameters"] == ({"epochs": "3"} if "hyperparameters" in request_ else {})
    assert len(flow.packages.packages) == 2


def test_new_images_are_trained_on_and_no_image_changes_its_split(flow: Workflow) -> None:
    first = flow.run("run-1").output["dataset"]
    before = {image.image_id: (image.group_id, image.split) for image in ledger().with_status(ImageStatus.APPROVED)}
    files = {key: flow.cloud.read(key) for key in flow.keys(f"datasets/{first['version']}/")}
    approve(flow.cloud, range(100, 108))
    ended = flow.run("run-2")
    assert ended.path == [*JUDGED, "RegisterModel", "ModelRegistered"]
    assert ended.output["dataset"]["version"] != first["version"]
    after = {image.image_id: (image.group_id, image.split) for image in ledger().with_status(ImageStatus.APPROVED)}
    assert (len(after), {name: after[name] for name in before}) == (20, before)
    assert {key: flow.cloud.read(key) for key in files} == files


def test_too_few_images_end_well_and_say_what_is_missing(flow: Workflow) -> None:
    for number in range(2, 12):
        become(f"{number:064x}", ImageStatus.REMOVED)
    ended = flow.run("run-1", {"force": True})
    assert (ended.status, ended.path, flow.jobs.requests) == ("SUCCEEDED", [*PLANNED, "NothingChanged"], [])
    assert ended.output["plan"]["reason"].startswith("no image for the validation set yet")


def test_a_champion_is_evaluated_too_and_a_significant_loss_against_it_is_rejected(flow: Workflow) -> None:
    flow.run("run-1")
    flow.packages.packages[0]["ModelApprovalStatus"] = "Approved"
    bootstrap = {"difference_map50": {"mean": -0.1, "low": -0.2, "high": -0.05}, "replicates": 200}
    flow.jobs.evaluation = {"champion": SCORES, "champion_error": None, "bootstrap": bootstrap}
    ended = flow.run("run-2", {"force": True})
    assert ended.path == [*JUDGED, "ReportRejection", "ModelRejected"]
    assert ended.output["judgement"]["reasons"] == [
        "mAP@.50 differs by -0.100 (95 % interval -0.200 to -0.050): a significant loss"
    ]
    release = flow.packages.packages[0]["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert flow.jobs.requests[3]["ProcessingInputs"][-1]["S3Input"]["S3Uri"] == release


@pytest.mark.parametrize(("kind", "path"), [("Training", EVALUATED[:-1]), ("Processing", EVALUATED)])
def test_a_failing_job_fails_with_its_reason(flow: Workflow, kind: str, path: list[str]) -> None:
    flow.jobs.failure = {kind: "AlgorithmError: no image of the training channel can be used, exit code: 1"}
    ended = flow.run("run-1")
    assert (ended.status, ended.path, ended.error) == ("FAILED", path, "States.TaskFailed")
    assert json.loads(str(ended.cause))["FailureReason"] == flow.jobs.failure[kind]
    assert flow.keys("training/runs/") == []


def test_a_throttled_sagemaker_is_asked_again(flow: Workflow) -> None:
    flow.jobs.throttled = 1
    assert flow.run("run-1").path == [*JUDGED, "RegisterModel", "ModelRegistered"]
    assert len(flow.jobs.requests) == 2


def test_a_run_that_failed_is_not_taken_for_done(flow: Workflow) -> None:
    flow.jobs.failure = {"Training": "CapacityError"}
    assert flow.run("run-1").status == "FAILED"
    flow.jobs.failure = {}
    assert flow.run("run-2").path == [*JUDGED, "RegisterModel", "ModelRegistered"]


def test_a_number_that_no_measurement_gives_fails_and_registers_nothing(flow: Workflow) -> None:
    flow.jobs.candidate = {**SCORES, "map50": 1.2}
    ended = flow.run("run-1")
    assert (ended.path, ended.error) == ([*EVALUATED, "JudgeModel"], "InvalidMetricError")
    assert (flow.packages.packages, flow.keys("training/runs/")) == ([], [])


def test_an_evaluation_that_left_no_model_registers_nothing(flow: Workflow) -> None:
    flow.jobs.released = ("model.json",)
    ended = flow.run("run-1")
    assert ended.path == [*JUDGED, "RegisterModel"]
    assert "lacks model.onnx; read the evaluation job's log" in str(ended.cause)
    assert (flow.packages.packages, flow.keys("models/")) == ([], [])


def test_a_training_waits_for_the_image_of_its_code_and_then_takes_it(flow: Workflow, aws: GivenAws) -> None:
    flow.cloud.environment["TRAINING_IMAGE_URI"] = ""
    builds = FakeBuilds()
    aws.given |= {"codebuild": builds, "ecr": builds.ecr}
    ended = flow.run("run-1")
    assert (ended.status, ended.path) == ("SUCCEEDED", [*PLANNED, "NothingChanged"])
    assert ended.output["plan"]["reason"].startswith("the training image is being built")
    assert (flow.jobs.requests, len(flow.keys("training-image/waiting/"))) == ([], 1)
    builds.end()
    ended = flow.run("run-2")
    assert ended.path == [*JUDGED, "RegisterModel", "ModelRegistered"]
    training, evaluation = flow.jobs.requests
    uri = f"{REPOSITORY}:{builds.tag}"
    assert training["AlgorithmSpecification"]["TrainingImage"] == uri
    assert (evaluation["AppSpecification"]["ImageUri"], evaluation["Environment"]["TRAINING_IMAGE_URI"]) == (uri, uri)
    assert flow.packages.packages[0]["InferenceSpecification"]["Containers"][0]["Image"] == uri


def test_an_image_that_cannot_be_asked_for_fails_the_execution(flow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    del flow.cloud.environment["TRAINING_IMAGE_URI"]
    monkeypatch.delenv("TRAINING_IMAGE_URI", raising=False)  # an execution before it may have loaded a function late
    ended = flow.run("run-1")
    assert (ended.status, ended.path) == ("FAILED", ["PrepareTrainingImage"])


def test_hyperparameters_that_sagemaker_does_not_take_fail_before_any_job(flow: Workflow) -> None:
    ended = flow.run("run-1", {"hyperparameters": [1]})
    assert (ended.path, ended.error) == (PLANNED[:3], "InvalidHyperparametersError")
    assert flow.jobs.requests == []


def test_an_input_of_a_schedule_or_of_anything_else_trains_as_an_empty_one_does(flow: Workflow) -> None:
    ended = flow.run("run-1", {"version": "0", "detail-type": "Scheduled Event", "hyperparameters": None})
    assert ended.path == [*JUDGED, "RegisterModel", "ModelRegistered"]
