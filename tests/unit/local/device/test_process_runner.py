"""Scripts as processes: they run, end in time, and are stopped with everything they started."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.device import process_runner
from local.device.process_runner import ProcessRunner


def test_a_script_runs_with_its_environment_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert ProcessRunner().run("echo $COLOUR; exit 3", tmp_path, {"COLOUR": "red"}, log, 10) == 3
    assert log.read_text() == "red\n"


def test_a_script_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        ProcessRunner().run("sleep 60", tmp_path, {}, tmp_path / "log", 0.2)


def test_a_running_script_is_stopped_with_its_children(tmp_path: Path) -> None:
    running = ProcessRunner().start("sleep 60 & echo $! > child; wait", tmp_path, {}, tmp_path / "log")
    child = tmp_path / "child"
    deadline = time.monotonic() + 10
    while not (child.is_file() and child.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.stop()
    assert running.poll() is not None
    while is_alive(int(child.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_script_ends_with_the_nucleus_however_that_ends(tmp_path: Path) -> None:
    """A nucleus that was killed ends nothing by itself; its components must not go on without it."""
    program = (
        "import sys, time; from pathlib import Path; from local.device.process_runner import ProcessRunner; "
        "ProcessRunner().start('sleep 60 & echo $! > child; wait', Path(sys.argv[1]), {}, Path(sys.argv[1]) / 'log'); "
        "time.sleep(60)"
    )
    nucleus = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    child = tmp_path / "child"
    deadline = time.monotonic() + 20
    while not (child.is_file() and child.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert is_alive(int(child.read_text()))
    nucleus.kill()
    nucleus.wait()
    while is_alive(int(child.read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_fresh_process_that_ends_is_noticed_before_the_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_runner, "SETTLE_SECONDS", 60)
    runner = ProcessRunner()
    running = runner.start("exit 4", tmp_path, {}, tmp_path / "log")
    runner.settle({"c": running})
    assert running.poll() == 4
