"""docs/reference/aws-facts.md: every fact has a source, and a test that exists or a command that settles it."""

import re

from tests.project import ROOT

PAGE = ROOT / "docs" / "reference" / "aws-facts.md"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
ACCOUNT = "## Only an account can say"


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the page's tables, without their heads."""
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return [cells for cells in found if cells[0].isdigit()]


HELD, ASKED = (rows(part) for part in PAGE.read_text().split(ACCOUNT))


def test_facts_are_numbered_and_whole() -> None:
    assert [int(cells[0]) for cells in HELD] == list(range(1, len(HELD) + 1))
    assert [cells[0] for cells in HELD + ASKED if len(cells) != 4 or not all(cells)] == []


def test_every_fact_names_tests_that_exist() -> None:
    assert [cells[0] for cells in HELD if not NAMED.search(cells[3])] == [], "name the test that holds it"
    named = {found for cells in HELD for found in NAMED.findall(cells[3])}
    files = {file: (ROOT / "tests" / file).read_text() for file, _ in named}
    assert sorted((file, test) for file, test in named if f"def {test}(" not in files[file]) == []


def test_every_open_question_has_the_command_that_settles_it() -> None:
    """It belongs to a fact, whose number it has."""
    assert {cells[0] for cells in ASKED} <= {cells[0] for cells in HELD}
    assert [cells[0] for cells in ASKED if not re.fullmatch(r"`(?:aws|sam|sightline) .+`", cells[3])] == []


def test_every_test_of_this_folder_holds_a_fact() -> None:
    own = {path.name for path in (ROOT / "tests" / "contracts" / "aws").glob("test_*.py")} - {"test_facts.py"}
    assert own - {file.rsplit("/", 1)[-1] for cells in HELD for file, _ in NAMED.findall(cells[3])} == set()
