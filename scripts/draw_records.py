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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts.generated import ROOT, table, with_block, write_or_check

PAGE = ROOT / "docs" / "reference" / "records.md"
LAYER = ROOT / "layers" / "sightline" / "sightline"
# In the order in which an image meets them.
ROOMS = ["images", "labelling", "datasets", "models", "rollout", "line", "scoring", "vision", "api"]
KINDS: Mapping[str, str] = {"TypedDict": "dictionary", "StrEnum": "one of"}


def comments(source: str) -> dict[int, str]:
    """Return the comment at the end of each line that has one, by the line's number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = source.splitlines()
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT and lines[token.start[0] - 1][: token.start[1]].strip()
    }


def kind(found: ast.ClassDef, known: Mapping[str, str]) -> str | None:
    """Return what sort of record a class is, also one that extends a `known` record; None for any other class."""
    bases = [base.id for base in found.bases if isinstance(base, ast.Name)]
    named = [sort for base in bases if (sort := {**KINDS, **known}.get(base))]
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


def known_records(paths: Sequence[Path]) -> dict[str, str]:
    """Return what sort of record each class is, by its name."""
    known: dict[str, str] = {}
    classes = [found for path in paths for found in ast.parse(path.read_text()).body if isinstance(found, ast.ClassDef)]
    for _ in range(2):  # a module may extend a record of one that is read after it
        known |= {found.name: sort for found in classes if (sort := kind(found, known))}
    return known


def records(path: Path, known: Mapping[str, str]) -> Iterator[str]:
    """Give the section of each record that a module defines."""
    source = path.read_text()
    said = comments(source)
    body = ast.parse(source).body
    for found, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(found, ast.Assign) and (keys := written_as_call(found)):
            name, text = ast.unparse(found.targets[0]), docstring(following)
            head, rows = ("field", "type", "meaning"), [(*entry, "") for entry in keys]
        elif isinstance(found, ast.ClassDef) and not found.name.startswith("_") and (sort := kind(found, known)):
            name, text = found.name, plain(ast.get_docstring(found) or "")
            extended = [f"`{base.id}`" for base in found.bases if isinstance(base, ast.Name) and base.id in known]
            text += f"\n\nIt has the fields of {', '.join(extended)} too." if extended else ""
            head = ("value", "written as", "meaning") if sort == "one of" else ("field", "type", "meaning")
            rows = list(fields(found, said))
        else:
            continue
        parts = [f"### {name}", text, table(head, rows) if rows else ""]
        yield "\n\n".join(part for part in parts if part)


def written_as_call(found: ast.Assign) -> list[tuple[str, str]]:
    """Return names and types of `X = TypedDict("X", {…})`, which keys such as `class` need; none of anything else."""
    call = found.value
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "TypedDict"):
        return []
    shape = call.args[1]
    assert isinstance(shape, ast.Dict)
    pairs = zip(shape.keys, shape.values, strict=True)
    return [(f"`{ast.literal_eval(key)}`", f"`{ast.unparse(value)}`") for key, value in pairs if key is not None]


def plain(text: str) -> str:
    """Return a docstring as Markdown paragraphs, each in one line of at most 110 columns."""
    import textwrap

    return "\n\n".join(textwrap.fill(" ".join(part.split()), 110) for part in text.split("\n\n"))


def page() -> str:
    """Return the generated part: one section for each room that has records, one table for each record."""
    sections = []
    known = known_records([path for room in ROOMS for path in sorted((LAYER / room).glob("*.py"))])
    for room in ROOMS:
        found = [text for path in sorted((LAYER / room).glob("*.py")) for text in records(path, known)]
        if found:
            sections.append("\n\n".join([f"## {room}", *found]))
    return "\n\n".join(sections)


def main(arguments: list[str]) -> int:
    return write_or_check({PAGE: with_block(PAGE.read_text(), "records", page())}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
