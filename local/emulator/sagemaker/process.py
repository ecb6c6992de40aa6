"""A container of SageMaker as a process on this machine: its command, its environment, its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from local.emulator import simulated_builds
from local.emulator.sagemaker.errors import JobFailedError, JobStoppedError
from local.emulator.sagemaker.job_log import LogReader
from local.emulator.tied import PARENT

ROOT = Path(__file__).resolve().parents[3]
IMAGE_NAME = "sightline-training"  # beside simulated builds the one image that this machine can run: training/
COMMANDS = {
    name: [sys.executable, "-m", "local.emulator.tied", module]
    for name, module in {"train": "training.train", "evaluate": "training.evaluate"}.items()
}
LOOK_SECONDS = 0.1
LOG_SECONDS = 1.0  # how often new lines of the log go to CloudWatch and are searched for metrics
GRACE_SECONDS = 5  # between SIGTERM and SIGKILL


def command_of(image: str, name: str) -> list[str]:
    """Return the command `name` of an image. Raise JobFailedError for what this machine can't run."""
    repository = image.rsplit("/", 1)[-1].split(":")[0].split("@")[0]
    if repository != IMAGE_NAME and not simulated_builds.is_simulated(image):
        raise JobFailedError(
            f"ClientError: this machine runs only the image {IMAGE_NAME!r}, not {image!r}; leave TrainingImageUri empty"
        )
    if name not in COMMANDS:
        raise JobFailedError(f"ClientError: the image has the commands {', '.join(COMMANDS)}, not {name!r}")
    return COMMANDS[name]


def run(
    command: list[str],
    variables: Mapping[str, str],
    log: Path,
    *,
    listeners: Iterable[Callable[[list[str]], None]],
    why_stop: Callable[[], str],
    look: Callable[[], None],
) -> int:
    """Run a container's command in the log's folder, and return its exit code.

    `listeners` hear new lines of the log; `look` is called all the while. Raise JobStoppedError with what `why_stop`
    says once it says something. Whatever the process leaves behind in its group is ended.
    """
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    environment = {
        **kept,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'sightline'}",
        "PYTHONUNBUFFERED": "1",
        PARENT: str(os.getpid()),
        **variables,
    }
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, env=environment, cwd=log.parent, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    reader, looked, reason = LogReader(log, *listeners), time.monotonic(), ""
    try:
        while started.poll() is None:
            reason = why_stop()
            if reason:
                break
            if time.monotonic() - looked >= LOG_SECONDS:
                looked = time.monotonic()
                reader.read()
                look()
            time.sleep(LOOK_SECONDS)
    finally:
        end_group(started)
        reader.read(last=True)
    if reason:
        raise JobStoppedError(reason)
    return started.returncode


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started in its group, first politely."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if sign is signal.SIGTERM and process.poll() is not None:
            continue  # the process has ended by itself; what it left behind gets no time
        try:
            os.killpg(process.pid, sign)
        except (ProcessLookupError, PermissionError):  # the group is gone, or only its dead leader is left (macOS)
            break
        try:
            process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
