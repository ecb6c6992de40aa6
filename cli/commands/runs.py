"""Runs: trainings and scorings that people start."""

from typing import Annotated

import typer

from cli.screen import console, target

app = typer.Typer(no_args_is_help=True, help="Runs: trainings and scorings that people start.")


@app.command("cancel")
def runs_cancel(
    name: Annotated[str, typer.Argument(help="Name of the run, or its beginning; `sightline status` lists them.")],
) -> None:
    """Stop a training or a scoring. Nothing of it is registered; a training that is started again begins anew."""
    from client import runs

    console.print(f"{runs.cancel(target(), name)} is cancelled.")
