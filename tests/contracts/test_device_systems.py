"""Every package that the inspector needs on a device has a wheel there: for its Python, its processor and its C
library.

`edge/wheels.json` has the wheels' names by their hashes; `make lock` writes it with the locks.
"""

import json
import re

import pytest
from packaging.markers import Marker
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from edge.inspector.prerequisites import GLIBC, MACHINES
from tests.project import ROOT

# Python and glibc. Sources: packages.debian.org, packages.ubuntu.com, the release notes of Amazon Linux 2023 and of
# JetPack 6, which is Ubuntu 22.04.
SYSTEMS = {
    "Debian 12": ("3.11", (2, 36), MACHINES),
    "Debian 13": ("3.13", (2, 41), MACHINES),
    "Ubuntu 22.04": ("3.10", (2, 35), MACHINES),
    "Ubuntu 24.04": ("3.12", (2, 39), MACHINES),
    "Amazon Linux 2023": ("3.9", (2, 34), MACHINES),
    "JetPack 6": ("3.10", (2, 35), ("aarch64",)),
}
CASES = [(name, machine) for name, (_, _, machines) in SYSTEMS.items() for machine in machines]
WHEELS: dict[str, str] = json.loads((ROOT / "edge" / "wheels.json").read_text())
LOCKS = ("edge/requirements.txt", "edge/requirements-video.txt")


def entries() -> list[tuple[str, str, set[str]]]:
    """Return package with version, marker and hashes of each entry of the devices' locks."""
    found = []
    for file in LOCKS:
        text = re.sub(r"^#.*\n", "", (ROOT / file).read_text(), flags=re.MULTILINE)
        for entry in re.split(r"\n(?=\S)", text.rstrip("\n")):
            name, _, marker = entry.splitlines()[0].removesuffix(" \\").partition(" ; ")
            found.append((name, marker, set(re.findall(r"sha256:([0-9a-f]{64})", entry))))
    return found


def needed(system: str, machine: str) -> dict[str, set[str]]:
    """Return what this system installs: package with version to hashes."""
    python = SYSTEMS[system][0]
    here = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return {name: hashes for name, marker, hashes in entries() if not marker or Marker(marker).evaluate(here)}


def runs_on(tag: Tag, system: str, machine: str) -> bool:
    """Say whether a wheel with this tag is for the system's CPython, processor and C library."""
    python, glibc, _ = SYSTEMS[system]
    major, minor = (int(part) for part in python.split("."))
    of_python = re.fullmatch(r"(?:cp|py)3(\d*)", tag.interpreter)
    if not of_python:
        return False
    version = int(of_python[1] or 0)
    fits = {
        f"cp{major}{minor}": version == minor,
        "abi3": version <= minor,
        "none": version <= minor if tag.interpreter.startswith("py") else version == minor,
    }.get(tag.abi, False)
    if tag.platform == "any":
        return fits
    legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    library = re.fullmatch(r"(?:manylinux_(\d+)_(\d+)|(manylinux\d+))_(\w+)", tag.platform)
    if not library or library[4] != machine:
        return False
    wants = legacy[library[3]] if library[3] else (int(library[1]), int(library[2]))
    return fits and wants <= glibc


@pytest.mark.parametrize(("system", "machine"), CASES)
def test_every_package_has_a_wheel_for_the_system(system: str, machine: str) -> None:
    packages = needed(system, machine)
    assert {name.split("==")[0] for name in packages} >= {
        "awscrt",
        "awsiotsdk",
        "numpy",
        "onnxruntime",
        "opencv-python-headless",
        "pillow",
    }
    names = [name.split("==")[0] for name in packages]
    assert len(names) == len(set(names)), "one version of each"
    without = {
        name
        for name, hashes in packages.items()
        if not any(
            runs_on(tag, system, machine)
            for digest in hashes & WHEELS.keys()
            for tag in parse_wheel_filename(WHEELS[digest])[3]
        )
    }
    assert without == set()


def test_the_table_has_the_wheels_of_the_locks_and_no_others() -> None:
    """After a change of versions, `make lock` writes it anew."""
    hashes = set().union(*(found for _, _, found in entries()))
    assert set(WHEELS) - hashes == set()
    named = {re.sub(r"[-_.]+", "-", name.split("-")[0]).lower() for name in WHEELS.values()}
    assert named == {name.split("==")[0] for name, _, _ in entries()}


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("a-1-cp39-cp39-manylinux_2_28_x86_64.whl", True),
        ("a-1-cp39-cp39-manylinux_2_35_x86_64.whl", False),
        ("a-1-cp39-cp39-manylinux_2_28_aarch64.whl", False),
        ("a-1-cp310-cp310-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp37-abi3-manylinux2014_x86_64.whl", True),
        ("a-1-cp311-abi3-manylinux2014_x86_64.whl", False),
        ("a-1-cp39-cp39-musllinux_1_2_x86_64.whl", False),
        ("a-1-py3-none-any.whl", True),
        ("a-1-pp39-pypy39_pp73-manylinux2014_x86_64.whl", False),
    ],
)
def test_a_wheel_of_another_python_processor_or_library_does_not_count(wheel: str, fits: bool) -> None:
    assert any(runs_on(tag, "Amazon Linux 2023", "x86_64") for tag in parse_wheel_filename(wheel)[3]) is fits


def test_the_install_step_asks_for_no_newer_library_than_the_oldest_system_has() -> None:
    assert min(glibc for _, glibc, _ in SYSTEMS.values()) >= GLIBC
