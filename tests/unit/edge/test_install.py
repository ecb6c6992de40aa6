"""The install step on a device: what is missing there is said in one sentence, and nothing half-made stays."""

import errno
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.inspector import environment, install, prerequisites
from edge.inspector.prerequisites import MissingError, check_machine, clock_problem, explain
from tests.project import ROOT
from tests.pythons import python

NEVER = "numpy==2.4.6 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the step with these requirements. Return the exit code and the last line of standard error."""

    def run(requirements: str = NEVER) -> tuple[int, str]:
        file = tmp_path / "requirements.txt"
        file.write_text(requirements)
        monkeypatch.setattr(environment, "requirements", lambda *, video: [file])
        monkeypatch.setattr(sys, "argv", ["inspector.install", "--environment", str(tmp_path / "environment")])
        code = install.main()
        return code, capsys.readouterr().err.strip().splitlines()[-1]

    return run


@pytest.mark.parametrize("version", [(3, 8, 10), (3, 6, 15)])
def test_a_python_that_is_too_old_is_said(step: Any, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    monkeypatch.setattr(install.sys, "version_info", version)
    code, line = step()
    assert code == 1
    assert f"`python3` is Python 3.{version[1]}, and it needs 3.9 to 3.13; install one of them" in line


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("sys.version_info", (3, 14, 0), "`python3` is Python 3.14, and the inspector needs 3.9 to 3.13"),
        ("importlib.util.find_spec", lambda _: None, "install python3-venv: sudo apt-get install python3-venv"),
        ("platform.machine", lambda: "armv7l", "there are no wheels for armv7l; use a device with one of x86_64"),
        ("platform.libc_ver", lambda: ("glibc", "2.27"), "the wheels need glibc 2.28, and this system has glibc 2.27;"),
        ("platform.libc_ver", lambda: ("", ""), "the wheels need glibc 2.28, and this system has another library;"),
        ("shutil.disk_usage", lambda _: SimpleNamespace(free=12_000_000), "has 12 MB left, and 700 MB are needed"),
    ],
)
def test_what_the_machine_lacks_is_said_before_anything_is_made(
    step: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, value: Any, said: str
) -> None:
    module, _, name = place.rpartition(".")
    owner: Any = prerequisites
    for part in module.split("."):
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, value)
    code, line = step()
    assert code == 1
    assert line.startswith("the inspector can't be installed: ")
    assert said in line
    assert not (tmp_path / "environment").exists()


def test_this_machine_has_what_it_needs(tmp_path: Path) -> None:
    check_machine(tmp_path / "environment")


def test_a_wrong_clock_is_the_reason_before_all_others(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites.time, "time", lambda: 86_400.0)
    monkeypatch.setattr(environment, "check_machine", lambda _: (_ for _ in ()).throw(MissingError("certificate")))
    code, line = step()
    assert code == 1
    assert line.endswith(": the clock says 1970-01-02; set it, or turn on NTP: sudo timedatectl set-ntp true")
    assert clock_problem(1_800_000_000.0) == ""


def test_a_wheel_that_is_not_where_pip_looks_is_named(
    step: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the real pip, and an empty folder in place of an index."""
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(tmp_path)), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, value)
    code, line = step()
    assert code == 1
    assert line.startswith("the inspector can't be installed: pip finds no numpy==2.4.6; check the network, or put")
    assert not (tmp_path / "environment" / environment.DONE).exists()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device\n", "the disk is full; make room"),
        ("SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED: not yet valid\n", "check the clock, which says "),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE FILE\n", "a wheel is not the one that was locked"),
        (
            "ERROR: No version (from versions: 1.0, 2.0)\nERROR: No matching distribution found for a==3\n",
            "there is no wheel of a==3 for Python 3.",
        ),
        ("ERROR: something else\n\n", "pip says: ERROR: something else"),
        ("", "pip failed without a word"),
    ],
)
def test_what_pip_says_becomes_one_sentence(said: str, sentence: str) -> None:
    assert sentence in explain(said)
    assert "\n" not in explain(said)


def test_a_disk_that_fills_up_meanwhile_is_said(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(environment.venv, "create", full)
    assert step()[1] == "the inspector can't be installed: the disk is full; make room"


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8"])
def test_an_old_python_gets_the_sentence(version: str, tmp_path: Path) -> None:
    if not python(version):
        pytest.skip(f"this machine has no Python {version}")
    command = [python(version), "-m", "inspector.install", "--environment", str(tmp_path / "environment")]
    done = subprocess.run(command, cwd=ROOT / "edge", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"the inspector can't be installed: `python3` is Python {version}, and it needs 3.9 to 3.13; install one of "
        "them\n"
    )
