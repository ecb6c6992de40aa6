"""What an execution held that ended badly is given back: once, from the records, and not to the cost of another one."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sightline.aws.table import Table
from sightline.images.image import ImageStatus
from sightline.labelling.tasks import JobWithdrawnError
from sightline.rollout.deployments import Deployments
from sightline.rollout.record import RolloutState
from tests.fake_cloud import Cloud, jpeg, request
from tests.given_aws import GivenAws
from tests.images import ledger

JOB = "window-1795220517014"
MACHINES = "arn:aws:states:us-east-1:123456789012:stateMachine:sightline-"
NOTHING = {"images": 0, "jobs": 0, "answers": 0, "rollouts": 0}


class StepFunctions:
    """The state of executions: `running` are names, and those of no other one are known."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.exceptions = SimpleNamespace(ExecutionDoesNotExist=ClientError)

    def describe_execution(self, *, executionArn: str) -> dict[str, object]:  # noqa: N803
        machine, _, name = executionArn.replace(":execution:", ":stateMachine:").rpartition(":")
        described: dict[str, object] = {"executionArn": executionArn, "stateMachineArn": machine, "name": name}
        return described | {"status": "RUNNING" if name in self.running else "ABORTED"}

    def get_paginator(self, _: str) -> Any:
        pages = [{"executions": [{"name": name} for name in sorted(self.running)]}]
        return SimpleNamespace(paginate=lambda **_: pages)


@pytest.fixture(autouse=True)
def executions(aws: GivenAws, monkeypatch: pytest.MonkeyPatch) -> StepFunctions:
    aws.given["stepfunctions"] = StepFunctions()
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: True)
    return aws.given["stepfunctions"]  # type: ignore[no-any-return]


@pytest.fixture
def labelled(step: Any, cloud: Cloud) -> None:
    """Four images are claimed, and asked for in a job."""
    step("register_images", {"Records": [cloud.upload(f"{number}.jpg", jpeg(number)) for number in range(4)]})
    step("claim_new_images")
    step("open_labeling_job", images_uri=f"s3://artifacts/labeling/{JOB}/round-1/images.jsonl", task_token="token")
    assert len(ledger().claimed_by(JOB)) == 4


def detail(cloud: Cloud, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = cloud.event("give_back")["detail"]
    return found | changes


def subjects(cloud: Cloud) -> list[str]:
    return [str(message["Subject"]) for message in cloud.mail()]


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ({"status": "ABORTED"}, "was stopped"),
        ({"status": "TIMED_OUT"}, "ran out of time"),
        ({"status": "FAILED", "error": "States.Runtime", "cause": "no such path"}, "failed: States.Runtime"),
        ({"status": "FAILED", "error": None, "cause": None}, "failed: unknown"),
    ],
)  # fmt: skip
def test_a_labelling_that_ended_gives_back_its_images_and_its_jobs_and_people_hear_of_it_once(
    step: Any, cloud: Cloud, labelled: None, ending: dict[str, Any], said: str
) -> None:
    event = {"detail": detail(cloud, **ending)}
    assert step("give_back", event) == NOTHING | {"images": 4, "jobs": 1}
    assert ledger().counts()[ImageStatus.NEW] == 4
    assert json.loads(step("serve_labeling", request("GET", "/jobs"))["body"])["jobs"] == []
    (message,) = cloud.mail()
    assert message["Subject"] == f"sightline-label-images {said}"
    assert "Images given back: 4." in message["Message"]
    assert "wait for the next upload or the schedule" in message["Message"]
    assert step("give_back", event) == NOTHING  # the same event once more
    assert cloud.mail() == []


def test_answers_stay_the_images_through_a_labelling_that_asked_nobody(step: Any, cloud: Cloud, labelled: None) -> None:
    """The second one is stopped before it opens its job: the first one's answers count in the third."""
    step("give_back")
    step("claim_new_images", execution="window-2")
    step("give_back", {"detail": detail(cloud, name="window-2")})
    step("claim_new_images", execution="window-3")
    assert {line["earlier_job"] for line in cloud.read_lines("labeling/window-3/round-1/images.jsonl")} == {JOB}


def test_what_a_redriven_labelling_has_is_recorded_unless_another_one_has_the_image(
    step: Any, cloud: Cloud, labelled: None
) -> None:
    """`RecordLabels` goes on after its execution has ended, or again."""
    step("give_back")
    free, taken = (image.image_id for image in ledger().with_status(ImageStatus.NEW)[:2])
    ledger().claim_for_labels("window-2", [taken], "window-2")
    given: dict[str, Any] = {"rounds": 1, "label_ref": "s3://artifacts/labels", "annotations": []}
    assert [ledger().approve(JOB, image_id, **given) for image_id in (free, taken, free)] == [True, False, True]
    approved = ledger().image(free)
    assert approved and (approved.status, approved.given_back_by) == (ImageStatus.APPROVED, None)


def test_an_event_that_comes_late_takes_nothing_from_the_execution_that_has_the_images_by_now(
    step: Any, cloud: Cloud, labelled: None
) -> None:
    step("give_back")
    assert step("claim_new_images", execution="window-2")["images"] == 4
    assert step("give_back") == NOTHING
    assert len(ledger().claimed_by("window-2")) == 4


def test_an_execution_that_was_redriven_before_its_event_came_keeps_what_it_holds(
    step: Any, cloud: Cloud, labelled: None, executions: StepFunctions
) -> None:
    executions.running = {JOB}
    assert step("give_back") == NOTHING
    assert len(ledger().claimed_by(JOB)) == 4
    assert cloud.mail() == []


def test_people_hear_again_of_an_execution_that_was_redriven_and_ended_badly_again(step: Any, cloud: Cloud) -> None:
    for redrives in (0, 0, 1, 1):
        step("give_back", {"detail": detail(cloud, redriveCount=redrives)})
    step("give_back", {"detail": detail(cloud)})  # the first end, out of order
    assert len(cloud.mail()) == 2


def test_a_training_of_the_same_name_gives_back_nothing_of_the_labelling(
    step: Any, cloud: Cloud, labelled: None
) -> None:
    """`StartTraining` names the training after the labelling."""
    changes = {
        "stateMachineArn": f"{MACHINES}train-model",
        "status": "FAILED",
        "error": "OutOfMemory",
        "cause": "x" * 9,
    }
    arn = detail(cloud)["executionArn"].replace("label-images", "train-model")
    assert step("give_back", {"detail": detail(cloud, executionArn=arn, **changes)}) == NOTHING
    assert len(ledger().claimed_by(JOB)) == 4
    (message,) = cloud.mail()
    assert message["Message"].splitlines() == [f"Execution: {arn}", "Error: OutOfMemory", "Cause: xxxxxxxxx"]


@pytest.fixture
def rolled_out(cloud: Cloud, aws: GivenAws) -> Callable[[str], Table]:
    """`rolled_out("BAKING")` puts a roll-out of `execution-1` into the table. Return the table."""

    def put(status: str) -> Table:
        table = Table(aws, "DeploymentsTable")
        table.put({
            "pk": f"group#{cloud.environment['THING_GROUP_ARN']}", "execution": f"{EXECUTION}1", "status": status,
            "model_version": "1.0.3", "approved_at": "2026-11-20T09:00:00Z", "stage": "canary",
            "stages": ["canary", "fleet"], "things": ["line-1"], "task_token": "token", "deadline": 4_000_000_000,
            "hold_seconds": 1500, "components": {}, "previous": {}, "deployments": {}, "failed": {}, "bake": {},
        })  # fmt: skip
        return table

    return put


EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:sightline-deploy-model:execution-"


def stopped_roll_out(cloud: Cloud, number: int = 1) -> dict[str, Any]:
    return {"detail": detail(cloud, executionArn=f"{EXECUTION}{number}", stateMachineArn=f"{MACHINES}deploy-model")}


@pytest.mark.parametrize("status", ["WAITING", "BAKING", "PROMOTED", "ROLLING_BACK"])
def test_a_roll_out_that_was_stopped_lets_the_devices_go_and_says_what_they_run(
    step: Any, cloud: Cloud, aws: GivenAws, rolled_out: Callable[[str], Table], status: str
) -> None:
    rolled_out(status)
    assert step("give_back", stopped_roll_out(cloud)) == NOTHING | {"rollouts": 1}
    current = Deployments(aws, "DeploymentsTable", cloud.environment["THING_GROUP_ARN"]).current()
    assert current is not None
    assert (current.status, current.is_held(0), current.is_abandoned(0)) == (RolloutState.ABANDONED, False, True)
    (message,) = cloud.mail()
    assert message["Subject"] == "sightline-deploy-model was stopped"
    assert "The roll-out of 1.0.3 let the devices go in its stage canary." in message["Message"]
    assert step("give_back", stopped_roll_out(cloud)) == NOTHING
    assert cloud.mail() == []


@pytest.mark.parametrize(("status", "number"), [("HEALTHY", 1), ("ROLLED_BACK", 1), ("BAKING", 2)])
def test_a_roll_out_that_is_settled_or_another_one_s_is_left_alone(
    step: Any, cloud: Cloud, rolled_out: Callable[[str], Table], status: str, number: int
) -> None:
    """The one that failed may have taken its model back itself, and an older one may be told of late."""
    table = rolled_out(status)
    assert step("give_back", stopped_roll_out(cloud, number)) == NOTHING
    item = table.get({"pk": f"group#{cloud.environment['THING_GROUP_ARN']}"}) or {}
    assert item["status"] == status


def test_a_roll_out_of_whose_end_no_event_told_lets_the_devices_go_later_and_people_hear_of_it_once(
    step: Any, cloud: Cloud, rolled_out: Callable[[str], Table], executions: StepFunctions
) -> None:
    rolled_out("BAKING")
    executions.running = {"execution-1"}
    assert step("give_back", {"detail": None}) == NOTHING
    executions.running = set()
    assert step("give_back", {"detail": None}) == NOTHING | {"rollouts": 1}
    assert step("give_back", {"detail": None}) == step("give_back", stopped_roll_out(cloud)) == NOTHING
    assert subjects(cloud) == ["sightline-deploy-model was stopped"]


@pytest.fixture
def later(step: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Run the schedule's call an hour later."""

    def run() -> Any:
        step("give_back", {"detail": None})
        with monkeypatch.context() as patched:
            patched.setattr(step.apps["give_back"], "GRACE", timedelta(hours=-1))
            return step("give_back", {"detail": None})

    return run


def test_what_no_event_told_is_found_later_but_not_what_runs_or_has_just_been_claimed(
    step: Any, cloud: Cloud, labelled: None, executions: StepFunctions, later: Callable[[], Any]
) -> None:
    executions.running = {JOB}
    assert later() == NOTHING
    executions.running = set()
    assert later() == NOTHING | {"images": 4, "jobs": 1}
    assert subjects(cloud) == [f"What {JOB} held was given back late"]
    assert later() == NOTHING


def test_what_a_wrong_clock_has_claimed_is_not_held_until_then(
    step: Any, labelled: None, executions: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions.running = set()
    assert step("give_back", {"detail": None}) == NOTHING
    with monkeypatch.context() as patched:  # this clock is set back by an hour
        patched.setattr(step.apps["give_back"], "SKEW_SECONDS", -3600)
        assert step("give_back", {"detail": None}) == NOTHING | {"images": 4, "jobs": 1}


def test_what_a_function_claims_after_its_execution_has_ended_is_found_too(
    step: Any, cloud: Cloud, labelled: None, later: Callable[[], Any]
) -> None:
    """Lambda goes on with a call whose execution was stopped."""
    step("give_back")
    step("claim_new_images")
    assert later() == NOTHING | {"images": 4}


def test_what_an_import_claims_after_its_execution_has_ended_is_found_too(
    step: Any, cloud: Cloud, labelled: None, later: Callable[[], Any]
) -> None:
    step("give_back")
    labels = [{"image_id": image.image_id, "annotations": []} for image in ledger().with_status(ImageStatus.NEW)]
    cloud.write_lines("labeling/imports/late.jsonl", labels)
    uri = "s3://artifacts/labeling/imports/late.jsonl"
    assert step("import_labels", execution=JOB, labels_uri=uri)["images"] == 4
    assert later() == NOTHING | {"images": 4}


def test_a_job_that_a_function_opens_after_its_execution_has_ended_is_withdrawn_at_once(
    step: Any, cloud: Cloud, labelled: None
) -> None:
    step("give_back")
    with pytest.raises(JobWithdrawnError):
        step("open_verification_job", labels_uri=cloud.write_lines("late.jsonl", []), task_token="late")
    assert json.loads(step("serve_labeling", request("GET", "/jobs"))["body"])["jobs"] == []


def test_images_that_nobody_holds_are_no_reason_to_ask_step_functions(
    step: Any, cloud: Cloud, executions: StepFunctions, later: Callable[[], Any]
) -> None:
    executions.get_paginator = None  # type: ignore[assignment, method-assign]
    assert later() == NOTHING
