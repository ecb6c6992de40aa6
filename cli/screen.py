"""What all commands share: the options before the command, the stack they act on, and how they print."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from sightline.errors import SightlineError

# Without markup: what is printed holds names that other people chose.
console = Console(stderr=True, markup=False, highlight=False)

PIPE_WIDTH = 10_000  # characters

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class Settings:
    """What the options before the command say."""

    profile: str | None = None
    region: str | None = None
    stack: str | None = None
    home = Path(".sightline")


def target() -> Any:
    from client.target import Target

    return Target.find(Settings.profile, Settings.region, Settings.stack, Settings.home)


def local_only(command: str) -> None:
    if Settings.profile or Settings.stack:
        raise SightlineError(f"`sightline {command}` works on this machine only; leave --profile and --stack out")


def show(value: Any, as_json: bool, table: Table | None = None) -> None:
    """Print for a program (JSON on standard output) or for a person."""
    if as_json or table is None:
        print(json.dumps(value, indent=1, default=str))
    else:
        paper().print(table if table.row_count else "none")


def paper() -> Console:
    """Standard output for a person. In a pipe nothing is wrapped: a row stays one line for `grep` and the like."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def as_table(rows: Sequence[Mapping[str, Any]], columns: list[str]) -> Table:
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value))


@contextmanager
def progress(text: str, total: int | None) -> Iterator[Any]:
    """A progress bar on standard error; the value is called with the number done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield (
            lambda done=None, **fields: (
                bar.update(task, completed=done, **fields) if done is not None else bar.advance(task)
            )
        )


def tell_verdict(output: dict[str, Any]) -> None:
    """How an execution of `train_model` ended, in one line."""
    if not output["plan"]["changed"]:
        console.print(f"Nothing to do: {output['plan']['reason']}.", soft_wrap=True)
    else:
        verdict = output["judgement"]
        said = ("Accepted: " if verdict["accepted"] else "Rejected: ") + "; ".join(verdict["reasons"])
        console.print(said, soft_wrap=True)
