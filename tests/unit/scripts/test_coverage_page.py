"""The stated coverage is held against the threshold, from both sides."""

import json
from pathlib import Path

import pytest

from scripts.coverage_page import line, wrong


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("", "states no coverage"),
        ("Coverage of lines and branches by `make test`: 84.9 %, of …", "keep it at most 3.0 points below"),
        ("Coverage of lines and branches by `make test`: 88.1 %, of …", "keep it at most 3.0 points below"),
    ],
)
def test_a_number_that_the_threshold_does_not_hold_is_refused(page: str, said: str) -> None:
    assert said in str(wrong(page, 85))


@pytest.mark.parametrize("number", ["85.0", "88.0"])
def test_a_number_just_above_the_threshold_stands(number: str) -> None:
    assert wrong(f"Coverage of lines and branches by `make test`: {number} %, of …", 85) is None


def test_lines_and_branches_count_alike(tmp_path: Path) -> None:
    summary = {"num_statements": 6, "covered_lines": 6, "num_branches": 4, "covered_branches": 2}
    poor = {"num_statements": 10, "covered_lines": 2, "num_branches": 0, "covered_branches": 0}
    measured = {"files": {"layers/sightline/sightline/a.py": {"summary": summary}, "cli/b.py": {"summary": poor}}}
    (tmp_path / "coverage.json").write_text(json.dumps(measured))
    said = "Coverage of lines and branches by `make test`: 50.0 %, of `layers/sightline/sightline/` 80.0 %.\n"
    assert line(tmp_path / "coverage.json") == said
