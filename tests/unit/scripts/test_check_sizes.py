"""What is too long to be read at one sitting is named."""

from pathlib import Path

import pytest

from scripts import check_sizes


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "cli").mkdir()
    monkeypatch.setattr(check_sizes, "ROOT", tmp_path)
    return tmp_path


def test_long_files_and_functions_are_over_and_the_limits_are_not(tree: Path) -> None:
    file = tree / "cli" / "long.py"
    file.write_text("def f():\n" + "    a = 1\n" * 59 + "\n" * 340)
    assert check_sizes.over(file) == {}
    file.write_text("def f():\n" + "    a = 1\n" * 60 + "\n" * 340)
    assert list(check_sizes.over(file)) == ["cli/long.py", "cli/long.py:f"]


def test_a_wide_line_is_named_outside_python(tree: Path) -> None:
    (tree / "Makefile").write_text("x" * 120 + "\n" + "y" * 121 + "\n")
    assert check_sizes.over(tree / "Makefile") == {"Makefile (columns)": "lines over 120 columns: 2"}


def test_an_exemption_that_nothing_needs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_sizes, "STILL_OVER", {"cli/gone.py"})
    monkeypatch.setattr(check_sizes, "files", list)
    with pytest.raises(SystemExit, match=r"cli/gone\.py: not over any more"):
        check_sizes.main()
