"""Lifecycle scripts as processes of this machine, which end with the nucleus however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from local.device.interfaces import Process

SETTLE_SECONDS = 3.0  # a component that still runs after this counts as started
STOP_SECONDS = 10

# Runs a script as $1 and ends its process group when standard input does, so when whoever holds the other end is gone,
# however that came. The copy is needed: a shell gives what it starts in the background no input.
TIED = 'exec 3<&0 </dev/null; (read -r _ <&3; kill -KILL 0) & exec 3<&-; exec /bin/sh -c "$1"'


class RunningScript:
    """A script in a process group of its own, which ends with this process, too."""

    def __init__(self, script: str, work: Path, environment: dict[str, str], log: Path) -> None:
        held, self._held = os.pipe()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", TIED, "sh", script],
                cwd=work,
                env=environment,
                stdin=held,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.close(held)

    def poll(self) -> int | None:
        code = self._process.poll()
        if code is not None:
            self._let_go()
        return code

    def wait(self, timeout: float) -> int:
        """Return its exit code. Raise TimeoutError after it was ended."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            self.stop()

    def stop(self) -> None:
        _end(self._process)
        self._let_go()

    def _let_go(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


class ProcessRunner:
    """Lifecycle scripts as processes of this machine, under the Python that runs this, with `environment` beside their
    own.
    """

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self._environment = environment or {}

    def run(self, script: str, work: Path, environment: dict[str, str], log: Path, timeout: float) -> int:
        return self._begin(script, work, environment, log).wait(timeout)

    def start(self, script: str, work: Path, environment: dict[str, str], log: Path) -> Process:
        return self._begin(script, work, environment, log)

    def _begin(self, script: str, work: Path, environment: dict[str, str], log: Path) -> RunningScript:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return RunningScript(script, work, {"PATH": path, **self._environment, **environment}, log)

    def settle(self, processes: dict[str, Process]) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while processes and time.monotonic() < deadline and all(p.poll() is None for p in processes.values()):
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process group, first politely."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
