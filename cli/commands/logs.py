"""What functions, workflows and trainings logged."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.screen import target
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from client.trail import Line

HOUR = 60  # minutes
app = typer.Typer()


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="Part of the log's text that must match; default: everything.")] = "",
    minutes: Annotated[int | None, typer.Option(min=1, help="How far back; an hour, or all for a trail.")] = None,
    image: Annotated[str, typer.Option(help="The trail of an image: its name, key or content hash.")] = "",
    id: Annotated[str, typer.Option("--id", help="The trail of a correlation id.")] = "",  # noqa: A002
    training: Annotated[
        str, typer.Option(metavar="NAME", help="The log of a training: part of its name, or `latest`.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with the lines that come.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as they were logged.")] = False,
) -> None:
    """Show what the functions logged, or a training; with --image or --id, the trail with its executions."""
    from client import trail

    if bool(image) + bool(id) + bool(training) > 1:
        raise SightlineError("give one of --image, --id and --training")
    found = target()
    if image or id:
        if follow or as_json:
            raise SightlineError("a trail has no lines to follow or print raw; leave --follow and --json out")
        for step in trail.follow(found, [id] if id else trail.terms_of(found, image), minutes):
            if name in step.what:
                print(step)
        return
    ago = minutes or (0 if training else HOUR)
    since = int((time.time() - ago * 60) * 1000) if ago else 0
    lines = trail.watched if follow else trail.logged
    tell(lines(found, name, since, training), as_json=as_json)


def tell(lines: Iterable[Line], *, as_json: bool) -> None:
    for line in lines:
        print(as_said(line) if as_json else line.step(), flush=True)


def as_said(line: Line) -> str:
    """Return a line as it was logged; one that is no JSON as a text with its time."""
    if line.text.startswith("{"):
        return line.text
    return json.dumps({"timestamp": line.at, "message": line.text})
