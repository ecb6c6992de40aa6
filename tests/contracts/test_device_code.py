"""What ships to devices is code for Python 3.9: its syntax, and what it takes of the standard library.

Newer words in annotations are ruff's part (FA102).
"""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge import package


def violations(folder: Path) -> list[str]:
    """Return what vermin finds that Python 3.9 does not have. `# novm` marks a line that no old Python runs."""
    vermin = str(Path(sys.executable).with_name("vermin"))
    command = [vermin, "--target=3.9-", "--no-tips", "--violations", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Minimum required versions" in done.stdout, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if re.search(r"(?<!Minimum )require", line)]


def test_the_packaged_inspector_needs_nothing_newer_than_python_3_9(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package.inspector_zip())) as archive:
        archive.extractall(tmp_path)
    assert violations(tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        "from enum import StrEnum",
        "from datetime import UTC",
        "from dataclasses import dataclass\n@dataclass(slots=True)\nclass A: ...",
        "list(zip([1], [2], strict=True))",
        "match 1:\n    case 1: pass",
    ],
)
def test_code_for_a_newer_python_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "new.py").write_text(line + "\n")
    assert violations(tmp_path) != []
