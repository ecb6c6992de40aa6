"""What a device must have before the inspector can be installed, and in one sentence what it lacks."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

NEWEST = (3, 13)
MACHINES = ("x86_64", "aarch64")
GLIBC = (2, 28)  # which the wheels of onnxruntime ask for; Debian 10 and everything newer has it
FREE_MEGABYTES = 700  # the environment with OpenCV takes 390, and pip's downloads 150 for a moment
WRITTEN = 1_764_547_200.0  # 2025-12-01: no device that runs this code is older


class MissingError(Exception):
    """What a device lacks, in one sentence that says what to do."""


def check_machine(environment: Path) -> None:
    """Raise MissingError when the environment can't be made on this machine, whatever pip finds."""
    python = "{}.{}".format(*sys.version_info[:2])
    if sys.version_info[:2] > NEWEST:
        raise MissingError(f"`python3` is Python {python}, and the inspector needs 3.9 to 3.13; install one of them")
    if importlib.util.find_spec("ensurepip") is None:
        raise MissingError(
            f"Python {python} can't make virtual environments; install python3-venv: sudo apt-get install python3-venv"
        )
    machine, (library, version) = platform.machine(), platform.libc_ver()
    if machine not in MACHINES:
        raise MissingError(f"there are no wheels for {machine}; use a device with one of {', '.join(MACHINES)}")
    if library != "glibc" or tuple(int(part) for part in version.split(".")[:2]) < GLIBC:
        raise MissingError(
            f"the wheels need glibc 2.28, and this system has {library or 'another library'} {version}".rstrip()
            + "; install a newer system"
        )
    folder = environment if environment.exists() else environment.parent
    free = shutil.disk_usage(folder).free // 1_000_000 if folder.exists() else FREE_MEGABYTES
    if free < FREE_MEGABYTES:
        raise MissingError(f"{folder} has {free} MB left, and {FREE_MEGABYTES} MB are needed; make room")


def clock_problem(now: float | None = None) -> str:
    """Return what is wrong with the device's clock, with which every signed request is refused; empty for nothing.

    A device without a battery for its clock wakes up in 1970, or when its system was made.
    """
    seconds = time.time() if now is None else now
    if seconds >= WRITTEN:
        return ""
    day = datetime.fromtimestamp(seconds, timezone.utc).date().isoformat()
    return f"the clock says {day}; set it, or turn on NTP: sudo timedatectl set-ntp true"


def explain(said: str) -> str:
    """Return in one sentence why pip could not install the wheels. `said` is what it wrote."""
    if "No space left on device" in said:
        return "the disk is full; make room, and it is tried again"
    if "CERTIFICATE_VERIFY_FAILED" in said or "certificate verify failed" in said:
        day = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        return f"the package index's certificate is refused; check the clock, which says {day}, and the proxy"
    if "DO NOT MATCH THE HASHES" in said:
        return "a wheel is not the one that was locked; check the folder or the index that /etc/pip.conf names"
    match = re.search(r"No matching distribution found for (\S+)", said)
    if match and "(from versions: none)" in said:
        return (
            f"pip finds no {match[1]}; check the network, or put the wheels into a folder that `find-links` in "
            "/etc/pip.conf names"
        )
    if match:
        python = "{}.{}".format(*sys.version_info[:2])
        return f"there is no wheel of {match[1]} for Python {python} on {platform.machine()} where pip looks"
    lines = [line for line in said.splitlines() if line.strip()]
    return f"pip says: {lines[-1].strip()}" if lines else "pip failed without a word"
