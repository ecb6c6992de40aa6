"""Write docs/reference/benchmarks.md from benchmarks/results/: what was measured last, on which machine.

`python -m benchmarks.page` writes it (`make docs` does, too); with `--check` it writes nothing and ends with 1 if it is
out of date.
"""

import importlib
import io
import json
import sys
import textwrap
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.common import RESULTS, ROOT
from benchmarks.run import ALL, about

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
HEAD = """# Benchmarks

This page shows what was measured last. `make docs` makes it from `benchmarks/results/`, and `make check` fails when it
is out of date.

`make bench` measures what takes minutes, `make bench ARGS="detector"` measures one benchmark, and
`make bench ARGS="list"` lists all. Times are medians (p95: the 95th percentile) of the given number of runs.

The devices, AWS and the gate's test sets are simulated. Sightline's own code is the one that ships.
"""
WIDE = 1_000  # characters: nothing is wrapped


def module(name: str) -> Any:
    """The benchmark's module that has `shown`; a package has it in `__main__`."""
    found = importlib.import_module(f"benchmarks.{name}")
    return importlib.import_module(f"benchmarks.{name}.__main__") if hasattr(found, "__path__") else found


def markdown(part: Table | str) -> str:
    """A sentence, or a table in Markdown."""
    if isinstance(part, str):
        return textwrap.fill(part, 118, break_long_words=False, break_on_hyphens=False) + "\n"
    part.box = box.MARKDOWN
    file = io.StringIO()
    Console(file=file, width=WIDE, color_system=None).print(part, highlight=False)
    lines = (" ".join(line.split()) for line in file.getvalue().strip().splitlines())
    return "\n".join(lines) + "\n"


def section(name: str) -> str:
    """One benchmark's newest result."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return f"## {name}\n\n{markdown(about(name))}\nNot measured yet.\n"
    result = json.loads(path.read_text())
    machine = result["machine"]
    where = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']:.0f} GiB, Python {machine['python']}"
    parts = "\n".join(markdown(part) for part in module(name).shown(result))
    return f"## {name}\n\n{markdown(about(name))}\n{parts}\n{result['at'][:10]}, {where}.\n"


def main() -> int:
    text = "\n".join([HEAD, *(section(name) for name in ALL)])
    if sys.argv[1:] == ["--check"]:
        if not PAGE.is_file() or PAGE.read_text() != text:
            print(f"{PAGE.relative_to(ROOT)} is out of date; `make docs` makes it anew", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
