"""What a training prints: lines that the metric expressions read in a log, one line that is written over on a
terminal.
"""

import json
import re

import pytest

from tests.project import ROOT
from training.progress import Progress

ENTRY = {
    "epoch": 3, "seconds": 1.5, "train:loss": 1.25, "validation:map50": 5.3e-05, "validation:map50_95": 0.25,
    "throughput:images_per_second": 12.5,
}  # fmt: skip


def test_a_log_has_one_line_an_epoch_from_which_every_metric_of_the_job_is_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress()
    progress.batch(2.5, 10)
    progress.epoch(ENTRY)
    progress.end()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    states = json.loads((ROOT / "statemachines" / "train_model.asl.json").read_text())["States"]
    for metric in states["TrainModel"]["Parameters"]["AlgorithmSpecification"]["MetricDefinitions"]:
        assert [float(value) for value in re.findall(metric["Regex"], lines[0])] == [ENTRY[metric["Name"]]]


def test_a_terminal_has_one_line_with_the_newest_numbers_and_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.progress.time.monotonic", iter([0.0, 100.0, 110.0, 120.0]).__next__)
    progress = Progress()
    progress.terminal = True
    progress.batch(1.0, 10)  # at 100 s
    progress.epoch(ENTRY)
    progress.batch(2.0, 10)  # at 110 s: ten seconds an epoch, eight to go
    progress.end()
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert text.split("\r")[-1].split("  ")[:4] == ["epoch 3/10", "loss 1.250", "mAP@.50 0.000", "1:20 left"]


def test_a_log_says_after_two_epochs_how_long_the_others_take(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.progress.time.monotonic", iter([0.0, 100.0, 130.0, 160.0]).__next__)
    progress = Progress()
    for epoch in (1, 2, 3):
        progress.epoch({"epoch": epoch, "epochs": 10})
    said = [line for line in capsys.readouterr().out.splitlines() if "take about" in line]
    assert said == ["8 more epochs take about 4.0 minutes, and evaluations a little more"]


def test_a_training_of_two_epochs_says_nothing_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    for epoch in (1, 2):
        progress.epoch({"epoch": epoch, "epochs": 2})
    assert "take about" not in capsys.readouterr().out
