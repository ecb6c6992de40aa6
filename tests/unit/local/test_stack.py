"""The local stack's life, with a stub for the emulator and without SAM: what is started is found, and ends."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local import application, emulator_process, stack

START = emulator_process.start
# Answers the health request, starts a child, keeps what it holds when it is asked to, and ends on SIGTERM, as the
# emulator does with a function's worker.
EMULATOR = """
import http.server, os, pathlib, signal, subprocess, sys, time
state = pathlib.Path(os.environ["STATE_DIR"])
def keep(*_):
    state.mkdir(exist_ok=True)
    (state / "kept").write_text(os.environ["SIGHTLINE_KEEP"])
signal.signal(signal.SIGUSR1, keep)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
subprocess.Popen(["sleep", "60"])
http.server.HTTPServer(("127.0.0.1", int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def without_sam(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No SAM, and the stub for the emulator; answers what was built and deployed."""
    done: list[str] = []

    def deploy(root: Path, port: int, parameters: dict[str, str]) -> dict[str, str]:
        done.append(parameters.get("MinMap", "default"))
        return {"Port": str(port)}

    monkeypatch.setattr(application, "build", lambda *_: done.append("build"))
    monkeypatch.setattr(application, "deploy", deploy)
    monkeypatch.setattr(stack, "_find_uploads", lambda _: done.append("sweep"))
    monkeypatch.setattr(
        emulator_process, "start", lambda *args, **kinds: START(*args, **kinds, program=("-c", EMULATOR))
    )
    return done


def group_of(pid: int) -> list[int]:
    """The living processes of a process group."""
    listed = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == pid and not row[2].startswith("Z")]


def test_stacks_that_start_at_the_same_time_do_not_take_one_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator_process, "PORT", emulator_process.free_port())  # one that all want and none has
    roots = [tmp_path / name for name in ("a", "b", "c")]
    try:
        with ThreadPoolExecutor() as pool:
            ports = list(pool.map(lambda root: stack.up(root=root).port, roots))
        assert len(set(ports)) == 3
        assert all(stack.is_running(root) for root in roots)
    finally:
        for root in roots:
            stack.down(root)


def test_what_up_starts_is_found_and_down_ends_all_of_it(tmp_path: Path) -> None:
    running = stack.up(root=tmp_path)
    assert (stack.load(tmp_path), running.outputs) == (running, {"Port": str(running.port)})
    assert stack.is_running(tmp_path)
    assert len(group_of(running.pid)) == 2
    assert stack.down(tmp_path)
    assert group_of(running.pid) == []
    assert (stack.is_running(tmp_path), stack.down(tmp_path)) == (False, False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["emulator.lock", "emulator.log", "lock", "port"]
    assert tmp_path.stat().st_mode & 0o777 == 0o700  # it held keys and photos
    with pytest.raises(stack.StackError, match="no local stack is running here"):
        stack.load(tmp_path)


def test_a_second_up_deploys_only_what_changed(tmp_path: Path, without_sam: list[str]) -> None:
    try:
        first = stack.up(root=tmp_path)
        assert stack.up(root=tmp_path).pid == first.pid
        assert stack.up(root=tmp_path, overrides={"MinMap": "0.9"}).pid == first.pid
        assert without_sam == ["build", "default", "build", "0.9"]
    finally:
        stack.down(tmp_path)


def test_nothing_is_left_when_the_deployment_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def fail(root: Path, *_: Any) -> None:
        seen.append(json.loads((root / "stack.json").read_text())["pid"])
        raise stack.StackError("`sam deploy` failed: no")

    monkeypatch.setattr(application, "deploy", fail)
    with pytest.raises(stack.StackError, match="sam deploy"):
        stack.up(root=tmp_path)
    assert (group_of(seen[0]), stack.is_running(tmp_path)) == ([], False)


def killed(running: stack.Stack) -> None:
    os.killpg(running.pid, signal.SIGKILL)
    os.waitpid(running.pid, 0)


def test_a_stack_that_was_killed_goes_on_with_what_it_held(tmp_path: Path, without_sam: list[str]) -> None:
    first = stack.up(root=tmp_path)
    assert (tmp_path / "state" / "kept").read_text() == "new"
    (tmp_path / "state" / "objects").mkdir()
    keys = (tmp_path / "aws").read_text()
    for _ in range(2):
        killed(stack.load(tmp_path))
        again = stack.up(root=tmp_path)
        assert (again.pid != first.pid, again.port, again.outputs) == (True, first.port, first.outputs)
        assert (again.resumed, again.lost) == (True, False)
        assert (tmp_path / "state" / "objects").is_dir()
        assert (tmp_path / "aws").read_text() == keys  # devices go on with what they have
        assert not stack.up(root=tmp_path).resumed
    assert without_sam == ["build", "default", "sweep", "sweep"]
    stack.down(tmp_path)
    assert not (tmp_path / "state").exists()
    assert not stack.up(root=tmp_path).resumed
    stack.down(tmp_path)


def test_what_a_killed_stack_held_is_given_up_by_nobody_but_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stack.up(root=tmp_path)
    killed(first)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first.port))
        other.listen()
        with pytest.raises(stack.StackError, match=f"port {first.port} of the killed stack is taken"):
            stack.up(root=tmp_path)

    def fail(*_: Any) -> None:
        raise stack.StackError("`sam deploy` failed: no")

    with monkeypatch.context() as broken:
        broken.setattr(application, "deploy", fail)
        with pytest.raises(stack.StackError, match="sam deploy"):
            stack.up(root=tmp_path, overrides={"MinMap": "0.9"})
    assert stack.up(root=tmp_path).resumed
    stack.down(tmp_path)


def test_a_stack_that_is_killed_before_it_has_kept_anything_says_what_is_lost(tmp_path: Path) -> None:
    first = stack.up(root=tmp_path, tied=True)
    assert not first.lost
    killed(first)
    assert not stack.is_running(tmp_path)
    second = stack.up(root=tmp_path)
    assert (second.pid != first.pid, second.lost, second.resumed) == (True, True, False)
    assert not stack.up(root=tmp_path).lost
    stack.down(tmp_path)


def test_an_emulator_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator_process, "ANSWER_SECONDS", 0.1)
    running = stack.up(root=tmp_path)
    os.kill(running.pid, signal.SIGSTOP)
    try:
        with pytest.raises(stack.StackError, match=f"process {running.pid}.* does not answer; `sightline down` ends"):
            stack.up(root=tmp_path)
    finally:
        os.kill(running.pid, signal.SIGCONT)
        stack.down(tmp_path)


def test_of_two_that_start_a_stack_at_once_one_wins_and_the_other_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploying, go_on, deploy = threading.Event(), threading.Event(), application.deploy

    def slowly(*arguments: Any) -> dict[str, str]:
        deploying.set()
        assert go_on.wait(30)
        return deploy(*arguments)

    monkeypatch.setattr(application, "deploy", slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(stack.up, root=tmp_path)
        assert deploying.wait(30)
        for command in (stack.up, stack.down):
            with pytest.raises(
                stack.StackError, match=r"another command is starting or stopping the stack in .*; wait"
            ):
                command(root=tmp_path)
        with pytest.raises(stack.StackError, match="not deployed"):
            stack.load(tmp_path)
        go_on.set()
        assert first.result() == stack.load(tmp_path)
    assert stack.up(root=tmp_path).pid == first.result().pid
    stack.down(tmp_path)


def test_a_stack_that_is_being_stopped_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, go_on, stop = threading.Event(), threading.Event(), emulator_process.stop
    first = stack.up(root=tmp_path)

    def slowly(root: Path, pid: int, *, keep: bool) -> None:
        stopping.set()
        assert go_on.wait(30)
        stop(root, pid, keep=keep)

    monkeypatch.setattr(emulator_process, "stop", slowly)
    with ThreadPoolExecutor() as pool:
        going = pool.submit(stack.down, tmp_path)
        assert stopping.wait(30)
        with pytest.raises(stack.StackError, match="another command is starting or stopping"):
            stack.up(root=tmp_path)
        go_on.set()
        assert going.result()
    assert group_of(first.pid) == []
    assert stack.up(root=tmp_path).pid != first.pid
    stack.down(tmp_path)


def test_a_number_that_another_process_has_by_now_is_nobody_s_stack(tmp_path: Path) -> None:
    first = stack.up(root=tmp_path)
    os.killpg(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        for name in ("emulator.lock", "stack.json"):
            text = (tmp_path / name).read_text()
            (tmp_path / name).write_text(text.replace(str(first.pid), str(other.pid)))
        assert not stack.is_running(tmp_path)
        assert stack.up(root=tmp_path).resumed
        assert stack.down(tmp_path)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_who_looks_for_the_emulator_hinders_nobody(tmp_path: Path) -> None:
    (tmp_path / emulator_process.LIFE).write_text("17")
    with (tmp_path / emulator_process.LIFE).open() as life:
        fcntl.flock(life, fcntl.LOCK_SH)  # as another command does at the same time
        assert emulator_process.holder(tmp_path) == 0


def test_an_emulator_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        emulator_process, "start", lambda *args, **kinds: START(*args, **kinds, program=("-c", "exit('no luck')"))
    )
    with pytest.raises(stack.StackError, match="the emulator did not start: no luck"):
        stack.up(root=tmp_path)


def test_an_emulator_whose_up_was_killed_is_found_by_its_lock(tmp_path: Path) -> None:
    left = stack.up(root=tmp_path)
    (tmp_path / "stack.json").unlink()  # as before it was written
    assert not stack.is_running(tmp_path)
    assert stack.down(tmp_path)
    assert group_of(left.pid) == []
    again = stack.up(root=tmp_path)
    (tmp_path / "stack.json").write_text("{")  # half of it
    try:
        assert stack.up(root=tmp_path).pid != again.pid
        assert group_of(again.pid) == []
    finally:
        stack.down(tmp_path)


def test_a_stack_that_is_kept_goes_on_and_one_that_is_not_gets_its_port_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_sam: list[str]
) -> None:
    try:
        first = stack.up(root=tmp_path)
        assert stack.down(tmp_path, keep=True)
        assert (stack.is_running(tmp_path), stack.is_kept(tmp_path)) == (False, True)
        assert stack.down(tmp_path, keep=True) is False  # nothing runs: nothing is deleted either
        again = stack.up(root=tmp_path)
        assert (again.resumed, again.lost, again.port) == (True, False, first.port)
        assert without_sam == ["build", "default", "sweep"]
        stack.down(tmp_path)
        assert not stack.is_kept(tmp_path)
        monkeypatch.setattr(emulator_process, "PORT", emulator_process.free_port(0))
        assert stack.up(root=tmp_path).port == first.port
    finally:
        stack.down(tmp_path)


def test_a_stack_that_is_not_whole_is_not_kept_and_runs_on(tmp_path: Path) -> None:
    try:
        stack.up(root=tmp_path, tied=True)
        with pytest.raises(stack.StackError, match="can't be kept"):
            stack.down(tmp_path, keep=True)
        assert stack.is_running(tmp_path)
    finally:
        stack.down(tmp_path)
