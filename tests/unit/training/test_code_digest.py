"""The code's part of a training's fingerprint: every file that training imports, and no other."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import ROOT
from training.code_digest import COMMANDS, PACKAGES, code_digest, sources

ASK = "from training.code_digest import code_digest; print(code_digest())"
LOADED = """
import importlib, sys
for name in sys.argv[1].split(","):
    importlib.import_module(name)
print("\\n".join(sorted(name for name in sys.modules if name.split(".")[0] in sys.argv[2].split(","))))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as the training image has it, to be changed."""
    root = tmp_path_factory.mktemp("image")
    for package in ("training", "reporting"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "layers" / "sightline" / "sightline", root / "sightline", ignore=shutil.ignore_patterns("__pycache__")
    )
    return root


def run(root: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_what_a_training_loads_is_what_its_digest_is_made_of(copy: Path) -> None:
    loaded = set(run(copy, LOADED, ",".join(COMMANDS), ",".join(PACKAGES)).split())
    assert loaded <= set(sources())
    # What is not loaded with the commands is imported in a function of theirs, or is the digest's own module.
    assert {name.partition(".")[0] for name in set(sources()) - loaded} <= {"reporting", "training"}


def test_the_digest_lies_where_the_files_do_not_matter(copy: Path) -> None:
    assert run(copy, ASK) == code_digest()


@pytest.mark.parametrize(
    "file", ["sightline/errors.py", "sightline/names.py", "sightline/models/doubts.py", "sightline/models/metrics.py",
             "sightline/labelling/answer_checks.py", "sightline/models/hyperparameters.py",
             "sightline/vision/decode.py", "reporting/evaluation.py", "training/loss.py",
             "training/__init__.py", "training/requirements.txt"],
)  # fmt: skip
def test_a_change_in_what_training_imports_is_another_training(copy: Path, file: str) -> None:
    changed = copy / file
    body = changed.read_bytes()
    changed.write_bytes(body + b"\n# changed\n")
    try:
        assert run(copy, ASK) != code_digest()
    finally:
        changed.write_bytes(body)


@pytest.mark.parametrize("file", ["sightline/rollout/recipes.py", "sightline/api/http.py", "sightline/aws/topic.py"])
def test_a_change_elsewhere_is_not(copy: Path, file: str) -> None:
    changed = copy / file
    body = changed.read_bytes()
    changed.write_bytes(body + b"\n# changed\n")
    try:
        assert run(copy, ASK) == code_digest()
    finally:
        changed.write_bytes(body)
