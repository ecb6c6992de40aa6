"""Without a terminal a command says a line now and then; whoever stops waiting for a run is told that it goes on."""

import signal
import time
from types import SimpleNamespace

import pytest

from cli.progress import NEWS_SECONDS, SIGN_SECONDS, Lines, progress, waiting
from client import pipeline
from client.target import Target
from tests.command import run
from tests.given_aws import GivenAws

ARN = "arn:aws:states:r:1:execution:s-train-model:run-7"


def test_a_line_comes_with_news_and_as_a_sign_of_life(capsys: pytest.CaptureFixture[str]) -> None:
    clock = [0.0]
    lines = Lines("a", lambda: clock[0])
    for moment, text in ((1, "b"), (NEWS_SECONDS, "c"), (12, "d"), (NEWS_SECONDS + SIGN_SECONDS - 1, "c"), (70, "c")):
        clock[0] = moment
        lines.say(text)
        lines.tick()
    assert capsys.readouterr().err.split() == ["c", "c"]


def test_waiting_and_counting_are_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with progress("uploading", 3) as step:  # done at once: nothing to say
        step()
    monkeypatch.setattr("cli.progress.NEWS_SECONDS", 0)
    monkeypatch.setattr("cli.progress.TICK_SECONDS", 0.001)

    def heard() -> None:
        until = time.monotonic() + 5
        while not (found := capsys.readouterr().err.split("\n")[0]):
            assert time.monotonic() < until
        said.append(found)

    with waiting("starting"):
        heard()
    for text, total in (("uploading", 3), ("answering", None)):
        with progress(text, total) as step:
            heard()
            step()
            heard()
    assert said == ["starting", "uploading", "uploading: 1 of 3", "answering", "answering: 1"]


@pytest.mark.parametrize("before", [[], ["--stack", "line"]])
def test_after_ctrl_c_the_training_goes_on_and_how_to_stop_it_is_said(
    before: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "find", lambda *_: Target({"StackName": "line"}, None))
    monkeypatch.setattr(pipeline, "start_training", lambda *_, **__: ARN)
    monkeypatch.setattr(pipeline, "wait_for", lambda *_: signal.raise_signal(signal.SIGINT))
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code, out, err = run(capsys, monkeypatch, *before, "train")
    finally:
        signal.signal(signal.SIGINT, handler)
    command = " ".join(["sightline", *before])
    assert (code, out) == (130, "")
    assert f"The training run-7 goes on. `{command} status` shows where it is, `{command} runs cancel run-7`" in err


def test_a_misspelt_hyperparameter_is_refused_before_anything_is_started(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Target, "find", lambda *_: Target({}, None))  # no workflow to start
    monkeypatch.setattr(pipeline, "parameters", lambda _: {"TrainingImageUri": ""})
    code, out, err = run(capsys, monkeypatch, "train", "--no-wait", "--hyperparameter", "epoch=8")
    assert (code, out) == (1, "")
    assert "unknown hyperparameter 'epoch'; did you mean epochs? There are: alarm_cost" in err


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("run-7", 0, "run-7 is cancelled."),
        ("scor", 0, "scoring-1 is cancelled."),
        ("run-", 1, "'run-' is the beginning of several runs; these run: run-7, run-8, scoring-1"),
        ("run-6", 1, "run-6 has ended: succeeded"),
        ("none", 1, "'none' is no run; these run:"),
    ],
)
def test_a_run_is_cancelled_by_its_name(
    name: str, code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    client = SimpleNamespace(stop_execution=lambda **given: stopped.append(given["executionArn"]))
    target = SimpleNamespace(aws=GivenAws(stepfunctions=client))
    runs = {"train_model": [("run-7", "RUNNING"), ("run-8", "RUNNING"), ("run-6", "SUCCEEDED")],
            "score_batch": [("scoring-1", "RUNNING")]}  # fmt: skip
    monkeypatch.setattr(Target, "find", lambda *_: target)
    monkeypatch.setattr(
        pipeline,
        "executions",
        lambda _, machine: [{"name": one, "status": how, "executionArn": f"arn:{one}"} for one, how in runs[machine]],
    )
    ended, _, err = run(capsys, monkeypatch, "runs", "cancel", name)
    assert (ended, said in err) == (code, True)
    assert stopped == ([] if code else [f"arn:{said.split()[0]}"])
