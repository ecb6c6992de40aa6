"""Generated parts of documentation pages: text between two markers, written by a script and checked by `make check`.

A page keeps its hand-written text around `<!-- generated: NAME -->` and `<!-- end: NAME -->`.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


class MissingMarkerError(Exception):
    """A page without the markers between which the generated text belongs."""


def with_block(page: str, name: str, text: str) -> str:
    """Return the page with `text` between the markers of `name`. Raise MissingMarkerError where there are none."""
    start, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise MissingMarkerError(f"write the lines {start} and {end} into the page, where the generated text belongs")
    return pattern.sub(lambda _: f"{start}\n\n{text.strip()}\n\n{end}", page)


def table(head: tuple[str, ...], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a `|` in a cell is escaped."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in escaped)])


def write_or_check(files: dict[Path, str], arguments: list[str]) -> int:
    """Write the files, or with `--check` write nothing and return 1 when one differs; return 2 for other arguments."""
    if arguments not in ([], ["--check"]):
        print(f"usage: {Path(sys.argv[0]).name} [--check]", file=sys.stderr)
        return 2
    changed = {path: text for path, text in files.items() if not path.is_file() or path.read_text() != text}
    names = ", ".join(str(path.relative_to(ROOT)) for path in changed)
    if arguments:
        print(f"out of date: {names}; run `make docs`" if changed else f"{len(files)} generated files are up to date")
        return 1 if changed else 0
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"wrote {names}" if changed else f"{len(files)} generated files were up to date")
    return 0
