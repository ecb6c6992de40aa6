"""The command line: what is wrong is said in one line with what to do, and the exit code tells."""

import json
import signal
import tomllib
from pathlib import Path

import pytest

from client import pipeline
from client.doctor import machine
from client.target import Target
from tests.command import run
from tests.labelled_stack import coco
from tests.project import ROOT


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status"], "no local stack is running here; start one with `sightline up`"),
        (["upload", "nowhere"], "nowhere is not a folder; give the folder that holds the images"),
        (["upload", "."], "holds no files to upload"),
        (["demo", "--images", "."], "--images and --labels go together"),
        (["train", "--hyperparameter", "epochs"], "--hyperparameter must be NAME=VALUE, for example epochs=40"),
        (["--stack", "x", "up"], "`sightline up` works on this machine only; leave --profile and --stack out"),
        (
            ["labels", "import", "x", "--format", "xml"],
            "--format 'xml' is none of coco, yolo, voc, cvat, ground-truth, label-studio",
        ),
        (["labels", "import", "x", "--format", "coco", "--class", "a"], "--class must be THEIRS=OURS"),
        (["labels", "import", "x", "--format", "coco", "--images", "nowhere"], "nowhere is not a folder"),
        (["labels", "export", "latest", "x", "--format", "[/b]"], "--format '[/b]' is none of"),
        (["score", "--prefix", "quarantine/"], "prefix must begin with 'incoming/', got 'quarantine/'"),
        (["device", "start"], "no local stack is running here"),
        (["adopt"], "name it: `sightline --stack NAME adopt`"),
        (["--stack", "line", "adopt", "images"], "'images' is not NAME=ID, such as ImagesBucket="),
        (["--stack", "", "status"], "--stack is empty; give a name or leave it out"),
        (["--profile", "", "doctor"], "--profile is empty"),
        (["--stack", "Line", "adopt"], "stack name 'Line': use at most 40 small letters, digits and hyphens"),
    ],
)
def test_a_wrong_input_is_one_line_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, monkeypatch, *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("sightline: ")
    assert said in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["annotate"], ["annotate", "--labels", "x", "--error-rate", "2"], ["labels", "import", "x"]],
)
def test_a_wrong_usage_ends_with_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    code, _, err = run(capsys, monkeypatch, *arguments)
    assert code == 2
    assert "Traceback" not in err


def test_annotate_takes_only_classes_of_the_stack(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))
    monkeypatch.setattr(pipeline, "parameters", lambda _: {"Classes": "scratch"})
    labels = coco(tmp_path, "a.jpg", name="dent")
    code, _, err = run(capsys, monkeypatch, "annotate", "--labels", str(labels))
    assert (code, "has boxes of classes that the stack does not have: dent; it has scratch" in err) == (1, True)


def test_what_aws_refuses_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, _, err = run(capsys, monkeypatch, "--home", str(tmp_path), "--profile", "nobody", "models")
    assert code == 1
    assert "nobody" in err
    assert "Traceback" not in err


def test_stopping_nothing_is_no_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(capsys, monkeypatch, "--home", str(tmp_path), "down")[0] == 0


def test_a_program_gets_json_on_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {
        "version": 3,
        "state": "in service",
        "map50": 0.9,
        "map50_95": 0.4,
        "dataset_version": "d",
        "created": "now",
    }
    monkeypatch.setattr(Target, "find", lambda *_: None)
    monkeypatch.setattr("client.models.listed", lambda _: [model])
    sick = {"problem": "line-1 runs model 2, which is rejected", "wrong": True}
    monkeypatch.setattr("client.devices.listed", lambda _: [sick, {"problem": "line-2 is silent", "wrong": False}])
    code, out, _ = run(capsys, monkeypatch, "models", "--json")
    assert (code, json.loads(out)) == (0, [model])
    code, out, _ = run(capsys, monkeypatch, "models")
    assert "0.900" in out
    assert out.endswith("line-1 runs model 2, which is rejected\n")


@pytest.mark.parametrize(
    ("output", "out", "err"),
    [
        (
            {"summary": {"images": 3, "model_version": "1.0.3", "pass": 1, "fail": 2, "review": 0, "errors": 0,
                         "predictions_uri": "s3://a/predictions/run/"}},
            "s3://a/predictions/run/\n",
            "3 images scored with model 1.0.3: 1 pass, 2 fail, 0 review, 0 errors.\n",
        ),
        ({"plan": {"reason": "no images under x", "model_version": "1.0.3"}}, "",
         "Nothing to score: no images under x.\n"),
    ],
)  # fmt: skip
def test_score_says_what_came_of_it_and_where_it_lies(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, output: dict[str, object], out: str, err: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))
    monkeypatch.setattr(pipeline, "start_scoring", lambda _, prefix: asked.append(prefix) or "arn")  # type: ignore[func-returns-value]
    monkeypatch.setattr(pipeline, "wait_for", lambda *_: output)
    assert run(capsys, monkeypatch, "score", "--prefix", "incoming/line-3/") == (0, out, err)
    assert asked == ["incoming/line-3/"]


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("no model was\n  ever", "no model was ever"),
        ('{"Error":"Runtime.HandlerError","Cause":"{\\"errorMessage\\": \\"no model is left\\"}"}', "no model is left"),
        ('{"TrainingJobName":"a","FailureReason":"AlgorithmError: exit code: 1"}', "AlgorithmError: exit code: 1"),
        ('{"Cause": 3}', '{"Cause": 3}'),
        ("[1]", "[1]"),
    ],
)
def test_of_a_failed_execution_the_innermost_cause_is_told(cause: str, said: str) -> None:
    assert pipeline.innermost(cause) == said


def test_ctrl_c_and_the_end_from_outside_are_told_by_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A shell starts background jobs with SIGINT ignored, and then Python has no handler for it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for sign, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            monkeypatch.setattr("client.models.listed", lambda _, sign=sign: signal.raise_signal(sign))
            monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))
            assert run(capsys, monkeypatch, "models", "list")[0] == code
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\udcff.jpg"])
def test_a_name_that_no_event_could_tell_of_is_refused_before_anything_is_sent(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.jpg").write_text("pixels")
    (tmp_path / name).write_text("pixels")
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))  # would fail on any use
    code, _, error = run(capsys, monkeypatch, "upload", str(tmp_path))
    assert (code, "is no name for an object in S3; rename the file" in error) == (1, True)


def test_a_users_name_is_checked_and_printed_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))
    code, _, error = run(capsys, monkeypatch, "user", "add", "[/x] y")
    assert (code, "sightline: '[/x] y' is no user's name" in error) == (1, True)


def test_the_version_is_that_of_the_project(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run(capsys, monkeypatch, "--version") == (0, f"sightline {version}\n", "")


def test_the_doctor_says_for_a_program_what_is_wrong_and_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, monkeypatch, "doctor", "--json")
    found = json.loads(out)
    assert (code, {one["verdict"] for one in found[:3]}) == (0, {"ok"})
    assert (found[3]["verdict"], found[3]["subject"]) == ("not checked", "account")

    monkeypatch.setattr(machine, "DISK_BYTES", 1e30)
    code, out, _ = run(capsys, monkeypatch, "doctor")
    assert code == 1
    assert "wrong       disk: " in out
    assert "; free some space" in out


def test_the_idle_bill_is_printed_with_its_share_of_each_service(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(capsys, monkeypatch, "cost", "idle", "--json")
    bill = json.loads(out)
    assert code == 0
    assert sum(bill["services"].values()) == pytest.approx(bill["usd"], abs=1e-4)
    assert sum(line["share"] for line in bill["lines"]) == pytest.approx(1, abs=0.01)


def test_an_estimate_grows_with_its_images(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (
        json.loads(run(capsys, monkeypatch, "cost", "estimate", "--images", number, "--json")[1])["usd"]
        for number in ("10", "1000")
    )
    assert many > few


def test_a_parameter_without_a_value_and_an_unknown_region_are_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(capsys, monkeypatch, "cost", "idle", "--set", "MinMap")[2] == (
        "sightline: --set takes NAME=VALUE, got 'MinMap'\n"
    )
    assert "no prices for region 'mars-1'" in run(capsys, monkeypatch, "cost", "idle", "--prices", "mars-1")[2]


def test_scoring_without_a_model_fails_with_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {"plan": {"reason": "no model is in service; approve one first", "model_version": ""}}
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))
    monkeypatch.setattr(pipeline, "start_scoring", lambda *_: "arn")
    monkeypatch.setattr(pipeline, "wait_for", lambda *_: plan)
    code, out, err = run(capsys, monkeypatch, "score")
    assert (code, out) == (1, "")
    assert err == "sightline: nothing was scored: no model is in service; approve one first\n"
    code, out, _ = run(capsys, monkeypatch, "score", "--json")
    assert (code, json.loads(out)) == (1, plan)


def test_a_shell_completes_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_SIGHTLINE_COMPLETE", "complete_bash"), ("COMP_WORDS", "sightline dataset e"),
                        ("COMP_CWORD", "2")):  # fmt: skip
        monkeypatch.setenv(name, value)
    assert run(capsys, monkeypatch)[:2] == (0, "export\n")
