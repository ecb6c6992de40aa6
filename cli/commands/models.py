"""Registered models, and models from elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from cli.progress import followed
from cli.screen import JsonOption, Settings, as_table, console, show, target, tell_outcome, tell_problems
from client.adapters.hints import Hints, Size
from sightline.errors import SightlineError

app = typer.Typer(help="Registered models; without a command, lists them.")


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: JsonOption = False) -> None:
    """Registered models; without a command, lists them."""
    if context.invoked_subcommand is None:
        models_list(as_json)


@app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """List the registered models, the newest first, and name devices that run one that is not in service."""
    from client import devices, models

    stack = target()
    found = models.listed(stack)
    show(found, as_json, as_table(found, ["version", "state", "map50", "map50_95", "dataset_version", "created"]))
    if not as_json:
        tell_problems([device for device in devices.listed(stack) if device["wrong"]])


@app.command("promote")
def models_promote(
    version: Annotated[int, typer.Argument(help="The model's version here.")],
    to: Annotated[str, typer.Option(help="Name of the stack that gets it.")],
    to_profile: Annotated[
        str | None, typer.Option(help="AWS profile of that stack's account; default: the one of this stack.")
    ] = None,
    to_region: Annotated[str | None, typer.Option(help="AWS region of that stack; default: the one here.")] = None,
    with_test_set: Annotated[
        bool,
        typer.Option(
            "--with-test-set", help="Judge it there on the test images that it was judged on here, and copy them."
        ),
    ] = False,
    force: Annotated[bool, typer.Option(help="Judge it although it was judged there on these images.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it ends; the exit code is 1 when it is not accepted.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Carry a model to another stack, whose gate judges it again and where a person approves it."""
    from client import promotion
    from client.outcomes import TrainingOutcome
    from client.target import Target

    here, there = target(), Target.find(to_profile or Settings.profile, to_region or Settings.region, to, Settings.home)
    arn = promotion.promote(here, there, version, with_test_set=with_test_set, force=force)
    if not wait:
        return show({"execution": arn}, as_json) if as_json else print(arn)
    output = followed(there, arn, "the judgement")
    judged = TrainingOutcome.from_output(output).judgement
    arrived = promotion.promoted(there, promotion.find(here, version).arn)
    if as_json:
        show({"version": arrived.version if arrived else None, "execution": arn, "output": output}, True)
    else:
        tell_outcome(TrainingOutcome.from_output(output))
        if arrived:
            console.print(f"It is version {arrived.version} of {to}, where a person approves it.")
    if arrived is None or (judged and not judged.accepted):
        raise typer.Exit(1)
    return None


@app.command("import")
def models_import(
    file: Annotated[Path, typer.Argument(metavar="MODEL.ONNX", help="A detector of one of the known layouts.")],
    classes: Annotated[
        str,
        typer.Option(help="Its classes, comma-separated, in the order of their numbers; else what the file says."),
    ] = "",
    name: Annotated[str, typer.Option(help="What it is called; default: the file's name.")] = "",
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of its input, if the file leaves it open.")] = "",
    first_class: Annotated[
        int | None, typer.Option(help="The number of its first class, if that is not what its layout says.")
    ] = None,
    photo: Annotated[Path | None, typer.Option(help="A photo of the line: the model is tried on it first.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it is taken for, and stop.")] = False,
    force: Annotated[bool, typer.Option(help="Judge it although it was judged on this dataset.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it ends.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Judge a detector that was trained elsewhere like any other, wrapped into the contract, and register it."""
    from client import models, pipeline
    from client.outcomes import TrainingOutcome

    found = target()
    hints = import_hints(classes, size, first_class, photo, pipeline.parameters(found)["Classes"].split(","))
    model = models.read(file, hints)
    said = [*model.said, *(models.tried(model, photo) if photo else [])]
    if not as_json:
        console.print(*said, sep="\n")
    if dry_run:
        return show({"said": said}, True) if as_json else None
    name = name or file.stem
    arn = models.start_import(found, models.pack(model, name), name, force=force)
    if not wait:
        return show({"execution": arn, "said": said}, as_json) if as_json else print(arn)
    output = followed(found, arn, "the judgement")
    return show(output, True) if as_json else tell_outcome(TrainingOutcome.from_output(output))


def import_hints(classes: str, size: str, first_class: int | None, photo: Path | None, wanted: list[str]) -> Hints:
    """What the command's options say about the model."""
    from client.models import photo_size

    width, _, height = size.partition("x")
    if size and not (width.isdecimal() and height.isdecimal()):
        raise SightlineError(f"--size {size!r}: give width and height in pixels, for example --size 640x640")
    return Hints(
        classes=[entry.strip() for entry in classes.split(",")] if classes else None,
        size=Size(int(height), int(width)) if size else None,
        first_class=first_class,
        photo=photo_size(photo) if photo else None,
        wanted=wanted,
    )
