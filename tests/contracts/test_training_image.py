"""The training image, as far as its Dockerfile goes: what SageMaker needs of it, and hadolint's rules."""

import re
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT

DOCKERFILE = ROOT / "training" / "Dockerfile"


def instructions(name: str) -> list[str]:
    """Return what follows each instruction of this name, continued lines joined."""
    text = re.sub(r" *\\\n *", " ", DOCKERFILE.read_text())
    return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_base_image_is_one_version_from_a_registry_without_a_limit_for_shared_addresses() -> None:
    (base,) = instructions("FROM")
    assert re.fullmatch(r"public\.ecr\.aws/[\w./-]+:\d+\.\d+\.\d+[\w.-]*", base)


def test_packages_are_installed_by_their_hashes() -> None:
    installs = [line for line in instructions("RUN") if re.search(r"\b(pip|apt-get|apk|curl|wget)\b", line)]
    assert installs == ["pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt"]


def test_sagemaker_gives_the_container_its_gpu() -> None:
    variables = dict(entry.split("=", 1) for line in instructions("ENV") for entry in line.split())
    assert variables["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert set(variables["NVIDIA_DRIVER_CAPABILITIES"].split(",")) >= {"compute", "utility"}


def test_the_container_runs_as_root_because_sagemaker_mounts_its_folders_so() -> None:
    assert instructions("USER") == []
    assert "# No USER:" in DOCKERFILE.read_text()
