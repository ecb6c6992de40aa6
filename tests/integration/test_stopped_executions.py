"""The real workflows in the local stack, stopped wherever they wait: EventBridge tells of the end, and GiveBack gives
back what they held, with IAM enforced.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client import devices, models, pipeline
from client.annotate import Annotators, read_coco
from client.loop.sample import draw
from client.target import Target
from local import stack
from local.device.simulated import SimulatedDevice
from sightline.images.image import ImageStatus
from sightline.rollout.deployments import Deployments
from sightline.rollout.record import RolloutState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PHOTOS = 12
PARAMETERS = {
    "LabelingWindowSeconds": "3600",
    "MinNewLabels": "1000",
    "MinMap": "0",
    "MinRecall": "0",
    "Hyperparameters": '{"image_size":"96","epochs":"1"}',
}
ALL = {ImageStatus.NEW: PHOTOS, ImageStatus.CLAIMED: 0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place: Path = tmp_path_factory.mktemp("home")
    try:
        yield place
    finally:
        stack.down(place)


@pytest.fixture(scope="module")
def line(home: Path) -> Target:
    stack.up(root=home, overrides=PARAMETERS, tied=True)
    return Target.find(None, None, None, home)


class Mail:
    """A queue that hears what people are told."""

    def __init__(self, line: Target) -> None:
        self.sqs = line.client("sqs")
        self.url = self.sqs.create_queue(QueueName="mail")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = line.outputs["NotificationTopicArn"]
        sends = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{**sends, "Resource": arn}]})
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})
        line.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self.heard: list[str] = []

    def has(self, subject: str) -> bool:
        for message in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            self.heard.append(str(json.loads(message["Body"]).get("Subject")))
        return any(subject in one for one in self.heard)


@pytest.fixture(scope="module")
def mail(line: Target) -> Mail:
    return Mail(line)


@pytest.fixture(scope="module")
def people(line: Target, mail: Mail, tmp_path_factory: pytest.TempPathFactory) -> Annotators:
    """Photos are uploaded, and their window is open for an hour; nobody has answered anything yet."""
    folder = tmp_path_factory.mktemp("photos")
    truth = read_coco(draw(folder, PHOTOS, seed=5))
    pipeline.upload(line, sorted(folder.glob("*.jpg")))
    until(lambda: pipeline.executions(line, "label_images"))
    until(lambda: pipeline.ledger(line).counts()[ImageStatus.NEW] == PHOTOS)
    return Annotators(line, truth, error_rate=0, seed=1, count=1)


def until(found: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)
    return answer


def start(line: Target, machine: str, request: dict[str, Any] | None = None) -> str:
    arn = line.outputs[pipeline.MACHINES[machine]]
    started = line.client("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(request or {}))
    return str(started["executionArn"])


def stop_in(line: Target, execution: str, state: str) -> None:
    until(lambda: pipeline.current_state(line, execution) == state)
    line.client("stepfunctions").stop_execution(executionArn=execution)


def given_back(line: Target) -> bool:
    counts = pipeline.ledger(line).counts()
    return {status: counts[status] for status in ALL} == ALL


def answer(people: Annotators, kind: str, number: int) -> None:
    """One person gives so many answers in the open job of this kind."""
    (job,) = until(lambda: [job for job in people.jobs() if job["kind"] == kind])
    for _ in range(number):
        path = f"/jobs/{job['job_id']}"
        _, given = people._call("simulated-0", "POST", f"{path}/next", {"count": 1})
        task = given["tasks"][0]
        said = people._answer(job, task)
        assert people._call("simulated-0", "POST", f"{path}/tasks/{task['task_id']}/answer", said)[0] == 200


def test_a_window_that_is_stopped_leaves_its_images_to_the_next(line: Target, people: Annotators, mail: Mail) -> None:
    (waiting,) = pipeline.executions(line, "label_images")
    stop_in(line, waiting["executionArn"], "WaitForWindow")
    until(lambda: mail.has("label-images was stopped"))
    assert given_back(line)


def test_labelling_that_is_stopped_in_every_waiting_state_asks_nothing_twice(
    line: Target, people: Annotators, mail: Mail
) -> None:
    first = start(line, "label_images")
    answer(people, "labeling", 5)
    stop_in(line, first, "OpenLabelingJob")
    until(lambda: given_back(line) and not people.jobs())
    client = line.client("stepfunctions")
    client.redrive_execution(executionArn=first)  # what was given back is not taken again
    until(lambda: client.describe_execution(executionArn=first)["status"] == "FAILED")
    assert "is withdrawn: its execution had ended" in client.describe_execution(executionArn=first)["cause"]
    assert given_back(line)

    second = start(line, "label_images")
    (job,) = until(people.jobs)
    assert (job["total"], job["remaining"]) == (PHOTOS, PHOTOS - 5)
    answer(people, "labeling", PHOTOS - 5)
    answer(people, "verification", 4)
    stop_in(line, second, "OpenVerificationJob")
    until(lambda: given_back(line) and not people.jobs())

    third = start(line, "label_images")
    (job,) = until(people.jobs)
    assert (job["kind"], job["remaining"]) == ("verification", PHOTOS - 4)
    answer(people, "verification", PHOTOS - 4)
    pipeline.wait_for(line, third)
    assert pipeline.ledger(line).counts()[ImageStatus.APPROVED] == PHOTOS


def test_a_whole_labelling_that_runs_out_of_time_gives_back_too(
    line: Target, people: Annotators, mail: Mail, tmp_path: Path
) -> None:
    draw(tmp_path, 2, seed=99)
    pipeline.upload(line, sorted(tmp_path.glob("*.jpg")))
    until(lambda: pipeline.ledger(line).counts()[ImageStatus.NEW] == 2)
    client, arn = line.client("stepfunctions"), line.outputs["LabelImagesArn"]
    definition = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition | {"TimeoutSeconds": 8}))
    try:
        late = start(line, "label_images")
        until(people.jobs)
        until(lambda: client.describe_execution(executionArn=late)["status"] == "TIMED_OUT")
        until(lambda: pipeline.ledger(line).counts()[ImageStatus.NEW] == 2 and not people.jobs())
        until(lambda: mail.has("label-images ran out of time"))
    finally:
        client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))


def test_a_training_that_is_stopped_stops_its_job(line: Target, people: Annotators, mail: Mail) -> None:
    execution = pipeline.start_training(line, force=True, hyperparameters={"image_size": "96", "epochs": "500"})
    stop_in(line, execution, "TrainModel")
    jobs = line.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]

    def stopped() -> bool:
        name = {"TrainingJobName": jobs[0]["TrainingJobName"]}
        return bool(line.client("sagemaker").describe_training_job(**name)["TrainingJobStatus"] == "Stopped")

    until(stopped)
    until(lambda: mail.has("train-model was stopped"))
    described = line.client("stepfunctions").describe_execution(executionArn=execution)
    assert described["status"] == "ABORTED"  # the job's end did not overwrite it


def test_a_roll_out_that_is_stopped_lets_the_next_one_begin_at_once(
    line: Target, people: Annotators, mail: Mail, home: Path
) -> None:
    pipeline.wait_for(line, pipeline.start_training(line, force=True))
    devices.publish_inspector(line)
    device = SimulatedDevice(home, "simulated-line-1")
    device.start(stack.load(home))
    rollouts = Deployments(line.aws, line.outputs["DeploymentsTableName"], group_arn(line))
    for number, state in enumerate(("StartDeployment", "BakeModel"), start=1):
        models.judge(line, "latest", approved=True)
        started = until(lambda: len(found := pipeline.executions(line, "deploy_model")) == number and found)  # noqa: B023
        arn = started[0]["executionArn"]
        until(lambda: (found := rollouts.current()) and found.execution == arn)  # noqa: B023
        stop_in(line, arn, state)
        until(lambda: (found := rollouts.current()) and found.status == RolloutState.ABANDONED)
    until(lambda: mail.has("deploy-model was stopped"))


def group_arn(line: Target) -> str:
    found = line.client("iot").describe_thing_group(thingGroupName=line.outputs["ThingGroupName"])
    return str(found["thingGroupArn"])


def test_a_scoring_run_that_is_stopped_is_told(line: Target, people: Annotators, mail: Mail) -> None:
    execution = pipeline.start_scoring(line, "incoming/")
    line.client("stepfunctions").stop_execution(executionArn=execution)
    until(lambda: mail.has("score-batch was stopped"))
