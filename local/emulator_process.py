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
from local.emulator.keeping import KEPT
from local.emulator.tied import PARENT

PORT = 4566
LIFE = "emulator.lock"  # held by the emulator as long as it lives
START_SECONDS = 60
STOP_SECONDS = 15
KEEP_SECONDS = 30
ANSWER_SECONDS = 15
STATE = "state"


def start(
    root: Path,
    port: int,
    *,
    tied: bool,
    mqtt_port: int = 0,
    resume: bool = False,
    program: tuple[str, ...] = ("-m", "local.emulator"),
) -> int:
    """Start the emulator in a process group of its own, wait until it answers, and return its process id.

    `tied`: it ends with this process, else what it holds outlives it. `resume`: it goes on with what a killed one held.
    `program` is what Python runs. Its root user gets new keys, which lie in the folder (local/account.py). Raise
    StackError.
    """
    if not resume:
        shutil.rmtree(root / STATE, ignore_errors=True)
        write_credentials(root, port)
    temporary = root / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    environment = _environment(root, port, mqtt_port)
    if tied:
        environment[PARENT] = str(os.getpid())
    else:
        environment |= {"SIGHTLINE_KEEP": "resume" if resume else "new", "S3_PERSIST": "1"}
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
        stop(root, process.pid, keep=resume)
        raise
    return process.pid


def _environment(root: Path, port: int, mqtt_port: int) -> dict[str, str]:
    """Return the settings of an emulator in a folder."""
    temporary = str(root / "tmp")
    return {key: value for key, value in os.environ.items() if not key.startswith("AWS_")} | {
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
        "TMPDIR": temporary,
        "SIGHTLINE_TMP": temporary,  # the emulator removes it when it ends without `down`
        "STATE_DIR": str(root / STATE),
        "S3_DATA_DIR": str(root / STATE / "objects"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "layers" / "sightline")]),
    }


def holds(root: Path) -> bool:
    """Return whether an emulator of this folder has kept what it holds."""
    return (root / STATE / KEPT).is_file()


def keep(root: Path, pid: int) -> None:
    """Have the emulator keep what it holds from now on, and wait until it does. Raise StackError."""
    kept = root / STATE / KEPT
    before = kept.stat().st_mtime_ns if kept.exists() else 0
    os.kill(pid, signal.SIGUSR1)
    deadline = time.monotonic() + KEEP_SECONDS
    while not kept.exists() or kept.stat().st_mtime_ns == before:
        if time.monotonic() > deadline:
            raise StackError(f"the stack can't be kept in {root / STATE}; {root / 'emulator.log'} says why")
        time.sleep(0.05)


def stop(root: Path, pid: int, *, keep: bool = False) -> None:
    """End the process group, and delete what is of no use without it, what it held too unless `keep`. 0 stands for an
    emulator that is gone.
    """
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
    shutil.rmtree(root / "tmp", ignore_errors=True)
    if not keep:
        shutil.rmtree(root / STATE, ignore_errors=True)
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


def comes_to(root: Path, port: int) -> bool:
    """Return whether the emulator of this folder answers, False when it has ended. Raise StackError when it hangs."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while holder(root):  # one that was just killed holds its lock for a moment
        if _answers(port):
            return True
        if time.monotonic() > deadline:
            raise StackError(f"the emulator (process {holder(root)}) does not answer; `sightline down` ends it")
        time.sleep(0.05)
    return False


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
            # A connection of a stack that has ended may linger; who listens still refuses.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("no free port on 127.0.0.1")


def require_port(port: int) -> None:
    """Raise StackError when a port that a killed stack had is taken."""
    if free_port(port) != port:
        raise StackError(
            f"port {port} of the killed stack is taken by another program; end that, or give up what the stack held "
            "with `sightline down`"
        )


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
