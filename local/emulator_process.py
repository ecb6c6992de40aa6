"""The emulator's process: started, found by the lock that it holds, and ended with all that it started."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from local.account import KEYS_FILE, REGION, write_credentials
from local.application import PROJECT, StackError
from local.emulator.tied import PARENT

PORT = 4566
LIFE = "emulator.lock"  # held by the emulator as long as it lives
START_SECONDS = 60
STOP_SECONDS = 15


def start(
    root: Path, port: int, *, tied: bool, mqtt_port: int = 0, program: tuple[str, ...] = ("-m", "local.emulator")
) -> int:
    """Start the emulator in a process group of its own, wait until it answers, and return its process id.

    `tied`: it ends with this process. `program` is what Python runs. Its root user gets new keys, which lie in the
    folder (local/account.py). Raise StackError.
    """
    write_credentials(root, port)
    temporary = root / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "1" if mqtt_port else "0",
        "IOT_MTLS_PORT": str(mqtt_port or ""),
        "IOT_MTLS_HOST": "127.0.0.1",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": REGION,
        "SIGHTLINE_HOME": str(root),
        "SIGHTLINE_JOBS_DIR": str(root / "jobs"),
        "TMPDIR": str(temporary),
        "SIGHTLINE_TMP": str(temporary),  # the emulator removes it when it ends without `down`
        "STATE_DIR": str(root / "state"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "layers" / "sightline")]),
    }
    if tied:
        environment[PARENT] = str(os.getpid())
    log = root / "emulator.log"
    with log.open("wb") as output, (root / LIFE).open("w") as life:
        fcntl.flock(life, fcntl.LOCK_EX)  # others hold it only while they look whether somebody does
        process = subprocess.Popen(
            [sys.executable, *program],
            pass_fds=[life.fileno()],
            env=environment,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        life.write(str(process.pid))
    try:
        _await_answer(process, port, log)
    except BaseException:
        stop(root, process.pid)
        raise
    return process.pid


def stop(root: Path, pid: int) -> None:
    """End the process group, and delete what is of no use without it. 0 stands for an emulator that is gone."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if not pid or not _group_lives(pid):
            break
        try:
            os.killpg(pid, sign)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + STOP_SECONDS
        while _group_lives(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    for name in ("tmp", "state"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / KEYS_FILE).unlink(missing_ok=True)


def holder(root: Path) -> int:
    """Return the process id of the emulator of this folder, 0 when none lives.

    A living one holds a lock: its number alone may be another process's by now.
    """
    try:
        with (root / LIFE).open("r+") as life:
            fcntl.flock(life, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: others may look at the same time
    except FileNotFoundError:
        return 0
    except BlockingIOError:
        return int((root / LIFE).read_text() or 0)
    return 0


@contextlib.contextmanager
def one_start() -> Iterator[None]:
    """Let one emulator of this machine start at a time: until it answers, its port still looks free.

    The lock is on the folder of temporary files, so that no file is left behind.
    """
    folder = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def free_port(wanted: int | None = None) -> int:
    """Return `wanted` (4566), or any free port when that is taken."""
    for port in (PORT if wanted is None else wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("no free port on 127.0.0.1")


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise StackError(f"the emulator did not start: {last[0]} (whole log: {log})")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _group_lives(pid: int) -> bool:
    """Return whether a process of the group runs; a child that has ended and was not waited for does not count."""
    with contextlib.suppress(ChildProcessError):  # another command may have started it
        os.waitpid(pid, os.WNOHANG)
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
