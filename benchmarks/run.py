"""`make bench`: measures Sightline, prints tables, and writes benchmarks/results/<name>.json with the machine
described.

make bench                       everything that takes minutes
make bench ARGS="detector"       one by name; those that train take hours on two cores
make bench ARGS="list"           the names, with what each measures
"""

import importlib
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.common import ROOT, console

MINUTES = (
    "bill", "pipeline", "starts", "latency", "grouping", "gate", "console", "console_page", "edge", "scoring",
    "hostile", "fleet", "volume",
)  # fmt: skip
HOURS = ("detector", "multiclass")
ALL = (*MINUTES, *HOURS)


def about(name: str) -> str:
    """Return the first paragraph of a benchmark's own description, without its command."""
    paragraph = (importlib.import_module(f"benchmarks.{name}").__doc__ or "").partition("\n\n")[0]
    text = re.sub(r"^`python -m [^`]*`: ", "", " ".join(paragraph.split()))
    return text[:1].upper() + text[1:]


def main(names: list[str]) -> int:
    if names == ["list"]:
        for name in ALL:
            console.print(f"{name:12} {about(name)}", highlight=False)
        return 0
    unknown = [name for name in names if name not in ALL]
    if unknown:
        console.print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(ALL)}")
        return 2
    for name in names or MINUTES:
        console.rule(name)
        # Each in a process of its own: what one has loaded does not weigh on the next.
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=Path(ROOT), check=False)
        if done.returncode:
            return done.returncode
    if not names:
        console.print(f"Not run, because they take hours: {', '.join(HOURS)}; `make bench ARGS={HOURS[0]}`.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
