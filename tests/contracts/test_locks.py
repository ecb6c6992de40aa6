"""What is installed is locked by hash, and the locks agree with pyproject.toml and with each other."""

import re
import tomllib
from itertools import combinations

import pytest
from packaging.markers import Marker

from tests.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = [
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-torch.lock",
    "requirements-torch-cpu.lock",
    "requirements-cuda.lock",
    "layers/imaging/requirements.txt",
    "layers/onnx/requirements.txt",
    "layers/sightline/requirements.txt",
    "training/requirements.txt",
    "edge/requirements.txt",
    "edge/requirements-video.txt",
]
ALL_LOCKS = [*LOCKS, "requirements-checkov.lock"]  # it has an environment of its own, and other versions
ONLY_ON_DEVICES = {"awscrt", "awsiotsdk"}  # the SDK wants another awscrt than boto3 does


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(file: str) -> dict[str, str]:
    """Return name to version of each entry."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)(?: ; (.*?))?(?: \\)?$", (ROOT / file).read_text(), re.MULTILINE)
    return {plain(name): version.removesuffix("+cpu") for name, version, marker in found if of_this_project(marker)}


def of_this_project(marker: str) -> bool:
    """Whether an entry is for a Python of this project; devices may have older ones."""
    newest = {"python_version": "3.13", "python_full_version": "3.13.0"}
    return "python" not in marker or Marker(marker).evaluate(newest)


def direct(requirements: list[str]) -> dict[str, str]:
    pairs = [re.sub(r"\[.*\]", "", text).split("==") for text in requirements]
    return {plain(name): version for name, version in pairs}


@pytest.mark.parametrize("file", ALL_LOCKS)
def test_each_entry_is_one_version_with_the_hashes_of_its_files(file: str) -> None:
    text = re.sub(r"^#.*\n", "", (ROOT / file).read_text(), flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.rstrip("\n"))
    wrong = [
        entry
        for entry in entries
        if not re.match(r"[\w.-]+==[^\s;]+( ; .*)?( \\\n    --hash=sha256:[0-9a-f]{64})+$", entry)
    ]
    assert entries
    assert wrong == []


@pytest.mark.parametrize("file", ALL_LOCKS)
def test_no_lock_names_an_index(file: str) -> None:
    assert not re.search(r"https?://|--index|--extra-index|--find-links", (ROOT / file).read_text())


def test_what_pyproject_asks_for_is_what_is_locked() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    run = direct(
        [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"], *extras["local"], *extras["train"]]
    )
    to_run = locked("requirements.lock") | locked("requirements-torch.lock")
    assert {name: to_run.get(name) for name in run} == run
    everything = to_run | locked("requirements-dev.lock")
    dev = direct(extras["dev"])
    assert {name: everything.get(name) for name in dev} == dev


@pytest.mark.parametrize(("one", "other"), combinations(LOCKS, 2))
def test_two_locks_never_name_two_versions(one: str, other: str) -> None:
    first, second = locked(one), locked(other)
    common = first.keys() & second.keys() - ONLY_ON_DEVICES
    assert {name: first[name] for name in common} == {name: second[name] for name in common}
