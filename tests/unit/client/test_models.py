"""`sightline models import`: what is uploaded and started, and files that are refused before anything is."""

import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image

from cli.main import main
from client import models
from client.adapters.hints import Hints
from client.target import Target
from sightline.models import training_plan
from tests import foreign_models
from tests.given_aws import GivenAws
from tests.own_models import saved


class Stack:
    """A target that keeps what it is asked for."""

    outputs: ClassVar = {"ArtifactsBucketName": "artifacts", "TrainModelArn": "arn:train", "StackName": "line"}

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.started: list[dict[str, Any]] = []
        self.classes = "scratch"
        self.aws = GivenAws(s3=self, stepfunctions=self)

    def client(self, _: str) -> "Stack":
        return self

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        return {"Stacks": [{"Parameters": [{"ParameterKey": "Classes", "ParameterValue": self.classes}]}]}

    def put_object(self, **given: Any) -> None:
        self.objects[f"s3://{given['Bucket']}/{given['Key']}"] = given["Body"]

    def start_execution(self, **given: Any) -> dict[str, str]:
        self.started.append(given)
        return {"executionArn": "arn:execution"}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Stack()
    monkeypatch.setattr(Target, "find", lambda *_: made)
    return made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["sightline", "models", "import", *arguments])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_model_is_packed_uploaded_and_started_where_the_plan_takes_it_from(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(tmp_path)
    stack.classes = "scratch,dent"
    assert (
        run(monkeypatch, str(file), "--classes", "scratch, dent", "--name", "Our model v2", "--no-wait", "--force") == 0
    )
    ((uri, body),) = stack.objects.items()
    (started,) = stack.started
    assert json.loads(started["input"]) == {"model_uri": uri, "force": True}
    assert (started["stateMachineArn"], started["name"][:20]) == ("arn:train", "import-Our-model-v2-")
    assert training_plan.check_import("artifacts", uri) == uri
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.getnames() == ["model.json", "model.onnx"]
        member = tar.extractfile("model.json")
        assert member
        described = json.loads(member.read())
    assert (described["classes"], described["training_job"]) == (["scratch", "dent"], "Our model v2")
    assert described["input"] == {"height": 64, "width": 96, "resize": "letterbox", "pad_value": 114}


def test_the_same_model_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path)
    scratch, dent = (models.read(file, Hints(classes=[name])) for name in ("scratch", "dent"))
    first = models.pack(scratch, "ours")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert models.pack(scratch, "ours") == first
    assert models.pack(dent, "ours") != first


def test_the_same_model_is_the_same_import_under_another_name_and_another_one_with_other_classes_or_costs(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(tmp_path)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    for name, classes in (("ours", "scratch"), ("theirs", "scratch"), ("ours", "dent")):
        stack.classes = classes
        assert run(monkeypatch, str(file), "--classes", classes, "--name", name, "--no-wait") == 0
    stack.classes = "scratch"
    (tmp_path / "model.json").write_text('{"hyperparameters": {"escape_cost": 9}}')
    assert run(monkeypatch, str(file), "--classes", "scratch", "--no-wait") == 0
    judged = [json.loads(started["input"])["model_uri"] for started in stack.started]
    assert judged[0] == judged[1]
    assert len(set(judged)) == 3


@pytest.mark.parametrize(
    ("body", "classes", "said"),
    [
        (None, "scratch", "No such file"),
        (b"\xff\xd8 a photo", "scratch", "is no ONNX file"),
        (b"", "scratch", "is no ONNX file"),
        ("model", "", "what are its classes? Give --classes"),
        ("model", "scratch,scratch", "a class is named twice"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line_and_nothing_is_changed(
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    body: Any,
    classes: str,
    said: str,
) -> None:
    file = tmp_path / "model.onnx"
    if body == "model":
        saved(tmp_path)
    elif body is not None:
        file.write_bytes(body)
    assert run(monkeypatch, str(file), *(["--classes", classes] if classes else [])) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert (stack.objects, stack.started) == ({}, [])


def test_a_dry_run_says_what_the_model_is_taken_for_and_what_it_finds_and_starts_nothing(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.classes = "stain"
    file = foreign_models.saved(tmp_path, foreign_models.LAYOUTS["yolov8"][0]())
    Image.new("RGB", (900, 600), (204, 0, 0)).save(tmp_path / "part.png")
    options = ["--classes", "scratch,dent,stain", "--photo", str(tmp_path / "part.png"), "--dry-run"]
    assert run(monkeypatch, str(file), *options) == 0
    said = capsys.readouterr().err
    assert "foreign.onnx is taken for YOLOv8 or YOLO11." in said
    assert "On part.png it finds 1 boxes, the surest first: stain 0.60 at 562, 188, 750, 562." in said
    assert (stack.objects, stack.started) == ({}, [])
    assert run(monkeypatch, str(file), *options, "--json") == 0
    assert json.loads(capsys.readouterr().out)["said"][0] == "foreign.onnx is taken for YOLOv8 or YOLO11."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "640"], "--size '640': give width and height in pixels, for example --size 640x640"),
        (["--photo", "none.png"], "none.png can't be used as a photo"),
        (["--size", "96x64", "--classes", "scratch"], "it can't find stain"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_line(
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    stack.classes = "stain"
    assert run(monkeypatch, str(saved(tmp_path)), *options) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert stack.started == []


def test_a_reason_that_the_registry_would_refuse_is_refused_before_it_is_asked() -> None:
    with pytest.raises(models.UnusableReasonError, match="the reason has 501 characters; at most 500 are kept"):
        models.judge(Target({}, None), "latest", approved=False, reason="x" * 501)
