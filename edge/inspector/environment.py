"""The inspector's virtual environment on a device.

Nothing is built and nothing is resolved on the device: `requirements.txt` names every package for each Python. pip's
own settings say where the wheels come from: for lines without internet, `find-links` in /etc/pip.conf names a folder.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

from .prerequisites import MissingError, check_machine, clock_problem, explain

HERE = Path(__file__).resolve().parent.parent
DONE = "sightline-requirements.sha256"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps")
WHEELS = ("--only-binary=:all:", "--require-hashes")


def requirements(*, video: bool) -> list[Path]:
    """The files that name what to install."""
    return [HERE / "requirements.txt", *([HERE / "requirements-video.txt"] if video else [])]


def install(environment: Path, files: list[Path]) -> bool:
    """Make the environment, whole or not at all; False when it is there with exactly these requirements.

    Raises MissingError for what the device lacks.
    """
    linked = os.environ.get("SIGHTLINE_LINK_PACKAGES") == "1"
    digest = hashlib.sha256(
        b"".join(file.read_bytes() for file in files) + f"{linked} {sys.version}".encode()
    ).hexdigest()
    done = environment / DONE
    if done.is_file() and done.read_text() == digest:
        return False
    shutil.rmtree(environment, ignore_errors=True)
    if not linked:
        check_machine(environment)
    venv.create(environment, with_pip=not linked)
    python = environment / "bin" / "python"
    if linked:
        _link(environment)
    else:
        _download(python, files)
    subprocess.run([str(python), "-c", "import numpy, onnxruntime, PIL"], check=True)
    done.write_text(digest)
    return True


def _download(python: Path, files: list[Path]) -> None:
    """Install the wheels for this Python and this machine. Raises MissingError with what pip says, in one sentence."""
    arguments = [part for file in files for part in ("--requirement", str(file))]
    done = subprocess.run(
        [str(python), *PIP, *WHEELS, *arguments], stderr=subprocess.PIPE, text=True, errors="replace", check=False
    )
    if done.returncode:
        print(done.stderr, end="", file=sys.stderr, flush=True)
        raise MissingError(explain(done.stderr))


def _link(environment: Path) -> None:
    """Use the packages of the Python that runs this: what the simulated device does, which must start in a second."""
    folder = environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (folder / "linked.pth").write_text("\n".join(site.getsitepackages()) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="inspector.install", description="Install what the inspector needs.")
    parser.add_argument("--environment", required=True, type=Path, help="folder of the virtual environment")
    parser.add_argument("--video", default="false", help="`true` installs OpenCV too, for cameras and video")
    given = parser.parse_args()
    try:
        made = install(given.environment, requirements(video=given.video.lower() == "true"))
    except (OSError, subprocess.CalledProcessError, MissingError) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        reason = clock_problem() or (
            "the disk is full; make room" if full else str(error)
        )  # a wrong clock is the reason of what else is wrong
        print(f"the inspector can't be installed: {reason}", file=sys.stderr, flush=True)
        return 1
    print("environment installed" if made else "environment is there already", flush=True)
    return 0
