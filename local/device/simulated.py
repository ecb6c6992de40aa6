"""Simulated core devices of this machine: each is a process (program.py) and a folder."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from local.device import identity
from local.device.identity import Identity
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from mypy_boto3_iot import IoTClient

STOP_SECONDS = 10
# Of the names that AWS IoT takes, those that may also be a folder of a search path, which a colon would end.
THING = re.compile(r"[a-zA-Z0-9_-]{1,128}")


class LocalStack(Protocol):
    """The stack in which a device works, as far as a device has to know it."""

    @property
    def endpoint(self) -> str: ...

    @property
    def mqtt_port(self) -> int: ...

    @property
    def outputs(self) -> dict[str, str]: ...

    def client(self, service: Literal["iot"]) -> "IoTClient": ...


class SimulatedDevice:
    """A simulated device in a process of its own, below `home/devices/<thing>`; it survives the command that started
    it.
    """

    def __init__(self, home: Path, thing: str) -> None:
        """Raise SightlineError for a name that AWS IoT would refuse, and that may lead out of the folder."""
        if not THING.fullmatch(thing):
            raise SightlineError(f"{thing!r} is no simulated device's name: 1 to 128 letters, digits, _ and -")
        self.thing = thing
        self._home = home.resolve()
        self.root = self._home / "devices" / thing
        self.images = self.root / "images"
        self._pid = self.root / "pid"
        # Held by the nucleus as long as it lives: a number alone may be another's by now.
        self._life = self.root / "lock"

    def register(self, stack: LocalStack, group: str = "") -> Identity:
        """Register the thing in a group (default: the stack's fleet) and in no other; give it a certificate once."""
        self.images.mkdir(parents=True, exist_ok=True)
        iot, outputs = stack.client("iot"), stack.outputs
        identity.join(iot, self.thing, group or outputs["ThingGroupName"])
        return identity.provision(
            iot,
            self.root,
            self.thing,
            outputs["DevicePolicyName"],
            outputs["DeviceRoleAliasName"],
            stack.endpoint,
            stack.mqtt_port,
        )

    def start(self, stack: LocalStack, group: str = "") -> None:
        """Register the thing, and start its nucleus, unless it runs."""
        self.register(stack, group)
        if self.running:
            return
        command = [
            sys.executable,
            "-m",
            "local.device.program",
            f"--thing={self.thing}",
            f"--endpoint={stack.endpoint}",
            f"--home={self._home}",  # where the emulator's keys are
            f"--root={self.root}",
        ]
        project = Path(__file__).resolve().parents[2]
        environment = {**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{project / 'layers' / 'sightline'}"}
        with (self.root / "nucleus.log").open("ab") as log, self._life.open("w") as life:
            fcntl.flock(life, fcntl.LOCK_EX)  # others hold it only while they look whether somebody does
            process = subprocess.Popen(
                command,
                pass_fds=[life.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid.write_text(str(process.pid))

    @property
    def known(self) -> bool:
        """Whether it was ever started here."""
        return self.root.is_dir()

    @property
    def running(self) -> bool:
        try:
            with self._life.open("r+") as life:
                fcntl.flock(life, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def stop(self) -> None:
        """End the nucleus, which ends its components."""
        if self.running:
            number = int(self._pid.read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while self.running and time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):  # another command may have started it
                    os.waitpid(number, os.WNOHANG)
                time.sleep(0.05)
        self._pid.unlink(missing_ok=True)


def stop_all(home: Path) -> None:
    """Stop every simulated device below `home`."""
    for pid in (home.resolve() / "devices").glob("*/pid"):
        SimulatedDevice(home, pid.parent.name).stop()
