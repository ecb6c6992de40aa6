"""The Pythons that this machine has beside the one that runs the tests: on the search path, and those of pyenv."""

import shutil
import subprocess
from functools import cache
from pathlib import Path


@cache
def python(version: str) -> str:
    """Return the program of a Python such as `3.9`; empty where there is none."""
    name = f"python{version}"
    found = [shutil.which(name), *map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}")))]
    return next((path for path in found if path and _is(path, version)), "")


def _is(path: str, version: str) -> bool:
    """Whether a program is this Python: pyenv has a stand-in for each version that it knows."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([path, "-c", program], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version
