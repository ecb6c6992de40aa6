"""What every benchmark shares: the machine described, numbers summed up, results written."""

import json
import os
import platform
import statistics
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TAGS = ROOT.parent / "shared" / "data" / "tags"  # photos with boxes, where they are at hand
console = Console()
Result = TypeVar("Result", bound=Mapping[str, object])  # each benchmark has a record of its own


class Machine(TypedDict):
    """What the numbers were measured on."""

    cpu: str
    cores: int | None
    memory_gib: float
    system: str
    python: str


class Summary(TypedDict):
    """Several runs of the same, in the unit that the field's name ends with."""

    median: float
    p95: float
    runs: int


def machine() -> Machine:
    """What the numbers were measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold")


def summary(values: list[float]) -> Summary:
    return {
        "median": round(statistics.median(values), 2),
        "p95": round(float(np.percentile(values, 95)), 2),
        "runs": len(values),
    }


def cells(times: Summary, form: str = "g") -> tuple[str, str, str]:
    """Return median, 95th percentile and number of runs as a row of a table has them."""
    return f"{times['median']:{form}}", f"{times['p95']:{form}}", f"{times['runs']:{form}}"


def finish(name: str, result: Result, shown: Callable[[Result], list[Table | str]]) -> None:
    """Write `result` to benchmarks/results/<name>.json, with the machine and the time, and print what `shown` makes of
    it: tables and sentences, as docs/reference/benchmarks.md has them.
    """
    whole: dict[str, object] = {"machine": machine(), "at": datetime.now(UTC).isoformat(timespec="seconds"), **result}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    for part in shown(result):
        console.print(part, highlight=False, soft_wrap=isinstance(part, str))
