"""What all commands share: the options before the command, the stack they act on, and how they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sightline.errors import SightlineError

if TYPE_CHECKING:
    from client.devices import DeviceRow
    from client.outcomes import TrainingOutcome
    from client.target import Target

# Without markup: what is printed holds names that other people chose.
# What is long is not wrapped here: a terminal does that, and a pipe must not.
console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)

PIPE_WIDTH = 10_000  # characters

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class Settings:
    """What the options before the command say."""

    profile: str | None = None
    region: str | None = None
    stack: str | None = None
    home = Path(".sightline")


def target() -> Target:
    """Return the stack that the command works on. Raise SightlineError."""
    from client.target import Target

    return Target.find(Settings.profile, Settings.region, Settings.stack, Settings.home)


def local_only(command: str) -> None:
    if Settings.profile or Settings.stack:
        raise SightlineError(f"`sightline {command}` works on this machine only; leave --profile and --stack out")


def is_terminal() -> bool:
    """Return whether a person can answer."""
    return sys.stdin.isatty()


def asked(question: str) -> str:
    """Return what a person answers."""
    with _somebody():
        return str(typer.prompt(question, err=True))


YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def confirmed(question: str, *, yes: bool = False) -> None:
    """Go on only when a person says yes; with `yes` they have said so beforehand."""
    if yes:
        return
    if not is_terminal():
        console.print(f"{question} [y/N]")
        raise SightlineError("nobody is there to answer; `--yes` answers beforehand")
    if not typer.confirm(question, err=True):
        raise typer.Abort


@contextmanager
def _somebody() -> Iterator[None]:
    try:
        yield
    except typer.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        raise SightlineError("nobody is there to answer; `--yes` answers beforehand") from None


def show(value: object, as_json: bool, table: Table | None = None) -> None:
    """Print for a program (JSON on standard output) or for a person."""
    if as_json or table is None:
        print(json.dumps(value, indent=1, default=str))
    else:
        paper().print(table if table.row_count else "none")


def paper() -> Console:
    """Standard output for a person. In a pipe nothing is wrapped: a row stays one line for `grep` and the like."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def as_table(rows: Sequence[Mapping[str, object]], columns: list[str]) -> Table:
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    return table


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value))


def tell_problems(devices: Sequence[DeviceRow], as_json: bool = False) -> None:
    """Name each device that is wrong, silent or not healthy, in red."""
    for device in [] if as_json else devices:
        if device["problem"]:
            paper().print(device["problem"], style="red", markup=False)


def tell_outcome(outcome: TrainingOutcome) -> None:
    """Say in one line how an execution of `train_model` ended."""
    judged = outcome.judgement
    if judged is None:
        console.print(f"Nothing to do: {outcome.reason}.")
    else:
        said = ("Accepted: " if judged.accepted else "Rejected: ") + "; ".join(judged.reasons)
        console.print(said)
