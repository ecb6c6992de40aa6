"""label_images where the labels come from elsewhere: imported ones, and those of Ground Truth's work teams, in moto's
interpreter.
"""

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from local.emulator.aws_shapes import check_request
from sightline.images.image import ImageStatus
from sightline.names import LABEL_ATTRIBUTE
from tests.fake_cloud import Cloud, cloud
from tests.images import ledger
from tests.integration.test_label_images_paths import AGAIN, BOX, CLAIMED, RECORDED, ROUND, Workflow, flow
from tests.integration.test_train_model_paths import run_jobs

__all__ = ["cloud", "flow"]

WORKTEAM = "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/inspectors"
BY_GROUND_TRUTH = [
    "IsGroundTruthUsed", "PrepareLabelingJob", "RunLabelingJob", "ReadLabelingJob",
    "PrepareVerificationJob", "RunVerificationJob", "ReadVerificationJob", "SettleRound", "IsAnotherRoundNeeded",
]  # fmt: skip
ENDED = [*RECORDED, "StartTraining", "LabelsRecorded"]
IMPORTED = ["IsWindowOpen", "ImportLabels", "AreLabelsImported"]


def bring(flow: Workflow, name: str, *, approved: bool, boxes: Any = (BOX,)) -> Any:
    lines = [
        {"image_id": image.image_id, "annotations": list(boxes)} for image in ledger().with_status(ImageStatus.NEW)
    ]
    return flow.run(name, labels_uri=flow.cloud.write_lines(f"labeling/imports/{name}.jsonl", lines), approved=approved)


def test_imported_labels_are_verified_and_recorded_and_the_rejected_labelled_again(flow: Workflow) -> None:
    flow.rejections = {"2.jpg": 1}
    ended = bring(flow, "import-1", approved=False)
    assert (ended.status, ended.path) == ("SUCCEEDED", [*IMPORTED, *ROUND[2:], *AGAIN, *ENDED])
    assert set(flow.statuses().values()) == {"APPROVED"}
    manifest = flow.cloud.read_lines("labeling/import-1/output.manifest")
    assert [line[LABEL_ATTRIBUTE]["annotations"] for line in manifest] == [[BOX]] * 4


def test_approved_imports_are_recorded_without_asking_anybody(flow: Workflow) -> None:
    ended = bring(flow, "import-1", approved=True, boxes=())
    assert (ended.status, ended.path) == ("SUCCEEDED", [*IMPORTED, *ROUND[4:], *ENDED])
    assert set(flow.statuses().values()) == {"APPROVED"}
    assert flow.ask("GET", "/jobs")["jobs"] == []
    again = bring(flow, "import-2", approved=True)
    assert (again.status, again.path) == ("SUCCEEDED", [*IMPORTED, "NothingNew"])


def test_a_failing_import_gives_the_images_back(flow: Workflow) -> None:
    flow.broken = {"import_labels"}
    ended = bring(flow, "import-1", approved=True)
    assert (ended.status, ended.path) == ("FAILED", IMPORTED[:2])
    assert set(flow.statuses().values()) == {"NEW"}


class WorkTeam:
    """Ground Truth as far as jobs go: it labels each image with a box, rejects `rejections` verdicts by name, or
    fails.
    """

    def __init__(self, flow: Workflow) -> None:
        self.flow = flow
        self.requests: list[dict[str, Any]] = []
        self.failure = ""

    def create(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        check_request("sagemaker", operation, request)
        self.requests.append(request)
        return {"LabelingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:labeling-job/job"}

    def finish(self, request: dict[str, Any]) -> dict[str, Any]:
        described = {"LabelingJobName": request["LabelingJobName"], "LabelingJobStatus": "Completed"}
        if self.failure:
            raise RuntimeError(json.dumps(described | {"LabelingJobStatus": "Failed", "FailureReason": self.failure}))
        manifest = request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"]
        lines = self.flow.cloud.read_lines(manifest.removeprefix("s3://artifacts/"))
        add = {LABEL_ATTRIBUTE: self.label, "verdict": self.verdict}[request["LabelAttributeName"]]
        place = (
            f"{request['OutputConfig']['S3OutputPath']}{request['LabelingJobName']}/manifests/output/output.manifest"
        )
        self.flow.cloud.write_lines(place.removeprefix("s3://artifacts/"), [{**line, **add(line)} for line in lines])
        return {**described, "LabelingJobOutput": {"OutputDatasetS3Uri": place}}

    def label(self, line: dict[str, Any]) -> dict[str, Any]:
        label = {"image_size": [{"width": 64, "height": 64, "depth": 3}], "annotations": [BOX]}
        metadata = {"class-map": {"1": "dent"}, "type": "groundtruth/object-detection", "human-annotated": "yes"}
        return {LABEL_ATTRIBUTE: label, f"{LABEL_ATTRIBUTE}-metadata": metadata}

    def verdict(self, line: dict[str, Any]) -> dict[str, Any]:
        name = line["source-ref"].rsplit("/", 1)[-1]
        self.flow.rejections[name] = self.flow.rejections.get(name, 0) - 1
        word = "rejected" if self.flow.rejections[name] >= 0 else "approved"
        return {"verdict": "0", "verdict-metadata": {"class-name": word, "worker-feedback": [{"comment": "too wide"}]}}


@pytest.fixture
def team(
    flow: Workflow, cloud: Cloud, load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkTeam]:
    """The same workflow with a work team of Ground Truth; `team.flow` runs it."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    cloud.environment |= {"WORKTEAM_ARN": WORKTEAM, "PUBLIC_CROWD_PRICE": "0"}
    flow.client.delete_state_machine(stateMachineArn=flow.arn)
    made = Workflow(cloud, load_app, LabelingBackend="ground-truth")
    monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", made.invoke)
    people = WorkTeam(made)
    run_jobs(people, monkeypatch)  # type: ignore[arg-type]
    yield people


def test_a_work_team_labels_and_verifies_and_rejected_images_go_round_again(team: WorkTeam) -> None:
    team.flow.rejections = {"2.jpg": 1}
    ended = team.flow.run("window-1")
    assert (ended.status, ended.path) == (
        "SUCCEEDED",
        [*CLAIMED, "StartFirstRound", *BY_GROUND_TRUTH, *BY_GROUND_TRUTH, *ENDED],
    )
    assert set(team.flow.statuses().values()) == {"APPROVED"}
    manifest = team.flow.cloud.read_lines("labeling/window-1/output.manifest")
    assert [line[LABEL_ATTRIBUTE]["annotations"] for line in manifest] == [[BOX]] * 4
    assert [request["LabelingJobName"] for request in team.requests] == [
        "plant--window-1-labeling-1", "plant--window-1-verification-1",
        "plant--window-1-labeling-2", "plant--window-1-verification-2",
    ]  # fmt: skip
    assert {request["HumanTaskConfig"]["WorkteamArn"] for request in team.requests} == {WORKTEAM}
    assert team.flow.ask("GET", "/jobs")["jobs"] == []


def test_imported_labels_are_verified_by_the_work_team_too(team: WorkTeam) -> None:
    ended = bring(team.flow, "import-1", approved=False)
    assert (ended.status, ended.path) == ("SUCCEEDED", [*IMPORTED, *BY_GROUND_TRUTH[4:], *ENDED])


def test_a_failed_job_gives_the_images_back_with_its_reason(team: WorkTeam) -> None:
    team.failure = "ClientError: no workers"
    ended = team.flow.run("window-1")
    assert (ended.status, ended.path) == (
        "FAILED",
        [*CLAIMED, "StartFirstRound", *BY_GROUND_TRUTH[:3]],
    )
    assert "no workers" in str(ended.cause)
    assert set(team.flow.statuses().values()) == {"NEW"}
