"""The documentation names every command, every parameter, every output, every workflow; and its links lead
somewhere.
"""

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app
from scripts import (
    check_prose,
    check_site,
    draw_commands,
    draw_decisions,
    draw_parameters,
    draw_records,
    draw_workflows,
)
from tests.project import ROOT, imports, template, workflows

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)


COMMANDS = dict(draw_commands.commands(get_command(app), "sightline"))
GENERATORS = {
    "workflows": draw_workflows.main,
    "commands": draw_commands.main,
    "parameters": draw_parameters.main,
    "records": draw_records.main,
}


@pytest.mark.parametrize("page", GENERATORS)
def test_a_generated_page_is_as_the_code_is(page: str) -> None:
    assert GENERATORS[page](["--check"]) == 0, "run `make docs`"


def test_every_command_is_documented() -> None:
    assert [name for name in COMMANDS if name not in TEXT] == [], "run `make docs`"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_what_each_option_means(name: str) -> None:
    assert COMMANDS[name].help, "its docstring is the help text"
    silent = [param.name for param in COMMANDS[name].params if param.name != "help" and not getattr(param, "help", "")]
    assert silent == [], "give them a `help`"


def test_every_module_of_commands_is_part_of_the_command_line() -> None:
    modules = {f"cli.commands.{path.stem}" for path in (ROOT / "cli" / "commands").glob("[!_]*.py")}
    assert modules - imports(ROOT / "cli" / "main.py") == set(), "name them in cli/main.py"


@pytest.mark.parametrize("kind", ["Parameters", "Outputs"])
def test_every_parameter_and_output_is_documented(kind: str) -> None:
    assert [name for name in template()[kind] if f"`{name}`" not in TEXT] == []


def test_documented_defaults_are_those_of_the_template() -> None:
    page = (ROOT / "docs" / "reference" / "parameters.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", page.partition("## Outputs")[0], re.MULTILINE)
    said = {name: default.strip("`") for name, default in rows}
    parameters = template()["Parameters"].items()
    assert said == {name: str(entry.get("Default", "")) or "none" for name, entry in parameters}


def test_every_workflow_is_drawn() -> None:
    assert [
        name for name in workflows() if name not in (ROOT / "docs" / "reference" / "workflows.md").read_text()
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    files = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in files if not (page.parent / link).exists()] == []


def test_every_page_is_in_the_navigation_once() -> None:
    assert check_site.unlinked() == []


def test_every_decision_has_its_parts_and_its_number() -> None:
    assert len(draw_decisions.decisions()) >= 61


def test_lines_and_paragraphs_are_short() -> None:
    assert [f"{path}: {line}" for path in PAGES for line in check_prose.complaints(path.read_text())] == []


def test_every_make_target_that_the_documentation_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", TEXT)) - targets == set()


def test_the_project_names_no_place_of_one_machine() -> None:
    """A path that exists on one machine only helps nobody who reads this."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    own = Path(__file__).relative_to(ROOT).as_posix()
    pattern = re.compile(r"(?<![\w.$}])/(?:work|home|root)/\w")
    found = []
    for name in files:
        path = ROOT / name
        if name == own or not path.is_file() or path.suffix in {".png", ".jpg", ".onnx", ".svg"}:
            continue
        if pattern.search(path.read_text(errors="replace")):
            found.append(name)
    assert found == []
