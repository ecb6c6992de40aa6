"""The local stack's life: start the emulator, build and deploy the application to it, and take everything down again.

All state of a stack lies in one folder (`.sightline/`): the log, the jobs, temporary files, and `stack.json`, which
tells other commands where the running stack is. Nothing is printed here; `on_progress` is told what is being done.
"""

import contextlib
import fcntl
import hashlib
import json
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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from local import application
from local.application import CREDENTIALS, PROJECT, REGION, StackError

HOME = Path(".sightline")
PORT = 4566
LIFE = "emulator.lock"  # held by the emulator as long as it lives
START_SECONDS = 60
STOP_SECONDS = 15

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Running:
    """What `stack.json` tells of an emulator. `deployed` is the digest of what was deployed, empty before that."""

    pid: int
    port: int
    mqtt_port: int  # AWS IoT's, over TLS with client certificates
    deployed: str
    outputs: dict[str, str]

    @classmethod
    def read(cls, root: Path) -> "Running | None":
        """Return what the file says, None where there is none that can be read."""
        try:
            return cls(**json.loads((root / "stack.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, root: Path) -> None:
        """Note where the emulator is, at once when it runs: `down` must find it whatever happens to `up`."""
        new = root / "stack.json.new"
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(root / "stack.json")


@dataclass(frozen=True)
class Stack:
    """A running local stack."""

    endpoint: str
    pid: int
    outputs: dict[str, str]
    home: Path
    mqtt_port: int = 0  # of AWS IoT, over TLS with client certificates

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator with the rights of its root user."""
        import boto3

        connect: Any = boto3.client  # the type of a client by name would be needed for each one
        return connect(service, endpoint_url=self.endpoint, **CREDENTIALS)

    @property
    def port(self) -> int:
        return int(self.endpoint.rsplit(":", 1)[1])


def up(
    on_progress: Progress | None = None,
    overrides: dict[str, str] | None = None,
    root: Path = HOME,
    *,
    tied: bool = False,
) -> Stack:
    """Start the emulator unless it runs, and deploy the application with the template parameters `overrides`.

    `tied`: the emulator ends with this process, however that ends. Raises StackError; then nothing is left running
    that was not running before.
    """
    tell = on_progress or (lambda _: None)
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    parameters = application.parameters(overrides or {})
    with _alone(root):
        known = _running(root)
        sources = application.digest_of([PROJECT / source for source in application.SOURCES])
        wanted = hashlib.sha256(json.dumps([sources, parameters], sort_keys=True).encode()).hexdigest()
        if known and known.deployed == wanted:
            return _stack(root, known)
        running = known
        if known is None and (left := _holder(root)):  # of an `up` that was killed before it could note where it is
            _stop(root, left)
        try:
            if running is None:
                tell("starting the emulator")
                with _one_start():
                    port, mqtt_port = _free_port(), _free_port(0)
                    pid = _start(root, port, tied=tied, mqtt_port=mqtt_port)
                    running = Running(pid, port, mqtt_port, "", {})
                    running.write(root)
            tell("building the application")
            application.build(root, sources, parameters["PythonRuntime"])
            tell("deploying the application")
            outputs = application.deploy(root, running.port, parameters)
        except BaseException:
            if known is None:
                _stop(root, running.pid if running else 0)
            raise
        running = replace(running, deployed=wanted, outputs=outputs)
        running.write(root)
        return _stack(root, running)


def _stack(root: Path, known: Running) -> Stack:
    return Stack(f"http://127.0.0.1:{known.port}", known.pid, known.outputs, root, known.mqtt_port)


def load(root: Path = HOME) -> Stack:
    """The running stack. Raises StackError when there is none."""
    root = root.resolve()
    running = _running(root)
    if not running:
        raise StackError("no local stack is running here; start one with `sightline up`")
    if not running.deployed:
        raise StackError("the local stack is not deployed (yet); wait for `sightline up`, or run it again")
    return _stack(root, running)


def down(root: Path = HOME) -> bool:
    """Stop the stack with everything it started and delete its temporary files; False when none was running."""
    root = root.resolve()
    if not root.is_dir():
        return False
    with _alone(root):
        running = _running(root)
        pid = running.pid if running else _holder(root)
        _stop(root, pid)
    return pid != 0


def is_running(root: Path = HOME) -> bool:
    """Return whether an emulator of this folder runs, deployed or not."""
    return _running(root.resolve()) is not None


# ------------------------------------------------------------------------------------------------------------- process
@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One `up` or `down` of a folder at a time."""
    with (root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"another command is starting or stopping the stack in {root}; wait for it") from None
        yield


def _running(root: Path) -> Running | None:
    """What stack.json says, when its emulator lives: that holds a lock, which no other process can be mistaken for."""
    known = Running.read(root)
    return known if known and _holder(root) else None


def _holder(root: Path) -> int:
    """The emulator of this folder, as the number of its process; 0 when none lives."""
    try:
        with (root / LIFE).open("r+") as life:
            fcntl.flock(life, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return 0
    except BlockingIOError:
        return int((root / LIFE).read_text() or 0)
    return 0


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def _one_start() -> Iterator[None]:
    """One emulator of this machine starts at a time, whatever its folder: until it answers, its port still looks free.

    The lock is on the folder of temporary files, so that no file is left behind.
    """
    folder = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _free_port(wanted: int | None = None) -> int:
    """Return `wanted` (4566), or any free port when that is taken."""
    for port in (PORT if wanted is None else wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("no free port on 127.0.0.1")


def _start(
    root: Path, port: int, *, tied: bool, mqtt_port: int = 0, program: tuple[str, ...] = ("-m", "local.emulator")
) -> int:
    """Start the emulator in a process group of its own and wait until it answers; `program` is what Python runs."""
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
        "SIGHTLINE_JOBS_DIR": str(root / "jobs"),
        "TMPDIR": str(temporary),
        "SIGHTLINE_TMP": str(temporary),  # the emulator removes it when it ends without `down`
        "STATE_DIR": str(root / "state"),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "layers" / "sightline")]),
    }
    if tied:
        environment["SIGHTLINE_PARENT"] = str(os.getpid())
    log = root / "emulator.log"
    with log.open("wb") as output, (root / LIFE).open("w") as life:
        fcntl.flock(life, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
        _stop(root, process.pid)
        raise
    return process.pid


def _await_answer(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise StackError(f"the emulator did not start: {last[0]} (whole log: {log})")
        time.sleep(0.1)


def _stop(root: Path, pid: int) -> None:
    """End the process group and the simulated devices, and delete what is of no use without them."""
    from local.device.simulated import stop_all

    stop_all(root)
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
    (root / "stack.json").unlink(missing_ok=True)
    for name in ("tmp", "state"):
        shutil.rmtree(root / name, ignore_errors=True)


def _group_lives(pid: int) -> bool:
    """True while a process of the group runs; a child that has ended and was not waited for does not count."""
    with contextlib.suppress(ChildProcessError):  # another command may have started it
        os.waitpid(pid, os.WNOHANG)
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
