"""The documentation names every command, every parameter, every output, every workflow; and its links lead
somewhere.
"""

import re
import subprocess
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from typer.main import get_command

from cli.examples import EXAMPLES
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
# Decisions tell what was there when they were made.
PAGES_OF_TODAY = [page for page in PAGES if page.parent.name != "decisions"]
PAGES_OF_TODAY += [ROOT / "CONTRIBUTING.md", ROOT / "infra" / "README.md"]
CODE = {".css", ".js", ".lock", ".py", ".sh", ".svg", ".toml", ".ts", ".yaml", ".yml"}
OTHER_FILES = {
    "config.yaml",  # of the Greengrass nucleus
    "data.yaml",  # of a dataset in YOLO's format
    "events/count_boxes.json",  # the example of docs/how-to/add-a-workflow-step.md
    "functions/count_boxes",
    "functions/count_boxes/app.py",
    "line-3/install.sh",  # of a device's folder
    "tests/unit/functions/test_count_boxes.py",
    "exp.py",
    "tools/export_onnx.py",
    "tools/deployment/export_onnx.py",
}
OTHER_COMMANDS = [["dataset", "count"]]  # the example of docs/how-to/add-a-command.md

COMMANDS = dict(draw_commands.commands(get_command(app), "sightline"))
GROUPS = {name.split()[1] for name in COMMANDS if name.count(" ") == 2}
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


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_calls_it(name: str) -> None:
    told = COMMANDS[name].epilog or ""
    assert told.startswith("Example: sightline "), "give it one in cli/examples.py"
    (words,) = named_commands(f"`{told.removeprefix('Example: ')}`")
    assert " ".join(words).startswith(name.removeprefix("sightline "))
    assert is_a_command(words)


def test_every_example_is_of_a_command() -> None:
    assert {f"sightline {name}" for name in EXAMPLES} == set(COMMANDS)


def test_the_options_before_the_command_are_documented() -> None:
    options = {param.opts[0] for param in get_command(app).params}
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text()
    said = set(re.findall(r"^\| `(--[a-z-]+)", page.partition("## Commands")[0], re.MULTILINE))
    assert said == options | {"--help"}


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


@cache
def paths() -> frozenset[PurePosixPath]:
    """Return the files and folders of the project, without what a run leaves."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return frozenset(path for name in names for path in (PurePosixPath(name), *PurePosixPath(name).parents))


@cache
def ends_of_paths() -> frozenset[str]:
    """Return what may name a file or a folder of the project: its path, and each shorter end of it."""
    return frozenset("/".join(path.parts[first:]) for path in paths() for first in range(len(path.parts)))


def named_files(text: str) -> set[str]:
    """Return the files and folders of the project that a page names in code.

    A word counts when it ends as a file of code does, or begins with a folder of the project.
    """
    block = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
    code = "\n".join([*block.findall(text), *re.findall(r"`([^`]+)`", block.sub("", text))])
    code = re.sub(r"python -m ([\w.]+)", lambda found: module_path(found[1]), code)
    words = set(re.findall(r"(?<![^\s(])(?:\./)?([\w.-]+(?:/[\w.-]+)*)/?(?![^\s,;:)])", code))
    folders = {f"{path}/" for path in paths() if len(path.parts) == 1}
    return {word for word in words if Path(word).suffix in CODE or word.startswith(tuple(folders))}


def module_path(name: str) -> str:
    """Return the path of a module or a package of the project, and the name of any other one as it is."""
    path = name.replace(".", "/")
    if PurePosixPath(path.partition("/")[0]) not in paths():
        return name
    return path if PurePosixPath(path) in paths() else f"{path}.py"


@pytest.mark.parametrize("page", PAGES_OF_TODAY, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    missing = named_files(page.read_text()) - OTHER_FILES - ends_of_paths()
    assert missing == set(), "correct the name; OTHER_FILES is for files that are not the project's"


def test_files_are_found_in_code_and_in_commands_and_a_wrong_name_is_found() -> None:
    commands = "pytest tests/none\npython -m scripts.lock\npython -m pip\n"
    page = f"`tasks.js`, `models/gate.py` and `my.json`\n\n```\n{commands}```\n"
    assert named_files(page) == {"tasks.js", "models/gate.py", "tests/none", "scripts/lock.py"}
    assert named_files(page) - ends_of_paths() == {"tasks.js", "tests/none"}
    assert {"gate.py", "infra", "e2e/modules", "ate.py", "models/gate"} & ends_of_paths() == {
        "gate.py", "infra", "e2e/modules",
    }  # fmt: skip


def named_commands(text: str) -> list[list[str]]:
    """Return the words of each `sightline …` in the code of a page, without the options before the command."""
    found = re.findall(r"(?:^ *|`|&& |\w=\S+ )sightline ([a-z-][^`\n#|]*)", text, re.MULTILINE)
    lines = [re.sub(r"--(?:stack|profile|region|home) \S+", "", line).split() for line in found]
    return [words for words in lines if words]


@pytest.mark.parametrize("page", PAGES_OF_TODAY, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    assert [" ".join(words) for words in named_commands(page.read_text()) if not is_a_command(words)] == []


def is_a_command(words: list[str]) -> bool:
    """Say whether a command has this name and these options. A group may stand alone, or before `…` or `--help`."""
    options = {word for word in words if word.startswith("--")} - {"--help"}
    names = [" ".join(["sightline", *words[:length]]) for length in (2, 1)]
    command = next((COMMANDS[name] for name in names if name in COMMANDS), None)
    if command is None:
        of_group = words[0] in GROUPS and not any(word.isalpha() for word in words[1:2])
        return words in OTHER_COMMANDS or words[0] in ("--help", "--version") or (of_group and not options)
    return options <= {option for param in command.params for option in param.opts}


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("sightline models list", True),
        ("sightline --stack dev device show line-3 --json", True),
        ("sightline device …", True),
        ("sightline device shows line-3", False),
        ("sightline status --jsonl", False),
        ("sightline statuses", False),
    ],
)
def test_a_command_and_its_options_are_found_in_a_line(line: str, right: bool) -> None:
    assert [is_a_command(words) for words in named_commands(f"`{line}`")] == [right]


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
