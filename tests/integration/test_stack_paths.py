"""The real workflows in the local stack, with IAM enforced: the ends that `test_loop` does not reach, and the good ones
quickly.

The photos are drawn and the trainings as short as can be: what counts here is where an execution goes, not how good a
model is.
"""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client import devices, models, pipeline, users
from client.adapters.hints import Hints
from client.annotate import Annotators, read_coco
from client.loop.sample import draw
from client.target import Target
from local import stack
from local.device.simulated import SimulatedDevice
from sightline.images.image import ImageStatus
from tests import foreign_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PARAMETERS = {
    "LabelingWindowSeconds": "8",
    "MinNewLabels": "1000",
    "Hyperparameters": '{"image_size":"96","epochs":"1"}',
}
LABELED = [
    "OpenLabelingJob", "ConsolidateLabels", "OpenVerificationJob", "CollectVerdicts", "SettleRound",
    "IsAnotherRoundNeeded",
]  # fmt: skip
JUDGED = [
    "PrepareTrainingImage", "SnapshotDataset", "PlanTraining", "HasAnythingChanged", "IsModelImported", "TrainModel",
    "EvaluateModel",
    "JudgeModel",
    "IsModelAccepted",
]  # fmt: skip
DEPLOYED = [
    "IsRollBackRequested",
    "PlanComponentVersion",
    "CreateComponentVersion",
    "StartDeployment",
    "PromoteOrRollBack",
]
BAKED = [*DEPLOYED, "HasStageEnded", "BakeModel", "PromoteOrRollBack", "HasStageEnded"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place: Path = tmp_path_factory.mktemp("home")
    try:
        yield place
    finally:
        stack.down(place)


@pytest.fixture(scope="module")
def line(home: Path) -> Target:
    """The stack as it comes up: models below mAP@.50 0.5 are rejected."""
    stack.up(root=home, overrides=PARAMETERS, tied=True)
    return Target.find(None, None, None, home)


@pytest.fixture(scope="module")
def labeled(line: Target, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Twenty photos are uploaded and labelled, carelessly at first; answers the states of that execution."""
    folder = tmp_path_factory.mktemp("photos")
    truth = read_coco(draw(folder, 20, seed=3))
    pipeline.upload(line, sorted(folder.glob("*.jpg")))
    people = Annotators(line, truth, error_rate=0.5, seed=1, count=2)
    execution = until(lambda: windows(line))[0]
    while not ended(line, execution):
        people.work()
        time.sleep(0.2)
    pipeline.wait_for(line, execution)
    return states(line, execution)


@pytest.fixture(scope="module")
def lenient(line: Target, labeled: list[str], home: Path) -> Target:
    """The same stack, deployed anew with a gate that lets every model pass."""
    stack.up(root=home, overrides=PARAMETERS | {"MinMap": "0", "MinRecall": "0"}, tied=True)
    return Target.find(None, None, None, home)


@pytest.fixture(scope="module")
def device(lenient: Target, home: Path) -> SimulatedDevice:
    """A device that runs no model yet."""
    devices.publish_inspector(lenient)
    made = SimulatedDevice(home, "simulated-line-1")
    made.start(stack.load(home))
    return made


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What `found` answers as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)
    return answer


def windows(target: Target) -> list[str]:
    """Executions of label_images that uploads started."""
    arns = [execution["executionArn"] for execution in pipeline.executions(target, "label_images")]
    return [arn for arn in arns if arn.rsplit(":", 1)[-1].startswith("window-")]


def states(target: Target, execution: str) -> list[str]:
    events = pipeline.history(target, execution)
    return [event["stateEnteredEventDetails"]["name"] for event in events if event["type"].endswith("StateEntered")]


def ended(target: Target, execution: str) -> bool:
    described = target.client("stepfunctions").describe_execution(executionArn=execution)
    return str(described["status"]) != "RUNNING"


def run(target: Target, machine: str, request: dict[str, Any] | None = None) -> tuple[list[str], dict[str, Any]]:
    """One execution to its end: the states it entered, and how it is described."""
    client = target.client("stepfunctions")
    arn = target.outputs[pipeline.MACHINES[machine]]
    execution = client.start_execution(stateMachineArn=arn, input=json.dumps(request or {}))["executionArn"]
    until(lambda: ended(target, execution), 180)
    return states(target, execution), client.describe_execution(executionArn=execution)


def deploy(target: Target) -> tuple[list[str], dict[str, Any]]:
    """Approve the newest model, and wait until its roll-out has ended."""
    before = {execution["executionArn"] for execution in pipeline.executions(target, "deploy_model")}
    models.judge(target, "latest", approved=True)

    def started() -> list[str]:
        return [
            e["executionArn"] for e in pipeline.executions(target, "deploy_model") if e["executionArn"] not in before
        ]

    execution = until(started)[0]
    until(lambda: ended(target, execution), 120)
    return states(target, execution), target.client("stepfunctions").describe_execution(executionArn=execution)


def model_on(target: Target, device: SimulatedDevice) -> str:
    running = next(entry for entry in devices.listed(target) if entry["thing"] == device.thing)
    return str(running["components"].get(devices.own_components(target).model, "none"))


def test_without_new_images_nobody_is_asked(line: Target) -> None:
    path, described = run(line, "label_images")
    assert (path[-3:], described["status"]) == (["ClaimNewImages", "AreThereNewImages", "NothingNew"], "SUCCEEDED")


def test_only_people_of_the_pool_are_served(line: Target, home: Path) -> None:
    users.set_password(line, "anna", "Of-Her-Own-12")
    session = users.sign_in(line, "anna", "Of-Her-Own-12")
    status, seen = line.call_api("GET", "/jobs", None, session["id_token"])
    assert (status, seen["jobs"]) == (200, [])
    head, claims, signature = session["id_token"].split(".")
    other = users.sign_in(line, *users.local_user(line, home)[0].values())["id_token"].split(".")
    forged = [None, "x", f"{head}.{other[1]}.{signature}", f"{head}.{claims}.", f"{head}.{claims}.{other[2]}"]
    for path in ("/jobs", "/overview", "/attention", "/workflows/label_images"):
        assert [line.call_api("GET", path, None, token)[0] for token in forged] == [401] * 5
    approval = ("POST", "/models/1/approval", {"approved": True})
    assert line.call_api(*approval, session["id_token"])[0] == 403
    assert line.call_api(*approval, ".".join(other))[0] == 404
    assert (home / "user.json").stat().st_mode & 0o777 == 0o600


def test_the_first_password_is_chosen_by_whom_it_was_given_to(line: Target) -> None:
    given = users.add(line, "ben", engineer=True)
    sign_in = ("POST", "/session")
    status, asked = line.call_api(*sign_in, {"username": "ben", "password": given})
    assert (status, asked["challenge"]) == (409, "NEW_PASSWORD_REQUIRED")
    chosen = {"username": "ben", "session": asked["session"], "new_password": "Of-His-Own-12"}
    assert line.call_api(*sign_in, {**chosen, "session": "guessed"})[0] == 400
    assert line.call_api(*sign_in, {**chosen, "session": asked["session"][::-1]})[0] == 401
    assert line.call_api(*sign_in, {**chosen, "username": "anna"})[0] == 401
    assert line.call_api(*sign_in, {**chosen, "new_password": "short"})[0] == 400
    status, session = line.call_api(*sign_in, chosen)
    assert (status, session["username"], session["groups"]) == (200, "ben", ["engineers"])
    assert line.call_api(*sign_in, chosen)[0] == 401
    renewed = line.call_api(*sign_in, {"username": "ben", "refresh_token": session["refresh_token"]})[1]
    assert line.call_api("GET", "/jobs", None, renewed["id_token"])[0] == 200
    with pytest.raises(users.UserError, match="there is a user 'ben' already"):
        users.add(line, "ben")


def test_the_page_and_its_overview_are_served(line: Target) -> None:
    with urllib.request.urlopen(f"{line.api_url}/", timeout=30) as answer:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert b"<!doctype html>" in answer.read().lower()
    users.set_password(line, "anna", "Of-Her-Own-12")
    token = users.sign_in(line, "anna", "Of-Her-Own-12")["id_token"]
    status, seen = line.call_api("GET", "/overview", None, token)
    assert (status, set(seen)) == (200, {"images", "executions", "models", "devices", "image_problem"})
    assert seen["image_problem"] is None
    status, graph = line.call_api("GET", "/workflows/label_images", None, token)
    assert {"ProposeLabels", "OpenLabelingJob"} <= {state["name"] for state in graph["states"]}


def test_without_labels_nothing_is_trained(line: Target) -> None:
    path, described = run(line, "train_model")
    assert path == ["PrepareTrainingImage", "SnapshotDataset", "PlanTraining", "HasAnythingChanged", "NothingChanged"]
    assert "no image is approved yet" in json.loads(described["output"])["plan"]["reason"]


def test_a_training_whose_image_is_not_there_starts_by_itself_when_it_is_built(line: Target) -> None:
    repository = line.outputs["TrainingImageRepositoryUri"].partition("/")[2]
    ecr, workflows = line.client("ecr"), line.client("stepfunctions")
    (image,) = ecr.list_images(repositoryName=repository)["imageIds"]
    ecr.batch_delete_image(repositoryName=repository, imageIds=[image])
    path, described = run(line, "train_model")
    prepared = json.loads(described["output"])["image"]
    assert (path[-1], prepared["uri"].rpartition(":")[2], prepared["ready"]) == (
        "NothingChanged", image["imageTag"], False,
    )  # fmt: skip
    assert prepared["reason"].startswith("the training image is being built (simulated-build:")

    def started() -> list[str]:
        listed = workflows.list_executions(stateMachineArn=line.outputs["TrainModelArn"])["executions"]
        return [entry["executionArn"] for entry in listed if entry["name"].startswith("image-")]

    until(lambda: len(started()) == 1 and ended(line, started()[0]))
    output = json.loads(workflows.describe_execution(executionArn=started()[0])["output"])
    assert output["image"] == {"uri": prepared["uri"], "ready": True, "reason": ""}
    assert [entry["imageTag"] for entry in ecr.list_images(repositoryName=repository)["imageIds"]] == [
        image["imageTag"]
    ]


def test_careless_labels_go_round_again_until_they_are_right(line: Target, labeled: list[str]) -> None:
    rounds = labeled.count("OpenLabelingJob")
    assert rounds in (2, 3)
    start = ["IsWindowOpen", "WaitForWindow", "ClaimNewImages", "AreThereNewImages", "StartFirstRound"]
    start += ["IsGroundTruthUsed", "ProposeLabels", "AskWithProposals", *LABELED]
    again = ["IsGroundTruthUsed", *LABELED] * (rounds - 1)
    assert labeled == [*start, *again, "RecordLabels", "IsEnoughNew", "LabelsRecorded"]
    counts = pipeline.ledger(line).counts()
    assert counts[ImageStatus.APPROVED] + counts[ImageStatus.REJECTED] == 20


def test_a_hyperparameter_that_can_not_be_is_refused_before_a_job(line: Target, labeled: list[str]) -> None:
    path, described = run(line, "train_model", {"hyperparameters": {"epoch": "8"}})
    assert path == JUDGED[:3]
    assert (described["status"], described["error"]) == ("FAILED", "InvalidHyperparametersError")
    assert "unknown hyperparameter 'epoch'; did you mean epochs?" in described["cause"]


def test_a_model_below_the_floor_is_rejected(line: Target, labeled: list[str]) -> None:
    path, described = run(line, "train_model")
    assert path == [*JUDGED, "ReportRejection", "ModelRejected"]
    assert "is below the floor 0.500" in json.loads(described["output"])["judgement"]["reasons"][0]
    assert models.listed(line) == []


REJECTED = ["JudgeModel", "IsModelAccepted", "ReportRejection", "ModelRejected"]
OTHER_CLASSES = "the model's classes are dent; the dataset's are scratch"


@pytest.mark.parametrize(
    ("foreign", "hints", "end", "said"),
    [
        (False, Hints(classes=["scratch"]), REJECTED, "is below the floor 0.500"),
        (False, Hints(classes=["dent"]), [], OTHER_CLASSES),
        (True, Hints(classes=foreign_models.CLASSES, wanted=["scratch"]), REJECTED, "is below the floor 0.500"),
    ],
    ids=["ours", "other-classes", "yolov8"],
)
def test_an_imported_model_goes_through_the_same_evaluation_and_gate(
    line: Target, labeled: list[str], tmp_path: Path, foreign: bool, hints: Hints, end: list[str], said: str
) -> None:
    file = foreign_models.saved(tmp_path, foreign_models.LAYOUTS["yolov8"][0]())
    if not foreign:
        s3, bucket = line.client("s3"), line.outputs["ArtifactsBucketName"]
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="training/")["Contents"]]
        s3.download_file(bucket, next(key for key in keys if key.endswith("/evaluation/model.onnx")), str(file))
    archive = models.pack(models.read(file, hints), "own")
    execution = models.start_import(line, archive, "own", force=True)
    until(lambda: ended(line, execution), 180)
    described = line.client("stepfunctions").describe_execution(executionArn=execution)
    assert states(line, execution) == [*JUDGED[:5], "EvaluateModel", *end]
    assert said in described.get("cause", "") + described.get("output", "")
    assert models.listed(line) == []


def test_a_model_is_registered_deployed_and_taken_back_when_its_successor_can_not_prove_itself(
    lenient: Target, device: SimulatedDevice
) -> None:
    path, described = run(lenient, "train_model", {"force": True})
    assert (path, described["status"]) == ([*JUDGED, "RegisterModel", "ModelRegistered"], "SUCCEEDED")
    path, described = deploy(lenient)
    assert (path, described["status"]) == ([*BAKED, "DeploymentHealthy"], "SUCCEEDED")
    until(lambda: model_on(lenient, device) == "1.0.1")
    assert [(entry["thing"], entry["model"]) for entry in overview(lenient)["devices"]] == [(device.thing, "1.0.1")]

    path, described = run(
        lenient, "train_model", {"force": True, "hyperparameters": {"image_size": "96", "epochs": "2"}}
    )
    assert path[-1] == "ModelRegistered"
    spoil_golden_images(lenient, json.loads(described["output"])["registration"]["release_uri"])
    path, described = deploy(lenient)
    assert path == [
        *DEPLOYED,
        "RollBack",
        "WasRollBackRequested",
        "WasRolledBack",
        "DeploymentRolledBack",
    ]
    assert (described["status"], described["error"]) == ("FAILED", "DeploymentRolledBack")
    assert "expected scratch at" in described["cause"]
    until(lambda: model_on(lenient, device) == "1.0.1")
    assert {entry["version"]: entry["state"] for entry in overview(lenient)["models"]} == {
        1: "in service",
        2: "taken back",
    }


def overview(target: Target) -> dict[str, Any]:
    """What the page shows, with the rights of its function."""
    users.set_password(target, "carl", "Of-His-Own-12")
    token = users.sign_in(target, "carl", "Of-His-Own-12")["id_token"]
    status, seen = target.call_api("GET", "/overview", None, token)
    assert status == 200, seen
    return dict(seen)


def spoil_golden_images(target: Target, release_uri: str) -> None:
    """Let the release expect a detection that its model does not make."""
    bucket, prefix = release_uri.removeprefix("s3://").split("/", 1)
    place = {"Bucket": bucket, "Key": f"{prefix}model.json"}
    s3 = target.client("s3")
    model = json.loads(s3.get_object(**place)["Body"].read())
    model["golden"][0]["detections"] = [{"box": [1, 1, 9, 9], "score": 0.99, "class": "scratch"}]
    s3.put_object(**place, Body=json.dumps(model))
