"""The real label_images.asl.json and the real functions, in moto's interpreter: each way a labelling can end.

People are simulated: they answer over the labelling API as soon as a job is open.
"""

import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sfn

from sightline.aws import workflows
from sightline.aws.workflows import StateMachine
from sightline.images.image import ImageStatus
from sightline.labelling.feature_store import FeatureGroup
from sightline.models.registry import Registry
from sightline.names import LABEL_ATTRIBUTE
from tests.fake_cloud import MACHINE, Cloud, cloud, jpeg, request
from tests.images import ledger
from tests.moto_machine import Ended, Handler, Machine

__all__ = ["cloud"]

BOX = {"class_id": 1, "left": 1, "top": 2, "width": 10, "height": 12}
CLAIMED = ["IsWindowOpen", "ClaimNewImages", "AreThereNewImages"]
FIRST = ["StartFirstRound", "IsGroundTruthUsed", "ProposeLabels", "AskWithProposals"]
ROUND = [
    "OpenLabelingJob",
    "ConsolidateLabels",
    "OpenVerificationJob",
    "CollectVerdicts",
    "SettleRound",
    "IsAnotherRoundNeeded",
]
AGAIN = ["IsGroundTruthUsed", *ROUND]
SETTINGS = {
    "LabelingBackend": "console",
    "GroundTruthRoleArn": "arn:aws:iam::123456789012:role/ground-truth",
    "DataKeyArn": "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
}
RECORDED = ["RecordLabels", "IsEnoughNew"]


class Workflow(Machine):
    """label_images with simulated people. `rejections` says how often each image name is rejected; `broken` what fails.

    `skipped` images are not labelled; `seen` holds the labelling tasks of each image. `patience`: how many answers of a
    kind people give in a job, `answered` how many they gave.
    """

    def __init__(self, cloud: Cloud, load_app: Callable[..., ModuleType], **settings: str) -> None:
        self.load = cache(lambda name: load_app(name, **cloud.environment).handler)
        self.cloud = cloud
        self.rejections: dict[str, int] = {}
        self.broken: set[str] = set()
        self.skipped: set[str] = set()
        self.seen: dict[str, list[dict[str, Any]]] = {}
        self.patience: dict[str, int] = {}
        self.answered = 0
        self.while_labelled: Callable[[], None] = lambda: None
        train_model = boto3.client("stepfunctions").create_state_machine(
            name="train-model",
            roleArn="arn:aws:iam::123456789012:role/workflow",
            definition=json.dumps({"StartAt": "Trained", "States": {"Trained": {"Type": "Succeed"}}}),
        )["stateMachineArn"]
        self.train_model = train_model
        super().__init__(
            "label_images",
            self.handler_with_people,
            cloud.context,
            {"TrainModelArn": train_model, **SETTINGS, **settings},
        )

    def handler_with_people(self, name: str) -> Handler:
        def handle(event: dict[str, Any], context: Any) -> Any:
            if name in self.broken:
                raise PermissionError(f"{name} is broken")
            answer = self.load(name)(event, context)
            if name in ("open_labeling_job", "open_verification_job"):
                self.people()
            return answer

        return handle

    def people(self) -> None:
        """Answer every open task: a box for each image, a verdict for each label."""
        self.while_labelled()
        for job in self.ask("GET", "/jobs")["jobs"]:
            worker = "anna" if job["kind"] == "labeling" else "ben"
            left = self.patience.get(job["kind"], 99)
            while left and (tasks := self.ask("POST", f"/jobs/{job['job_id']}/next", worker)["tasks"]):
                task, left = tasks[0], left - 1
                self.answered += 1
                path = f"/jobs/{job['job_id']}/tasks/{task['task_id']}/answer"
                name = task["name"].rsplit("/", 1)[-1]
                if job["kind"] == "labeling":
                    self.seen.setdefault(name, []).append(task)
                    skip = name in self.skipped
                    self.ask("POST", path, worker, **({"skip": "too dark"} if skip else {"annotations": [BOX]}))
                    continue
                self.rejections[name] = self.rejections.get(name, 0) - 1
                no = self.rejections[name] >= 0
                self.ask("POST", path, worker, approved=not no, reason="box too small" if no else None)

    def ask(self, method: str, path: str, worker: str = "anna", **body: Any) -> Any:
        answer = self.load("serve_labeling")(request(method, path, body, worker), self.cloud.context)
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])

    def upload(self, *names: str) -> None:
        records = [self.cloud.upload(name, jpeg(int(name.split(".")[0]))) for name in names]
        assert self.load("register_images")({"Records": records}, self.cloud.context) == {"batchItemFailures": []}

    def run(self, name: str, **request: Any) -> Ended:
        """Run an execution to its end, and let GiveBack hear of a bad one, as EventBridge would."""
        arn = self.start(name, request)
        ended = self.end(arn)
        if ended.status != "SUCCEEDED":
            self.tell_of(arn)
        return ended

    def tell_of(self, arn: str) -> Any:
        """Return what GiveBack gives back."""
        told = self.client.describe_execution(executionArn=arn)
        detail = {field: told.get(field) for field in ("executionArn", "name", "error", "cause")}
        # moto stops an execution that waits for a token only when the token is answered.
        status = "ABORTED" if told["status"] == "RUNNING" else told["status"]
        return self.load("give_back")(
            {"detail": {**detail, "status": status, "stateMachineArn": MACHINE}}, self.context
        )

    def statuses(self) -> dict[str, str]:
        images = [image for status in ImageStatus for image in ledger().with_status(status)]
        return {image.key.rsplit("/", 1)[-1]: image.status for image in images}

    def wait_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < until, "not within 30 s"
            time.sleep(0.02)

    def trainings(self) -> list[str]:
        listed = self.client.list_executions(stateMachineArn=self.train_model)["executions"]
        return [execution["name"] for execution in listed]


def start_execution(task: Any, env: Any, normalised_parameters: dict[str, Any], **_: Any) -> None:
    """moto hands the parameters on as the state has them; the API's own names begin in lower case."""
    given = {name[0].lower() + name[1:]: value for name, value in normalised_parameters.items()}
    answer = boto3.client("stepfunctions").start_execution(**given)
    env.stack.append({"ExecutionArn": answer["executionArn"]})


@pytest.fixture
def flow(cloud: Cloud, load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> Iterator[Workflow]:
    """Four new images wait."""
    monkeypatch.setattr(StateMachine, "start_once", lambda *_: True)
    monkeypatch.setattr(FeatureGroup, "put_label", lambda *_: None)
    monkeypatch.setattr(Registry, "champion", lambda *_: None)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        made = Workflow(cloud, load_app)
        monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", made.invoke)
        monkeypatch.setattr(state_task_service_sfn.StateTaskServiceSfn, "_eval_service_task", start_execution)
        made.upload("1.jpg", "2.jpg", "3.jpg", "4.jpg")
        yield made


def test_images_are_labelled_verified_and_recorded_and_training_starts(flow: Workflow) -> None:
    ended = flow.run("window-1")
    assert (ended.status, ended.path) == (
        "SUCCEEDED",
        [*CLAIMED, *FIRST, *ROUND, *RECORDED, "StartTraining", "LabelsRecorded"],
    )
    assert flow.statuses() == dict.fromkeys(("1.jpg", "2.jpg", "3.jpg", "4.jpg"), "APPROVED")
    labels = {"approved": 4, "rejected": 0, "skipped": 0, "new_labels": 4, "enough": True}
    assert ended.output["labels"] == labels | {"manifest_uri": "s3://artifacts/labeling/window-1/output.manifest"}
    manifest = flow.cloud.read_lines("labeling/window-1/output.manifest")
    assert [line[LABEL_ATTRIBUTE]["annotations"] for line in manifest] == [[BOX]] * 4
    assert flow.trainings() == ["window-1"]


def test_a_window_is_waited_for(flow: Workflow) -> None:
    ended = flow.run("window-1", claim_at="2026-11-20T09:30:00Z")
    assert ended.path[:3] == ["IsWindowOpen", "WaitForWindow", "ClaimNewImages"]


def test_nothing_new_ends_well_and_asks_nobody(flow: Workflow) -> None:
    flow.run("window-1")
    ended = flow.run("schedule-1")
    assert (ended.status, ended.path) == ("SUCCEEDED", [*CLAIMED, "NothingNew"])
    assert flow.ask("GET", "/jobs")["jobs"] == []


def test_rejected_labels_go_round_again_with_the_reason_and_the_label(flow: Workflow) -> None:
    flow.rejections = {"2.jpg": 1}
    ended = flow.run("window-1")
    assert ended.path == [
        *CLAIMED, *FIRST, *ROUND, *AGAIN, *RECORDED, "StartTraining", "LabelsRecorded",
    ]  # fmt: skip
    asked = flow.cloud.read_lines("labeling/window-1/round-2/images.jsonl")
    assert [(image["key"], image["annotations"], image["reason"]) for image in asked] == [
        ("incoming/2.jpg", [BOX], "box too small")
    ]
    again = flow.seen["2.jpg"][1]
    assert (again["annotations"], again["rejection"]) == ([BOX], "box too small")
    assert set(flow.statuses().values()) == {"APPROVED"}


def test_what_is_rejected_in_the_last_round_is_set_aside(flow: Workflow) -> None:
    flow.rejections = {"2.jpg": 9}
    ended = flow.run("window-1")
    assert ended.path == [
        *CLAIMED, *FIRST, *ROUND, *AGAIN, *RECORDED, "StartTraining", "LabelsRecorded",
    ]  # fmt: skip
    assert flow.statuses()["2.jpg"] == "REJECTED"
    assert [image.why for image in ledger().attention(9)] == ["rejected 2 times: box too small"]
    assert (ended.output["labels"]["approved"], ended.output["labels"]["rejected"]) == (3, 1)


def test_images_that_are_skipped_are_set_aside(flow: Workflow) -> None:
    flow.skipped = {"1.jpg", "2.jpg", "3.jpg", "4.jpg"}
    ended = flow.run("window-1")
    assert (ended.status, ended.output["labels"]["skipped"]) == ("SUCCEEDED", 4)
    assert {image.why for image in ledger().attention(9)} == {"skipped: too dark"}


def test_without_proposals_people_label_all_the_same(flow: Workflow) -> None:
    flow.broken = {"propose_labels"}
    ended = flow.run("window-1")
    assert ended.path == [
        *CLAIMED, *FIRST[:3], *ROUND, *RECORDED, "StartTraining", "LabelsRecorded",
    ]  # fmt: skip
    assert ended.output["labels"]["approved"] == 4


def test_too_few_labels_start_no_training(flow: Workflow) -> None:
    flow.rejections = {"2.jpg": 9, "3.jpg": 9, "4.jpg": 9}
    ended = flow.run("window-1")
    assert ended.path[-3:] == [*RECORDED, "LabelsRecorded"]
    assert flow.trainings() == []


def test_an_image_that_is_deleted_while_it_is_labelled_is_not_recorded(flow: Workflow) -> None:
    def delete_once() -> None:
        flow.while_labelled = lambda: None
        record = flow.cloud.upload("3.jpg", b"", sequencer="2", kind="Object Deleted")
        flow.load("register_images")({"Records": [record]}, flow.context)

    flow.while_labelled = delete_once
    ended = flow.run("window-1")
    assert (ended.status, ended.output["labels"]["approved"]) == ("SUCCEEDED", 3)
    assert flow.statuses()["3.jpg"] == "REMOVED"


@pytest.mark.parametrize(
    ("function", "before"),
    [
        ("claim_new_images", CLAIMED[:2]),
        ("open_labeling_job", [*CLAIMED, *FIRST, ROUND[0]]),
        ("consolidate_labels", [*CLAIMED, *FIRST, *ROUND[:2]]),
        ("open_verification_job", [*CLAIMED, *FIRST, *ROUND[:3]]),
        ("collect_verdicts", [*CLAIMED, *FIRST, *ROUND[:4]]),
        ("settle_round", [*CLAIMED, *FIRST, *ROUND[:5]]),
        ("record_labels", [*CLAIMED, *FIRST, *ROUND, RECORDED[0]]),
    ],
)
def test_a_failing_step_gives_the_images_back_and_people_are_told(
    flow: Workflow, function: str, before: list[str]
) -> None:
    flow.broken = {function}
    ended = flow.run("window-1")
    assert (ended.status, ended.path, ended.error) == ("FAILED", before, "PermissionError")
    assert f"{function} is broken" in str(ended.cause)
    assert set(flow.statuses().values()) == {"NEW"}
    assert [message["Subject"] for message in flow.cloud.mail()] == ["sightline-label-images failed: PermissionError"]
    flow.broken = set()
    assert flow.run("window-2").path[-1] == "LabelsRecorded"


@pytest.mark.parametrize(
    ("waits_in", "answers"),
    [("WaitForWindow", 0), ("OpenLabelingJob", 0), ("OpenLabelingJob", 2), ("OpenVerificationJob", 2)],
)
def test_wherever_it_is_stopped_everything_goes_back_and_the_next_one_has_it(
    flow: Workflow, monkeypatch: pytest.MonkeyPatch, waits_in: str, answers: int
) -> None:
    monkeypatch.setattr(workflows, "is_running", lambda *_: False)  # see tell_of
    flow.patience = (
        {"labeling": 4, "verification": answers} if waits_in == "OpenVerificationJob" else {"labeling": answers}
    )
    waits = {"claim_at": "2099-01-01T00:00:00Z"} if waits_in == "WaitForWindow" else {}
    stopped = flow.start("window-1", waits)
    flow.wait_until(lambda: flow.path(stopped)[-1:] == [waits_in] and flow.answered == sum(flow.patience.values()))
    before = flow.answered
    flow.client.stop_execution(executionArn=stopped)
    assert flow.tell_of(stopped)["images"] == (0 if waits else 4)
    assert (set(flow.statuses().values()), flow.ask("GET", "/jobs")["jobs"]) == ({"NEW"}, [])
    assert [message["Subject"] for message in flow.cloud.mail()] == ["sightline-label-images was stopped"]
    flow.patience, flow.answered = {}, 0
    assert flow.run("window-2").output["labels"]["approved"] == 4
    assert flow.answered == 8 - before  # four labels, four verdicts: what was answered is not asked again
    assert flow.tell_of(stopped)["images"] == 0  # the event comes again, late
    assert set(flow.statuses().values()) == {"APPROVED"}


def test_one_id_is_on_the_image_its_label_its_execution_and_the_training_that_it_starts(flow: Workflow) -> None:
    flow.upload("1.jpg", "2.jpg", "3.jpg")
    ended = flow.run("window-7")
    assert ended.status == "SUCCEEDED"
    assert {image.correlation_id for image in ledger().with_status(ImageStatus.APPROVED)} == {"window-7"}
    labels = flow.cloud.read_lines("labeling/window-7/output.manifest")
    assert {line["defects-metadata"]["correlation-id"] for line in labels} == {"window-7"}
    assert flow.trainings() == ["window-7"]
