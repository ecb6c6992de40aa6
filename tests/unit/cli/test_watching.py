"""`open`, `status --watch`, `logs` and `predict` as people and programs read them."""

import json
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.commands import status
from client import predicting, trail
from client.target import Target
from client.trail import Line
from sightline.images.image import ImageStatus
from tests.command import run


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Target, "find", lambda *_: SimpleNamespace(api_url="http://page", outputs={}))


@pytest.mark.parametrize(("display", "opened"), [("", []), (":0", ["http://page/"])])
def test_the_page_is_opened_where_there_is_a_display_and_always_printed(
    display: str, opened: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", found.append)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert run(capsys, monkeypatch, "open") == (0, "http://page/\n", "")
    assert found == opened


def stacks(*images: int) -> Iterator[status.Status]:
    for number in images:
        yield {  # type: ignore[misc]
            "images": {ImageStatus.NEW: number},
            "running": [], "models": [{"version": 3, "state": "in service", "map50": 0.9}],
            "devices": [], "image_problem": None,
        }  # fmt: skip
    raise KeyboardInterrupt


def test_without_a_terminal_a_watched_stack_is_a_line_for_each_change(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = stacks(1, 1, 2)
    monkeypatch.setattr(status, "look", lambda _: next(seen))
    monkeypatch.setattr(status, "PAUSE_SECONDS", 0)
    code, out, _ = run(capsys, monkeypatch, "status", "--watch")
    assert code == 130
    assert [line.split(" ", 1)[1] for line in out.splitlines()] == [
        f"images: {number} {ImageStatus.NEW.said}; running: nothing; newest models: 3 in service; devices: none"
        for number in (1, 2)
    ]
    assert run(capsys, monkeypatch, "status", "--watch", "--json")[0] == 1


def test_logs_are_readable_and_for_programs_as_they_were(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = json.dumps({"level": "ERROR", "message": "broken", "function_name": "s-claim"})
    lines = [Line(0, said), Line(1000, "START")]
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(trail, "logged", lambda _, *rest: asked.append(rest) or lines)  # type: ignore[func-returns-value]
    monkeypatch.setattr(trail, "watched", lambda *_: iter(lines))
    for options in ([], ["-f"]):
        code, out, _ = run(capsys, monkeypatch, "logs", *options)
        assert (code, [line.split() for line in out.splitlines()]) == (
            0,
            [["1970-01-01", "00:00:00", "s-claim", "ERROR:", "broken"], ["1970-01-01", "00:00:01", "-", "START"]],
        )
    code, out, _ = run(capsys, monkeypatch, "logs", "epoch", "--training", "latest", "--json")
    assert out.splitlines() == [said, json.dumps({"timestamp": 1000, "message": "START"})]
    assert asked[-1] == ("epoch", 0, "latest")
    assert run(capsys, monkeypatch, "logs", "--training", "a", "--id", "b")[0] == 1


def test_predict_says_the_verdict_and_the_boxes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"")
    found = {"box": [1.0, 2.0, 30.5, 40.0], "score": 0.91, "class": "dent", "class_id": 1}
    answer = {"model_version": "1.0.3", "verdict": "fail", "detections": [found], "latency_ms": 9.4}
    monkeypatch.setattr(predicting, "predict", lambda *_: answer)
    code, out, _ = run(capsys, monkeypatch, "predict", str(photo))
    assert (code, out.splitlines()[0]) == (0, f"{photo}: fail (model 1.0.3, 9 ms)")
    assert out.splitlines()[2].split() == ["dent", "0.910", "1.000", "2.000", "30.500", "40.000"]
    code, out, _ = run(capsys, monkeypatch, "predict", str(photo), "--json")
    assert json.loads(out) == answer
    answer["detections"] = []
    assert run(capsys, monkeypatch, "predict", str(photo))[1].splitlines()[1] == "no defect found"
    assert run(capsys, monkeypatch, "predict", "nowhere.jpg")[0] == 1
