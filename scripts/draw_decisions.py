"""Write the list of decisions, docs/decisions/index.md, and their part of the navigation in mkdocs.yml.

Both come from the records in docs/decisions/. `--check` writes nothing and ends with 1 where one is out of date.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.generated import ROOT, table, write_or_check

FOLDER = ROOT / "docs" / "decisions"
SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"]
HEAD = """# Decisions

Each decision is a record: its context, what was decided, the alternatives, and the consequences. To change one, write
a new record that says which one it replaces, and change the status of the old one.

"""


class InvalidDecisionError(Exception):
    """A record that lacks a part."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The head of one record. `date` is ISO 8601."""

    file: str
    title: str
    status: str
    date: str

    @classmethod
    def read(cls, path: Path) -> "Decision":
        """Raise InvalidDecisionError naming the part that a record lacks."""
        text = path.read_text()
        head = re.match(r"# (\d{4}): (.+)\n\n- Status: (.+)\n- Date: (\d{4}-\d{2}-\d{2})\n", text)
        if head is None or not path.name.startswith(f"{head[1]}-"):
            raise InvalidDecisionError(f"{path.name} must begin with its number and title, status and date")
        sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
        if sections != SECTIONS:
            raise InvalidDecisionError(f"{path.name} must have the sections {', '.join(SECTIONS)}, not {sections}")
        return cls(path.name, f"{head[1]}: {head[2]}", head[3], head[4])


def decisions() -> list[Decision]:
    """Return all records in the order of their numbers, which have no gaps."""
    found = [Decision.read(path) for path in sorted(FOLDER.glob("[0-9]*.md"))]
    for number, decision in enumerate(found, start=1):
        if not decision.title.startswith(f"{number:04}:"):
            raise InvalidDecisionError(f"{decision.file} should have the number {number:04}")
    return found


def navigation(found: list[Decision]) -> str:
    """Return mkdocs.yml with the records in its last part."""
    text = (ROOT / "mkdocs.yml").read_text()
    kept = text[: text.index("  - Decisions:")]
    lines = [f"      - {json.dumps(decision.title)}: decisions/{decision.file}" for decision in found]
    return "\n".join([f"{kept}  - Decisions:", "      - decisions/index.md", *lines, ""])


def main() -> int:
    found = decisions()
    rows = [(f"[{decision.title}]({decision.file})", decision.status, decision.date) for decision in found]
    files = {
        FOLDER / "index.md": HEAD + table(("decision", "status", "date"), rows) + "\n",
        ROOT / "mkdocs.yml": navigation(found),
    }
    return write_or_check(files, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
