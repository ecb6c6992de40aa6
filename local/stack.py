"""The local stack's life: start the emulator, build and deploy the application to it, and take everything down again.

All state of a stack lies in one folder (`.sightline/`): the log, the jobs, temporary files, and `stack.json`, which
tells other commands where the running stack is. Nothing is printed here; `on_progress` is told what is being done.
"""

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from local import application, disk, emulator_process
from local.account import Credentials, read_credentials
from local.application import PROJECT, StackError
from local.device.simulated import stop_all

HOME = Path(".sightline")

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
    resumed: bool = False  # an earlier stack in this folder was killed, and this one goes on with what it held
    lost: bool = False  # it was killed, and what it held is gone

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulator with the rights of its root user."""
        import boto3

        connect: Any = boto3.client  # the type of a client by name would be needed for each one
        return connect(service, endpoint_url=self.endpoint, **self.credentials)

    @property
    def credentials(self) -> Credentials:
        """The keys of the emulator's root user."""
        return read_credentials(self.home)

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

    `tied`: the emulator ends with this process, however that ends. Raise StackError; then nothing is left running
    that was not running before.
    """
    tell = on_progress or (lambda _: None)
    root = root.resolve()
    keep_private(root)
    parameters = application.parameters(overrides or {})
    with _alone(root):
        known = _running(root)
        if known and not emulator_process.comes_to(root, known.port):
            known = None
        sources = application.digest_of([PROJECT / source for source in application.SOURCES])
        wanted = hashlib.sha256(json.dumps([sources, parameters], sort_keys=True).encode()).hexdigest()
        if known and known.deployed == wanted:
            return _stack(root, known)
        running, before = known, Running.read(root)
        killed = known is None and before is not None and bool(before.deployed)  # `down` takes its file away
        resumed = killed and not tied and emulator_process.holds(root)
        if known is None and (
            left := emulator_process.holder(root)
        ):  # of an `up` that was killed before it could note where it is
            _stop(root, left)
        try:
            if running is None:
                disk.require(root, disk.STACK_BYTES)
                tell("starting the emulator")
                running = _start(root, before if resumed else None, tied=tied)
                running.write(root)
            if running.deployed != wanted:
                tell("building the application")
                application.build(root, sources)
                tell("deploying the application")
                outputs = application.deploy(root, running.port, parameters)
                running = replace(running, deployed=wanted, outputs=outputs)
                if not tied:
                    emulator_process.keep(root, running.pid)
        except BaseException:
            if known is None:
                _stop(root, running.pid if running else 0, keep=resumed)
            raise
        running.write(root)
        found = _stack(root, running)
        if resumed:
            _find_uploads(found)
        return replace(found, resumed=resumed, lost=killed and not resumed)


def _start(root: Path, killed: Running | None, *, tied: bool) -> Running:
    """Start an emulator, which goes on with what a killed one held."""
    with emulator_process.one_start():
        if killed:
            emulator_process.require_port(killed.port)
            emulator_process.require_port(killed.mqtt_port)
            ports = (killed.port, killed.mqtt_port)
        else:
            ports = (emulator_process.free_port(_last_port(root)), emulator_process.free_port(0))
        pid = emulator_process.start(root, ports[0], tied=tied, mqtt_port=ports[1], resume=killed is not None)
    (root / "port").write_text(str(ports[0]))
    return replace(killed, pid=pid) if killed else Running(pid, *ports, "", {})


def _last_port(root: Path) -> int | None:
    """Return the port of the last start: the page's address stays the same where that is free. None for none."""
    try:
        return int((root / "port").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _find_uploads(stack: Stack) -> None:
    """Have the sweep look for uploads whose events were lost with the killed stack; do not wait for it."""
    stack.client("lambda").invoke(
        FunctionName=stack.outputs["SweepImagesName"], InvocationType="Event", Payload=b'{"begin": true}'
    )


def keep_private(root: Path) -> None:
    """Make the folder of a stack, which nobody else may read: it holds keys, photos and what the emulator keeps."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    root.chmod(0o700)


def _stack(root: Path, known: Running) -> Stack:
    return Stack(f"http://127.0.0.1:{known.port}", known.pid, known.outputs, root, known.mqtt_port)


def load(root: Path = HOME) -> Stack:
    """Return the running stack. Raise StackError when there is none."""
    root = root.resolve()
    running = _running(root)
    if not running:
        raise StackError("no local stack is running here; start one with `sightline up`")
    if not running.deployed:
        raise StackError("the local stack is not deployed (yet); wait for `sightline up`, or run it again")
    return _stack(root, running)


def down(root: Path = HOME, *, keep: bool = False) -> bool:
    """Stop the stack with everything it started and delete its temporary files; False when none was running.

    What it holds is deleted too, unless `keep`: then the next `up` goes on with it. Raise StackError when it can't be
    kept; then it runs on.
    """
    root = root.resolve()
    if not root.is_dir():
        return False
    with _alone(root):
        running = _running(root)
        pid = running.pid if running else emulator_process.holder(root)
        if keep and pid:
            if not (running and running.deployed and emulator_process.holds(root)):
                raise StackError(f"the stack in {root} can't be kept: it is no whole one, or a demo's")
            emulator_process.keep(root, pid)
        if pid or not keep:
            _stop(root, pid, keep=keep)
    return pid != 0


def is_kept(root: Path = HOME) -> bool:
    """Return whether no emulator of this folder runs, but what one held is there."""
    root = root.resolve()
    return _running(root) is None and Running.read(root) is not None and emulator_process.holds(root)


def is_running(root: Path = HOME) -> bool:
    """Return whether an emulator of this folder runs, deployed or not."""
    return _running(root.resolve()) is not None


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one `up` or `down` of a folder run at a time. Raise StackError."""
    with (root / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"another command is starting or stopping the stack in {root}; wait for it") from None
        yield


def _running(root: Path) -> Running | None:
    """Return what stack.json says, when its emulator lives."""
    known = Running.read(root)
    return known if known and emulator_process.holder(root) else None


def _stop(root: Path, pid: int, *, keep: bool = False) -> None:
    """End the emulator and the simulated devices, and forget where the stack was, unless it is to be resumed."""
    stop_all(root)
    emulator_process.stop(root, pid, keep=keep)
    if not keep:
        (root / "stack.json").unlink(missing_ok=True)
