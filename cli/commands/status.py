"""What a stack has and does, once or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from cli.screen import JsonOption, as_table, paper, show, target, tell_problems
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from client.devices import DeviceRow
    from client.target import Target
    from sightline.api.shapes import ModelShown
    from sightline.images.image import ImageStatus

PAUSE_SECONDS = 2.0
app = typer.Typer()


class RunningRow(TypedDict):
    """An execution that runs."""

    machine: str
    execution: str
    state: str  # the one that it is in


class Status(TypedDict):
    """What the stack has and does."""

    images: dict[ImageStatus, int]
    running: list[RunningRow]
    models: list[ModelShown]
    devices: list[DeviceRow]
    image_problem: str | None  # why the training image could not be built


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again; Ctrl-C ends it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show images by status, running executions, models, devices, and a training image that could not be built."""
    if watch and as_json:
        raise SightlineError("--watch is for people; leave --json out, or ask again and again")
    found = target()
    if watch:
        return watched(found)
    value = look(found)
    if as_json:
        return show(value, True)
    paper().print(drawn(value))
    return tell_problems(value["devices"])


def look(found: Target) -> Status:
    """Return what the stack has and does now."""
    from client import devices, models, pipeline

    running: list[RunningRow] = [
        {
            "machine": machine,
            "execution": execution["name"],
            "state": pipeline.progress(found, execution["executionArn"]),
        }
        for machine in pipeline.MACHINES
        for execution in pipeline.executions(found, machine)
        if execution["status"] == "RUNNING"
    ]
    return {
        "images": pipeline.ledger(found).counts(),
        "running": running,
        "models": models.listed(found),
        "devices": devices.listed(found),
        "image_problem": pipeline.image_problem(found),
    }


def drawn(value: Status) -> Group:
    """Return it as people read it."""
    parts: list[RenderableType] = [Text.assemble(("Images", "bold"), f"   {_images(value)}")]
    for name, rows, columns in (
        ("Running", value["running"], ["machine", "execution", "state"]),
        ("Models", value["models"], ["version", "state", "map50"]),
        ("Devices", value["devices"], ["thing", "status", "model", "model_state", "healthy"]),
    ):
        parts += [Text(name, "bold"), as_table(rows, columns) if rows else "none"]
    if value["image_problem"]:
        parts.append(Text(value["image_problem"]))
    return Group(*parts)


def _images(value: Status) -> str:
    return ", ".join(f"{number} {status.said}" for status, number in value["images"].items() if number) or "none"


def watched(found: Target) -> None:
    """Draw it anew on a terminal; elsewhere print a line for each change."""
    if sys.stdout.isatty():
        from rich.live import Live

        with Live(drawn(look(found)), console=paper(), auto_refresh=False) as live:
            while True:
                time.sleep(PAUSE_SECONDS)
                live.update(drawn(look(found)), refresh=True)
    for line in changes(found):
        print(f"{datetime.now().astimezone():%H:%M:%S} {line}", flush=True)


def changes(found: Target) -> Iterator[str]:
    """Give what the stack has and does in one line, whenever that is another one, without an end."""
    before = ""
    while True:
        line = in_a_line(look(found))
        if line != before:
            yield line
        before = line
        time.sleep(PAUSE_SECONDS)


def in_a_line(value: Status) -> str:
    running = ", ".join(f"{row['execution']} {row['state']}" for row in value["running"]) or "nothing"
    models = ", ".join(f"{model['version']} {model['state']}" for model in value["models"][:3]) or "none"
    devices = ", ".join(f"{device['thing']} {device['status']}" for device in value["devices"][:5]) or "none"
    return f"images: {_images(value)}; running: {running}; newest models: {models}; devices: {devices}"
