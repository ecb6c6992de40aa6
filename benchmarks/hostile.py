"""`python -m benchmarks.hostile [--code FOLDER]`: what hostile images cost the decoder, in time and memory.

Each file is decoded in a process of its own, as a function or device would. `--code` names the folder of another
version of the package `sightline`, such as `layers/sightline` of an older checkout; its numbers are printed, not kept.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from rich.table import Table

from benchmarks.common import ROOT, console, finish, table
from tests.hostile import cases
from tests.hostile.case import Case

GIVEN_UP = 30.0  # seconds
LOOK = 0.005  # seconds between two looks at the memory
DECODE = """
import json, resource, sys, time
from sightline.vision import decode as module
body = open(sys.argv[1], "rb").read()
def used():
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in times)
start, before, said = time.perf_counter(), used(), ""
try:
    module.decode(body)
except module.UndecodableImageError as error:
    said = str(error)
wall = time.perf_counter() - start
worker = getattr(module, "worker", None)
if worker is not None:
    worker.close()
print(json.dumps({"wall": wall, "processor": used() - before, "said": said}))
"""


@dataclass(frozen=True)
class Cost:
    """What one file cost. `said` is the refusal, "" for a file that was decoded, None where the decoder broke down."""

    seconds: float
    processor_seconds: float
    memory: int  # bytes of the processes together, at most
    said: str | None


class Family(TypedDict):
    """The files of one family."""

    files: int
    refused: int
    decoded: int
    broke_down: int  # or were given up after 30 seconds
    worst_s: float  # of any clock
    worst_processor_s: float
    worst_mib: int


class Hostile(TypedDict):
    """benchmarks/results/hostile.json."""

    families: dict[str, Family]


def measure(body: bytes, code: Path) -> Cost:
    """Decode one file with the package in `code`."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        environment = os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen(
            [sys.executable, "-c", DECODE, file.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        peaks: dict[int, int] = {}
        end = time.monotonic() + GIVEN_UP
        while process.poll() is None:
            for pid in tree(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), peak(pid))
            if time.monotonic() > end:
                process.kill()
            time.sleep(LOOK)
        answer = process.communicate()[0]
    memory = sum(peaks.values())
    if process.returncode or not answer:
        return Cost(GIVEN_UP, GIVEN_UP, memory, None)
    said = json.loads(answer)
    return Cost(said["wall"], said["processor"], memory, said["said"])


def tree(pid: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *map(int, children)]


def peak(pid: int) -> int:
    """Return the most memory that a process had, in bytes; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def by_family(measured: Iterable[tuple[Case, Cost]]) -> dict[str, Family]:
    found: dict[str, list[Cost]] = {}
    for case, cost in measured:
        found.setdefault(case.family, []).append(cost)
    return {
        name: {
            "files": len(costs),
            "refused": sum(bool(cost.said) for cost in costs),
            "decoded": sum(cost.said == "" for cost in costs),
            "broke_down": sum(cost.said is None for cost in costs),
            "worst_s": round(max(cost.seconds for cost in costs), 2),
            "worst_processor_s": round(max(cost.processor_seconds for cost in costs), 2),
            "worst_mib": max(cost.memory for cost in costs) >> 20,
        }
        for name, costs in found.items()
    }


def shown(result: Hostile) -> list[Table | str]:
    shown = table("family", "files", "refused", "decoded", "worst time, s", "of the processor, s", "worst memory, MiB")
    for name, family in result["families"].items():
        shown.add_row(
            name,
            *(str(family[field]) for field in ("files", "refused", "decoded")),
            f"{family['worst_s']:g}",
            f"{family['worst_processor_s']:g}",
            str(family["worst_mib"]),
        )
    families = result["families"].values()
    broke, files = sum(family["broke_down"] for family in families), sum(family["files"] for family in families)
    return [shown, f"{files} files; the decoder broke down at {broke}, or was given up after 30 seconds."]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--code", type=Path, help="folder with another version of the package sightline")
    options.add_argument("--each", action="store_true", help="print each file")
    given = options.parse_args()
    measured = []
    for case in cases():
        cost = measure(case.make(), given.code or ROOT / "layers" / "sightline")
        measured.append((case, cost))
        if given.each:
            numbers = f"{cost.seconds:6.2f} s {cost.processor_seconds:6.2f} s {cost.memory >> 20:5} MiB"
            console.print(f"{case!s:60} {numbers} {cost.said}", highlight=False, markup=False, soft_wrap=True)
    result: Hostile = {"families": by_family(measured)}
    if given.code:
        for part in shown(result):
            console.print(part)
    else:
        finish("hostile", result, shown)


if __name__ == "__main__":
    main()
