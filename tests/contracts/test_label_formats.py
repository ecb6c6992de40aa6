"""Every label format is a whole `LabelFormat`, is in the table, and is told in the help and in the documentation."""

import inspect
import re
from importlib import import_module
from typing import get_type_hints

import pytest
from typer.main import get_command

from cli.main import app
from client.formats import FORMATS
from client.formats.label_format import ASPECTS, LabelFormat
from scripts.draw_commands import commands
from tests.project import ROOT

FOLDER = ROOT / "client" / "formats"
SHARED = {"checks", "files", "label_format", "label_set", "report", "shapes"}  # what the formats share
PARTS = {"brush", "label_studio_min", "label_studio_results", "yolo_lines", "yolo_names"}  # of one format
HOW_TO = ROOT / "docs" / "how-to"
PAGE = (ROOT / "docs" / "reference" / "label-formats.md").read_text()
HINTS = get_type_hints(LabelFormat)
MEMBERS = {*HINTS, *(name for name, _ in inspect.getmembers(LabelFormat, inspect.isfunction) if name[0] != "_")}
COMMANDS = dict(commands(get_command(app), "sightline"))


def table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the page's table below a heading, by the format that they begin with."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in part.splitlines() if row.startswith("| `")]
    return {first.strip("`"): [cell.strip() for cell in rest] for first, *rest in rows}


def test_every_module_of_the_folder_is_a_format_of_the_table_or_shared_by_them() -> None:
    modules = {path.stem for path in FOLDER.glob("[!_]*.py")}
    known = {inspect.getmodulename(inspect.getfile(module)) for module in FORMATS.values()}  # type: ignore[arg-type]
    assert modules - SHARED - PARTS == known, "name them in FORMATS in client/formats/__init__.py"


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_everything_that_a_format_has(name: str) -> None:
    module = FORMATS[name]
    for member in MEMBERS:
        found = getattr(module, member)
        if member in HINTS:
            assert isinstance(found, getattr(HINTS[member], "__origin__", HINTS[member])), member
        else:
            wanted = list(inspect.signature(getattr(LabelFormat, member)).parameters)[1:]
            assert list(inspect.signature(found).parameters) == wanted, member
            assert inspect.getdoc(found), f"{member} says in its docstring which files it takes or makes"


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_called_by_the_name_of_its_module_and_says_known_aspects(name: str) -> None:
    module = FORMATS[name]
    assert import_module(f"client.formats.{name.replace('-', '_')}") is module
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", module.NAME)
    assert set(ASPECTS) >= module.SAYS


@pytest.mark.parametrize("command", ["sightline labels import", "sightline labels export"])
def test_the_help_names_every_format(command: str) -> None:
    told = next(option.help for option in COMMANDS[command].params if "--format" in option.opts)
    assert re.split(r", | or ", told.rstrip(".")) == list(FORMATS)


def test_the_page_of_formats_says_what_each_can_hold() -> None:
    rows = table("What each format can hold")
    assert list(rows) == list(FORMATS)
    for name, module in FORMATS.items():
        assert [cell == "yes" for cell in rows[name][: len(ASPECTS)]] == [a in module.SAYS for a in ASPECTS], name
        endings = module.FILES.replace("*", "").split(", ")
        assert [one for one in endings if one not in rows[name][len(ASPECTS)]] == [], "say which files it has"


def test_the_page_about_importing_names_every_format() -> None:
    assert [name for name in FORMATS if f"`{name}`" not in (HOW_TO / "import-and-export-labels.md").read_text()] == []


def test_the_page_about_adding_a_format_names_everything_that_one_has() -> None:
    page = (HOW_TO / "add-a-label-format.md").read_text()
    told = set(re.findall(r"^ *\| `(\w+)[`(]", page, re.MULTILINE))
    assert told == MEMBERS
