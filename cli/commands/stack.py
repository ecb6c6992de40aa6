"""The local stack, what it or the one on AWS is doing, and the whole loop as a demo."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from cli.progress import waiting
from cli.screen import (
    JsonOption,
    Settings,
    YesOption,
    as_table,
    confirmed,
    console,
    local_only,
    paper,
    show,
    target,
    tell_problems,
)
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from client.devices import DeviceRow
    from sightline.api.shapes import ModelShown
    from sightline.images.image import ImageStatus

HOUR = 60  # minutes
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
def up(
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Parameter of the template, kept for the next starts; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start the local stack: the emulator, with the application built and deployed to it, and a user for its page."""
    local_only("up")
    from client import parameters, users
    from local import application, stack
    from local.account import KEYS_FILE, PROFILE

    given, before = parameters.pairs(parameter or [], "--parameter"), parameters.kept(Settings.home)
    chosen = parameters.choose(given, before, application.parameters({}))
    if given and stack.is_running(Settings.home):
        parameters.check_classes(target(), chosen)
    started = time.monotonic()
    with waiting("starting") as say:
        running = stack.up(say, chosen, root=Settings.home)
        parameters.keep(Settings.home, chosen)  # only what it could be started with
        user, new = users.local_user(target(), Settings.home)
    if running.resumed:
        console.print(
            "The stack that ran here was killed. All that it had acknowledged is back. Workflows and jobs that ran "
            "have failed, and what they held is given back."
        )
    if running.lost:
        console.print(
            "The stack that ran here was killed. Its images, labels, models and users are gone; upload the photos again"
        )
    console.print(f"The stack runs at {running.endpoint} ({time.monotonic() - started:.0f} s).")
    console.print(f"The page is {target().api_url}/")
    where = f"with the password {user['password']} ({Settings.home / 'user.json'})" if new else "as before"
    console.print(f"Sign in as {user['username']} {where}.")
    if chosen:
        console.print("Parameters: " + ", ".join(f"{name}={value}" for name, value in sorted(chosen.items())))
    console.print(f"For AWS's own tools: AWS_CONFIG_FILE={running.home / KEYS_FILE} AWS_PROFILE={PROFILE}")
    if as_json:
        show({"endpoint": running.endpoint, "outputs": running.outputs}, True)


@app.command()
def down(
    yes: YesOption = False,
) -> None:
    """Stop the local stack and everything it started. Its images, labels and models are deleted."""
    local_only("down")
    from local import stack

    if not yes and stack.is_running(Settings.home) and (held := _held()):
        confirmed(f"The stack holds {held}, which are deleted. Stop it?")
    console.print("Stopped." if stack.down(Settings.home) else "Nothing was running.")


def _held() -> str:
    """Return what would be lost with the local stack; nothing where it holds nothing, or does not answer."""
    from client import models, pipeline

    try:
        counts = {str(status): number for status, number in pipeline.ledger(target()).counts().items()}
        known = len(models.listed(target()))
    except Exception:  # whatever is wrong with it: it must be possible to stop it
        return ""
    images = sum(number for status, number in counts.items() if status != "REMOVED")
    parts = [(images, "images"), (counts["APPROVED"], "labelled"), (known, "models")]
    return ", ".join(f"{number} {what}" for number, what in parts if number)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Show images by status, running executions, models, devices, and a training image that could not be built."""
    from client import devices, models, pipeline

    found = target()
    running: list[RunningRow] = [
        {
            "machine": machine,
            "execution": execution["name"],
            "state": pipeline.current_state(found, execution["executionArn"]),
        }
        for machine in pipeline.MACHINES
        for execution in pipeline.executions(found, machine)
        if execution["status"] == "RUNNING"
    ]
    value: Status = {
        "images": pipeline.ledger(found).counts(),
        "running": running,
        "models": models.listed(found),
        "devices": devices.listed(found),
        "image_problem": pipeline.image_problem(found),
    }
    if as_json:
        return show(value, True)
    out = paper()
    out.print(
        "[bold]Images[/bold]   "
        + (", ".join(f"{number} {status.said}" for status, number in value["images"].items() if number) or "none")
    )
    for name, rows, columns in (
        ("Running", value["running"], ["machine", "execution", "state"]),
        ("Models", value["models"], ["version", "state", "map50"]),
        ("Devices", value["devices"], ["thing", "status", "model", "model_state", "healthy"]),
    ):
        out.print(f"[bold]{name}[/bold]")
        out.print(as_table(rows, columns) if rows else "none")
    tell_problems(value["devices"])
    if value["image_problem"]:
        out.print(value["image_problem"], markup=False, soft_wrap=True)
    return None


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="Part of the log's text that must match; default: everything.")] = "",
    minutes: Annotated[int | None, typer.Option(min=1, help="How far back; an hour, or all for a trail.")] = None,
    image: Annotated[str, typer.Option(help="The trail of an image: its name, key or content hash.")] = "",
    id: Annotated[str, typer.Option("--id", help="The trail of a correlation id.")] = "",  # noqa: A002
) -> None:
    """Show what the functions logged; with --image or --id, the readable trail with its executions."""
    from client import trail

    found = target()
    if not image and not id:
        for line in trail.logged(found, name, minutes or HOUR):
            print(line)
        return
    terms = [id] if id else trail.terms_of(found, image)
    for step in trail.follow(found, terms, minutes):
        if name in step.what:
            print(step)


@app.command()
def demo(
    images: Annotated[
        Path | None, typer.Option(help="Folder of your own images; without it, a synthetic sample set.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="COCO JSON with their boxes.")] = None,
    report: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")] = Path("report"),
    keep: Annotated[bool, typer.Option(help="Leave the stack running afterwards.")] = False,
) -> None:
    """Run the whole loop on this machine: upload, label, train, judge, register, approve, deploy, inspect."""
    local_only("demo")
    from local.demo.demo import Demo

    if bool(images) != bool(labels):
        raise SightlineError("--images and --labels go together: a folder of images and its COCO JSON")
    Demo(Settings.home, report, images, labels, keep=keep).run()
