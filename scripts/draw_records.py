"""Write docs/reference/records.md: every record, state and decision, from the classes that define them (`--check`).

A record is a public dataclass, TypedDict or StrEnum of the shared layer. Its meaning is the class's docstring. The
meaning of a field is a comment at the end of its line, or, where that is too long, a docstring below the field:

    latency_ms: float  # 95th percentile, milliseconds

    scores: tuple[float, ...]
    '''One for each detection, 0 to 1, the surest first.'''
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from scripts.generated import ROOT, table, with_block, write_or_check

PAGE = ROOT / "docs" / "reference" / "records.md"
LAYER = ROOT / "layers" / "sightline" / "sightline"
# In the order in which an image meets them.
ROOMS = ["images", "labelling", "datasets", "models", "rollout", "line", "scoring", "vision", "api"]
KINDS = {"TypedDict": "dictionary", "StrEnum": "one of"}


def comments(source: str) -> dict[int, str]:
    """Return the comment at the end of each line that has one, by the line's number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = source.splitlines()
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT and lines[token.start[0] - 1][: token.start[1]].strip()
    }


def kind(found: ast.ClassDef) -> str | None:
    """Return what sort of record a class is; None for any other class."""
    bases = {base.id for base in found.bases if isinstance(base, ast.Name)}
    named = [name for base, name in KINDS.items() if base in bases]
    if named:
        return named[0]
    decorators = [entry.func if isinstance(entry, ast.Call) else entry for entry in found.decorator_list]
    is_dataclass = any(isinstance(entry, ast.Name) and entry.id == "dataclass" for entry in decorators)
    return "record" if is_dataclass else None


def fields(found: ast.ClassDef, said: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    """Give name, type (or value) and meaning of each field or member."""
    for entry, following in zip(found.body, [*found.body[1:], None], strict=True):
        if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name):
            name, shape = entry.target.id, ast.unparse(entry.annotation)
        elif isinstance(entry, ast.Assign) and isinstance(entry.targets[0], ast.Name):
            name, shape = entry.targets[0].id, ast.unparse(entry.value)
        else:
            continue
        if name.startswith("_"):
            continue
        below = docstring(following)
        meaning = below or said.get(entry.end_lineno or entry.lineno, "")
        yield f"`{name}`", f"`{shape}`", meaning.removeprefix("noqa").strip()


def docstring(node: ast.stmt | None) -> str:
    """Return the text of a docstring below a field, in one line."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return " ".join(node.value.value.split())
    return ""


def records(path: Path) -> Iterator[str]:
    """Give the section of each record that a module defines."""
    source = path.read_text()
    said = comments(source)
    for found in ast.parse(source).body:
        if not isinstance(found, ast.ClassDef) or found.name.startswith("_") or not (sort := kind(found)):
            continue
        text = plain(ast.get_docstring(found) or "")
        head = ("value", "written as", "meaning") if sort == "one of" else ("field", "type", "meaning")
        rows = list(fields(found, said))
        parts = [f"### {found.name}", text, table(head, rows) if rows else ""]
        yield "\n\n".join(part for part in parts if part)


def plain(text: str) -> str:
    """Return a docstring as Markdown paragraphs, each in one line of at most 110 columns."""
    import textwrap

    return "\n\n".join(textwrap.fill(" ".join(part.split()), 110) for part in text.split("\n\n"))


def page() -> str:
    """Return the generated part: one section for each room that has records, one table for each record."""
    sections = []
    for room in ROOMS:
        found = [text for path in sorted((LAYER / room).glob("*.py")) for text in records(path)]
        if found:
            sections.append("\n\n".join([f"## {room}", *found]))
    return "\n\n".join(sections)


def main(arguments: list[str]) -> int:
    return write_or_check({PAGE: with_block(PAGE.read_text(), "records", page())}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
