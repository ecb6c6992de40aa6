"""State in CONTRIBUTING.md what the tests cover: `make coverage` measures and calls this; `--check` compares.

The check needs no measurement: it fails when the stated number is below the threshold of pyproject.toml, or so far
above that the threshold holds nothing any more.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
LINE = re.compile(r"Coverage of lines and branches by `make test`: [^\n]*\n")
DOMAIN = "layers/sightline/sightline/"
SLACK = 3.0  # percent points between threshold and measurement


def share(summaries: list[dict[str, int]]) -> float:
    """Return the covered percentage of lines and branches."""
    whole = sum(one["num_statements"] + one["num_branches"] for one in summaries)
    covered = sum(one["covered_lines"] + one["covered_branches"] for one in summaries)
    return 100 * covered / max(whole, 1)


def line(measured: Path) -> str:
    files = json.loads(measured.read_text())["files"]
    everything = share([file["summary"] for file in files.values()])
    domain = share([file["summary"] for name, file in files.items() if name.startswith(DOMAIN)])
    return f"Coverage of lines and branches by `make test`: {everything:.1f} %, of `{DOMAIN}` {domain:.1f} %.\n"


def wrong(page: str, threshold: float) -> str | None:
    """Return what is wrong with the stated number, if anything."""
    stated = re.search(r"Coverage of lines and branches by `make test`: ([\d.]+) %", page)
    if not stated:
        return "CONTRIBUTING.md states no coverage; run `make coverage`"
    number = float(stated[1])
    if not threshold <= number <= threshold + SLACK:
        return (
            f"CONTRIBUTING.md states {number} % coverage, `fail_under` in pyproject.toml is {threshold}: "
            f"keep it at most {SLACK} points below, and run `make coverage`"
        )
    return None


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
        problem = wrong(PAGE.read_text(), settings["tool"]["coverage"]["report"]["fail_under"])
        if problem:
            sys.exit(problem)
        return
    stated = line(Path(sys.argv[1]))
    page = PAGE.read_text()
    PAGE.write_text(LINE.sub(lambda _: stated, page) if LINE.search(page) else f"{page}\n{stated}")
    print(stated, end="")


if __name__ == "__main__":
    main()
