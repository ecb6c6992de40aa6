"""`python3 -m inspector`: prove the model on its golden images, report health, then inspect every image that comes."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import IO

from .log import say
from .prerequisites import clock_problem
from .service import Service
from .settings import FileSettings, SettingsSource

LOCK_SECONDS = 15.0  # for a former process to end


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inspector", description="Inspect images and publish verdicts.")
    parser.add_argument("--thing", required=True, help="the device's thing name")
    parser.add_argument("--topics", required=True, help="what its MQTT topics begin with: sightline/STACK/THING")
    parser.add_argument("--models", required=True, type=Path, help="folder with the model component's versions")
    parser.add_argument("--work", required=True, type=Path, help="folder for what must survive a restart")
    parser.add_argument(
        "--settings",
        default=os.environ.get("SIGHTLINE_SETTINGS", "ipc:"),
        help="a JSON file with the settings, or `ipc:` for the component's configuration "
        "(default: $SIGHTLINE_SETTINGS, or ipc:)",
    )
    return parser.parse_args()


def alone(work: Path) -> IO[str] | None:
    """Hold the work folder as long as this process lives; None when another inspector does not let go of it."""
    work.mkdir(parents=True, exist_ok=True)
    lock = (work / "lock").open("w")
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.1)
        else:
            return lock


def settings(where: str) -> SettingsSource:
    if where != "ipc:":
        return FileSettings(Path(where))
    from .nucleus import IpcSettings  # the AWS SDK is on devices only

    return IpcSettings()


def main() -> int:
    given = arguments()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if problem := clock_problem():
        say(problem)
    source = settings(given.settings)
    try:
        lock = alone(given.work)
        if lock is None:
            say(f"another inspector works in {given.work}")
            return 1
        service = Service(given.thing, given.topics, given.models, given.work, source)
    except (OSError, sqlite3.Error) as error:
        say(f"--work {given.work} can't be used: {error}; name a folder that the inspector may write to")
        return 1
    with lock:
        return service.run(stopping)


if __name__ == "__main__":
    sys.exit(main())
