"""score_batch and predict in the local stack, with IAM enforced: one line for each image, also when a shard is killed.

The models are drawn: what counts here is which one answers for which image, not how good it is.
"""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client import pipeline, users
from client.target import Target
from local import stack
from tests.fake_cloud import jpeg
from tests.scored import approve

pytestmark = pytest.mark.timeout(900)  # a stack comes up, and a shard is tried again

PARAMETERS = {"LabelingWindowSeconds": "3600", "ScoringShardImages": "2", "ScoringConcurrency": "2"}
PLANNED = ["PlanShards", "AreThereImages"]
SCORED = [*PLANNED, "ScoreShards", "SummarizeScores", "BatchScored"]
IMAGES = {f"{number}.jpg": jpeg(number) for number in range(7)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def line(home: Path) -> Iterator[Target]:
    """The stack with seven photos of line 3, and no model yet."""
    try:
        stack.up(root=home, overrides=PARAMETERS, tied=True)
        target = Target.find(None, None, None, home)
        for name, body in IMAGES.items():
            target.client("s3").put_object(
                Bucket=target.outputs["ImagesBucketName"], Key=f"incoming/line-3/{name}", Body=body
            )
        yield target
    finally:
        stack.down(home)


@pytest.fixture(scope="module")
def token(line: Target) -> str:
    password = users.new_password()
    users.set_password(line, "anna", password)
    return str(users.sign_in(line, "anna", password)["id_token"])


@pytest.fixture(scope="module")
def unready(line: Target, token: str) -> dict[str, Any]:
    """What the cloud says before a model is approved."""
    return {"predict": predict(line, IMAGES["0.jpg"], token), "run": run(line)}


@pytest.fixture(scope="module")
def model(line: Target, unready: Any) -> str:
    """The version of the drawn model that is approved after that."""
    return approve(line, "drawn", 0.6)


def predict(
    target: Target, body: bytes | None, token: str | None, content_type: str = "image/jpeg"
) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(target.api_url + "/predict", body, {"Content-Type": content_type}, method="POST")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def until(found: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.05)
    return answer


def ended(target: Target, execution: str) -> dict[str, Any]:
    """The execution with its `states` when it has ended."""
    client = target.client("stepfunctions")
    until(lambda: client.describe_execution(executionArn=execution)["status"] != "RUNNING", 300)
    entered = [event for event in pipeline.history(target, execution) if event["type"].endswith("StateEntered")]
    names = [event["stateEnteredEventDetails"]["name"] for event in entered]
    return {**client.describe_execution(executionArn=execution), "states": names}


def run(target: Target, prefix: str = "incoming/line-3/") -> dict[str, Any]:
    return ended(target, pipeline.start_scoring(target, prefix))


def lines(target: Target, name: str) -> list[dict[str, Any]]:
    """All predictions of a run, part by part."""
    s3, bucket = target.client("s3"), target.outputs["ArtifactsBucketName"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"predictions/{name}/part-")["Contents"]
    bodies = [s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in found]
    return [json.loads(text) for body in bodies for text in body.splitlines()]


def workers(home: Path, function: str) -> list[int]:
    """The processes of a function in the emulator of this stack, whose temporary files lie under its home."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_text()
        except OSError:  # it has ended
            continue
        if str(home) in command and f"-{function}-" in command:
            found.append(int(place.name))
    return found


def test_without_a_model_nobody_gets_a_verdict_and_a_run_ends_well(unready: dict[str, Any]) -> None:
    assert unready["predict"] == (503, {"message": "no model is in service; approve one first"})
    ran = unready["run"]
    assert (ran["status"], ran["states"]) == ("SUCCEEDED", [*PLANNED, "NothingToScore"])
    assert json.loads(ran["output"])["plan"]["reason"] == "no model is in service; approve one first"


def test_predict_answers_those_who_are_signed_in(line: Target, model: str, token: str) -> None:
    status, answer = until(lambda: (got := predict(line, IMAGES["0.jpg"], token))[0] != 503 and got)
    assert (status, answer["model_version"], answer["verdict"]) == (200, model, "fail")
    assert answer["detections"][0]["box"] == [4.0, 5.0, 30.0, 20.0]
    assert predict(line, IMAGES["0.jpg"], None)[0] == 401
    hostile = [
        (b"no image", "image/jpeg"),
        (IMAGES["0.jpg"][:200], "image/jpeg"),
        (None, "image/jpeg"),
        (b"{}", "application/json"),
    ]
    said = [predict(line, body, token, kind) for body, kind in hostile]
    assert [status for status, _ in said] == [400, 400, 400, 415]
    assert predict(line, b"0" * 4_600_000, token)[0] == 413
    assert predict(line, IMAGES["0.jpg"], token)[0] == 200


def test_predict_is_called_by_its_alias(line: Target) -> None:
    client = line.client("lambda")
    name = next(
        f["FunctionName"] for f in client.list_functions()["Functions"] if "-PredictFunction-" in f["FunctionName"]
    )
    alias = client.get_alias(FunctionName=name, Name="live")
    assert alias["FunctionVersion"] != "$LATEST"


def test_every_image_under_the_prefix_has_one_line(line: Target, model: str) -> None:
    ran = run(line)
    assert (ran["status"], ran["states"]) == ("SUCCEEDED", SCORED)
    found = lines(line, ran["name"])
    assert sorted(entry["image"] for entry in found) == sorted(f"incoming/line-3/{name}" for name in IMAGES)
    assert {entry["model_version"] for entry in found} == {model}
    summary = json.loads(ran["output"])["summary"]
    counts = {"images": 7, "shards": 4, "pass": 0, "fail": 7, "review": 0, "errors": 0, "model_version": model}
    assert counts.items() <= summary.items()


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds the functions' processes in Linux's /proc")
def test_a_shard_that_is_killed_is_tried_again_and_no_image_is_scored_twice(
    line: Target, home: Path, model: str
) -> None:
    for process in workers(home, "ScoreShardFunction"):  # those of other runs wait for work
        os.kill(process, signal.SIGKILL)
    until(lambda: not workers(home, "ScoreShardFunction"))
    execution = pipeline.start_scoring(line, "incoming/line-3/")
    # A process is started for a shard, so the first one to be seen has one.
    os.kill(until(lambda: workers(home, "ScoreShardFunction"))[0], signal.SIGKILL)
    ran = ended(line, execution)
    assert (ran["status"], ran["states"]) == ("SUCCEEDED", SCORED)
    images = [entry["image"] for entry in lines(line, ran["name"])]
    assert sorted(images) == sorted(f"incoming/line-3/{name}" for name in IMAGES)
    client = line.client("stepfunctions")
    maps = client.list_map_runs(executionArn=execution)["mapRuns"]
    children = client.list_executions(mapRunArn=maps[0]["mapRunArn"])["executions"]
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 4


def test_a_run_that_can_not_be_scored_fails_and_people_are_told(line: Target, model: str) -> None:
    approve(line, "broken", 0.6)
    bucket = line.outputs["ArtifactsBucketName"]
    line.client("s3").put_object(Bucket=bucket, Key="models/broken/release/model.onnx", Body=b"cut off")
    ran = run(line, "incoming/line-3/0.jpg")  # one shard is enough
    assert (ran["status"], ran["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    assert ran["states"] == SCORED[:3]


def test_only_uploads_are_scored(line: Target, model: str) -> None:
    ran = run(line, "quarantine/")
    assert (ran["status"], ran["states"]) == ("FAILED", ["PlanShards"])
    assert "must begin with" in ran["cause"]
