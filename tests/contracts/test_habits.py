"""What a newcomer is told, what hooks and CI run, and what is checked, are the same."""

import re
import subprocess
import tomllib

import yaml

from tests.project import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


def test_make_help_names_every_target_with_its_time() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    told = dict(re.findall(r"^  make (\w+) +(.*)$", said, re.MULTILINE))
    assert targets
    assert set(told) == set(targets[1].split())
    timeless = [name for name, text in told.items() if name != "help" and not re.search(r"minute|second|hour", text)]
    assert timeless == []


def test_hooks_run_only_what_make_check_runs() -> None:
    checks = (ROOT / "scripts" / "check.sh").read_text()
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    for hook in hooks:
        tool = re.findall(r"scripts/\w+\.\w+|ruff \w+|mypy", hook["entry"])
        assert tool, hook["id"]
        assert tool[0] in checks, hook["id"]


def test_actions_are_pinned_by_commit_and_rights_are_few() -> None:
    for file in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        text = file.read_text()
        used = [one for one in re.findall(r"uses: (.*)", text) if not one.startswith("./")]  # of the same commit
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used), file.name
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}, file.name


def test_the_changelog_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(
        r"^## \[(.*?)\](?: - (\d{4}-\d{2}-\d{2}))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert headings[0] == ("Unreleased", "")
    assert version in {name for name, date in headings if date}
    dates = [date for _, date in headings[1:]]
    assert all(dates)
    assert dates == sorted(dates, reverse=True)
