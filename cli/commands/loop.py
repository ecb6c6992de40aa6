"""From images to a model in service: one command for each thing that people start by hand."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli.progress import followed, progress, waiting
from cli.screen import (
    JsonOption,
    Settings,
    YesOption,
    as_table,
    confirmed,
    console,
    paper,
    show,
    target,
    tell_outcome,
)
from sightline.errors import SightlineError

app = typer.Typer()
EDGES = ("left", "top", "right", "bottom")  # pixels
EVENTS = {
    "arrived": "",
    "sweep asked": "; S3 sends no events yet, so the sweep was asked to find them",
    "not allowed": "; S3 sends no events yet, and you may not ask the sweep, which finds them within a day",
}


@app.command()
def upload(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of photos, with folders in it or without.")],
    as_json: JsonOption = False,
) -> None:
    """Upload a folder and those in it. What is not an image goes to quarantine; hidden files, labels and texts stay."""
    from client import pipeline, sweeping, uploads

    if not folder.is_dir():
        raise SightlineError(f"{folder} is not a folder; give the folder that holds the images")
    given = uploads.look(folder)
    for line in given.left_out.lines():
        console.print(line)
    if not given.files:
        raise SightlineError(f"{folder} holds no files to upload")
    found = target()
    room = room_for(sum(file.stat().st_size for file in given.files))
    with progress("uploading", len(given.files)) as step:
        number = pipeline.upload(found, given.files, lambda _: step(), below=folder)
    with waiting("waiting for the events of S3"):
        arrival = sweeping.await_events(found, given.names, room)
    if as_json:
        return show({"uploaded": number, "left_out": given.left_out.refused, "events": arrival}, True)
    return console.print(f"{number} files uploaded{EVENTS[arrival]}.")


def room_for(size: int) -> Callable[[], None]:
    """Look whether the local stack has room for files of `size` bytes in all. Return what looks whether it has room
    to register them. Raise SightlineError.
    """
    if Settings.profile or Settings.stack:
        return lambda: None
    from local import disk

    disk.require(Settings.home, size + disk.to_work(Settings.home))
    return lambda: disk.require(Settings.home, disk.FUNCTION_BYTES)


@app.command()
def sweep(as_json: JsonOption = False) -> None:
    """Compare the images bucket with the ledger, and have looked at what differs: S3's events may be lost."""
    from client import sweeping

    with waiting("comparing") as say:
        done = sweeping.sweep(target(), lambda so_far: say(f"{so_far.compared} objects compared"))
    if as_json:
        return show({"compared": done.compared, "queued": done.queued}, True)
    text = f"{done.compared} objects compared; {done.queued} differ and are looked at now."
    return console.print(text, soft_wrap=True)


@app.command()
def annotate(
    labels: Annotated[Path, typer.Option(help="COCO JSON with the true boxes by file name.")],
    error_rate: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of images that get a wrong label first.")
    ] = 0.05,
    annotators: Annotated[int, typer.Option(min=1, max=64, help="How many simulated people work at once.")] = 4,
    seed: Annotated[int, typer.Option(help="Same seed, same mistakes.")] = 0,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a job, and for the next one after the last.")
    ] = 30,
    as_json: JsonOption = False,
) -> None:
    """Answer the open labelling and verification jobs with simulated annotators, from known labels."""
    from client import pipeline
    from client.annotate import Annotators, read_coco

    found = target()
    truth = read_coco(labels, pipeline.classes(found))
    people = Annotators(found, truth, error_rate=error_rate, seed=seed, count=annotators)
    quiet_since = time.monotonic()
    with progress("answering tasks", None) as step:
        while time.monotonic() - quiet_since < wait:
            if people.work():
                quiet_since = time.monotonic()
                step(people.total)
            time.sleep(0.5)
    if as_json:
        return show(people.done, True)
    console.print(", ".join(f"{number} {name}" for name, number in people.done.items()))
    if any(execution["status"] == "RUNNING" for execution in pipeline.executions(found, "train_model")):
        console.print("A training is running; `sightline status` shows where it is.")
    return None


@app.command()
def train(
    force: Annotated[bool, typer.Option(help="Train although nothing has changed.")] = False,
    hyperparameter: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; may be given several times.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it ends.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Start a training run."""
    from client import pipeline
    from client.outcomes import TrainingOutcome

    pairs: dict[str, str] = {}
    for entry in hyperparameter or []:
        name, sign, value = entry.partition("=")
        if not (name and sign and value):
            raise SightlineError(f"--hyperparameter must be NAME=VALUE, for example epochs=40; got {entry!r}")
        if name in pairs:
            raise SightlineError(f"--hyperparameter names {name} twice; give it once")
        pairs[name] = value
    found = target()
    arn = pipeline.start_training(found, force=force, hyperparameters=pairs, is_persons=True)
    if not wait:
        return show({"execution": arn}, as_json) if as_json else print(arn)
    output = followed(found, arn, "the training")
    return show(output, True) if as_json else tell_outcome(TrainingOutcome.from_output(output))


@app.command()
def approve(
    version: Annotated[int, typer.Argument(min=1, help="The model, as `sightline models` lists them.")],
    reject: Annotated[bool, typer.Option("--reject", help="Reject it instead.")] = False,
    reason: Annotated[str, typer.Option(help="Why (at most 500 characters); kept with your name.")] = "",
    yes: YesOption = False,
) -> None:
    """Approve a model and start its roll-out to the devices, or reject it. The model in service can't be rejected."""
    from client import models

    found = target()
    models.check(found, version, approved=not reject, reason=reason)
    question = "Reject it?" if reject else "Approve it, and roll it out?"
    confirmed(f"{models.standing(found, version)} {question}", yes=yes)
    judged, state = models.judge(found, str(version), approved=not reject, reason=reason)
    console.print(f"Model {judged} is {state}.")


@app.command()
def predict(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A photo, of at most 4.5 MB.")],
    as_json: JsonOption = False,
) -> None:
    """Give the verdict on one photo with the model in service, which keeps nothing of it."""
    from client import predicting

    if not image.is_file():
        raise SightlineError(f"{image} is no file; give a photo")
    said = predicting.predict(target(), image)
    if as_json:
        return show(said, True)
    rows = [
        {"class": found["class"], "score": found["score"], **dict(zip(EDGES, found["box"], strict=True))}
        for found in said["detections"]
    ]
    print(f"{image}: {said['verdict']} (model {said['model_version']}, {said['latency_ms']:.0f} ms)")
    return paper().print(as_table(rows, ["class", "score", *EDGES]) if rows else "no defect found")


@app.command()
def score(
    prefix: Annotated[str, typer.Option(help="Where the images lie in the images bucket.")] = "incoming/",
    wait: Annotated[bool, typer.Option(help="Wait until it ends.")] = True,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="A new folder to fetch the predictions into.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score uploaded images with the model in service; the predictions go to the artifacts bucket as JSON Lines."""
    from client import pipeline, predictions
    from client.outcomes import ScoringOutcome
    from sightline.scoring.batch import prefix_of

    prefix = prefix_of({"prefix": prefix})  # a mistake is told at once, not by the workflow
    if out and not wait:
        raise SightlineError("--out needs the end of the scoring; leave --no-wait out")
    if out:
        predictions.check_folder(out)
    found = target()
    arn = pipeline.start_scoring(found, prefix)
    if not wait:
        return show({"execution": arn}, as_json) if as_json else print(arn)
    output = followed(found, arn, "the scoring")
    outcome = ScoringOutcome.from_output(output)
    scored = outcome.scored
    file = predictions.fetch(found, scored.predictions_uri, out) if out and scored else None
    if as_json:
        show(dict(output) | ({"file": str(file)} if file else {}), True)
        raise typer.Exit(1 if outcome.lacks_model else 0)
    if outcome.lacks_model:
        raise SightlineError(f"nothing was scored: {outcome.reason}")
    if scored is None:
        return console.print(f"Nothing to score: {outcome.reason}.")
    counts = ", ".join(f"{number} {name}" for name, number in scored.counts.items())
    console.print(f"{scored.images} images scored with model {scored.model_version}: {counts}.")
    return print(file or scored.predictions_uri)
