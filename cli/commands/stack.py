"""The local stack, what it or the one on AWS is doing, and the whole loop as a demo."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cli.progress import waiting
from cli.screen import JsonOption, Settings, YesOption, confirmed, console, local_only, show, target
from sightline.errors import SightlineError

app = typer.Typer()


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
            "The stack goes on with all that the one before it had acknowledged. Workflows and jobs that ran when that "
            "one ended have failed, and what they held is given back."
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


@app.command("open")
def open_page() -> None:
    """Open the page in a browser, and print its address. Without a display it only prints."""
    import webbrowser

    address = f"{target().api_url}/"
    print(address)
    if sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)


@app.command()
def down(
    keep: Annotated[bool, typer.Option("--keep", help="Keep what it holds: the next `up` goes on with it.")] = False,
    yes: YesOption = False,
) -> None:
    """Stop the local stack and everything it started. Its images, labels and models are deleted, unless --keep."""
    local_only("down")
    from local import stack

    if keep:
        done = stack.down(Settings.home, keep=True)
        return console.print("Stopped. `sightline up` goes on with what it holds." if done else "Nothing was running.")
    if not yes and stack.is_running(Settings.home) and (held := _held()):
        confirmed(f"The stack holds {held}, which are deleted; --keep keeps them. Stop it?")
    if not yes and stack.is_kept(Settings.home):
        confirmed(f"What a stack held is kept in {Settings.home}. Delete it?")
    return console.print("Stopped." if stack.down(Settings.home) else "Nothing was running.")


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
