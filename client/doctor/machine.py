"""What a deployment needs of this machine."""

import shutil
import subprocess
import sys
from pathlib import Path

from client.doctor.findings import Check, Findings, ok, wrong

PYTHONS = ((3, 11), (3, 13))  # the oldest and the newest that the project runs with
DISK_BYTES = 3_000_000_000  # layers unpacked, their archives, and pip's copies
SAM = (1, 100)  # the oldest that is known to build the layers
SAM_SECONDS = 60


def python(version: tuple[int, int] = sys.version_info[:2]) -> Findings:
    said = ".".join(map(str, version))
    oldest, newest = (".".join(map(str, one)) for one in PYTHONS)
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return [ok("python", said)]
    return [wrong("python", f"{said} runs this command", f"use Python {oldest} to {newest}: scripts/setup.sh demo")]


def disk(folder: Path) -> Findings:
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB free in {folder.resolve()}"
    if free >= DISK_BYTES:
        return [ok("disk", said)]
    return [wrong("disk", said, f"free some space: `sam build` needs {DISK_BYTES / 1e9:.0f} GB")]


def sam(where: str | None = None) -> Findings:
    """Look for the AWS SAM command line beside this Python, then on the path."""
    beside = Path(sys.executable).with_name("sam")
    found = where or (str(beside) if beside.is_file() else shutil.which("sam"))
    if not found:
        return [wrong("sam", "the AWS SAM command line is not installed", "run scripts/setup.sh demo")]
    done = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=SAM_SECONDS, check=False)
    said = (done.stdout or done.stderr).strip().rpartition(" ")[2]  # SAM CLI, version 1.167.0
    numbers = tuple(int(part) for part in said.split(".")[:2] if part.isdecimal())
    if done.returncode or len(numbers) < 2:
        return [wrong("sam", f"{found} does not run: {said or 'it says nothing'}", "run scripts/setup.sh demo")]
    if numbers < SAM:
        needed = ".".join(map(str, SAM))
        return [wrong("sam", f"version {said} is too old", f"use {needed} or newer: scripts/setup.sh demo")]
    return [ok("sam", f"version {said}")]


def checks(folder: Path) -> list[Check]:
    return [Check("python", python), Check("disk", lambda: disk(folder)), Check("sam", sam)]
