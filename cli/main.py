"""The command line. Each command is a few lines around `cli.pipeline`; what a program may read comes with --json."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from sightline.errors import SightlineError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Visual inspection, from dropped images to verdicts on devices.",
)
device_app = typer.Typer(
    no_args_is_help=True, help="Devices: the simulated one of this machine, and those of the fleet."
)
app.add_typer(device_app, name="device")
dataset_app = typer.Typer(no_args_is_help=True, help="Dataset versions: immutable, named after their content.")
app.add_typer(dataset_app, name="dataset")
console = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


class Settings:
    """What the options before the command say."""

    profile: str | None = None
    region: str | None = None
    stack: str | None = None
    home = Path(".sightline")


@app.callback()
def main_options(
    profile: Annotated[
        str | None, typer.Option(help="AWS profile; without it and --stack, the stack on this machine.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; default: the profile's.")] = None,
    stack: Annotated[str | None, typer.Option(help="Name of the stack on AWS; default: sightline.")] = None,
    home: Annotated[Path, typer.Option(help="Folder of the local run's state.")] = Path(".sightline"),
) -> None:
    Settings.profile, Settings.region, Settings.stack, Settings.home = profile, region, stack, home


def target() -> Any:
    from cli.target import Target

    return Target.find(Settings.profile, Settings.region, Settings.stack, Settings.home)


def local_only(command: str) -> None:
    if Settings.profile or Settings.stack:
        raise SightlineError(f"`sightline {command}` works on this machine only; leave --profile and --stack out")


def show(value: Any, as_json: bool, table: Table | None = None) -> None:
    """Print for a program (JSON on standard output) or for a person."""
    if as_json or table is None:
        print(json.dumps(value, indent=1, default=str))
    else:
        Console().print(table)


def as_table(rows: list[dict[str, Any]], columns: list[str]) -> Table:
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(f"{row[name]:.3f}" if isinstance(row[name], float) else str(row[name]) for name in columns))
    return table


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


@app.command()
def up(as_json: JsonOption = False) -> None:
    """Start the local stack: the emulator, with the application built and deployed to it."""
    local_only("up")
    from local import stack

    started = time.monotonic()
    with console.status("starting") as status:
        running = stack.up(lambda text: status.update(text), root=Settings.home)
    console.print(f"The stack runs at {running.endpoint} ({time.monotonic() - started:.0f} s).")
    if as_json:
        show({"endpoint": running.endpoint, "outputs": running.outputs}, True)


@app.command()
def down() -> None:
    """Stop the local stack and everything it started."""
    local_only("down")
    from local import stack

    console.print("Stopped." if stack.down(Settings.home) else "Nothing was running.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Images by status, running executions with their state, models, devices."""
    from cli import pipeline

    found = target()
    running = [
        {
            "machine": machine,
            "execution": execution["name"],
            "state": pipeline.current_state(found, execution["executionArn"]),
        }
        for machine in pipeline.MACHINES
        for execution in pipeline.executions(found, machine)
        if execution["status"] == "RUNNING"
    ]
    value: dict[str, Any] = {
        "images": pipeline.counts(found),
        "running": running,
        "models": pipeline.models(found),
        "devices": pipeline.devices(found),
    }
    if as_json:
        return show(value, True)
    out = Console()
    out.print(
        "[bold]Images[/bold]   " + "  ".join(f"{name} {number}" for name, number in value["images"].items() if number)
    )
    for name, columns in (
        ("running", ["machine", "execution", "state"]),
        ("models", ["version", "status", "map50"]),
        ("devices", ["thing", "status", "model"]),
    ):
        out.print(f"[bold]{name.capitalize()}[/bold]")
        out.print(as_table(value[name], columns) if value[name] else "none")
    return None


@app.command()
def upload(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder whose files are uploaded.")],
    as_json: JsonOption = False,
) -> None:
    """Upload a folder's files. What is no image is quarantined with the reason, not refused here."""
    from cli import pipeline

    if not folder.is_dir():
        raise SightlineError(f"{folder} is not a folder; give the folder that holds the images")
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and path.suffix.lower() not in (".json", ".txt", ".md")
    )
    if not files:
        raise SightlineError(f"{folder} holds no files to upload")
    found = target()
    with progress("uploading", len(files)) as step:
        number = pipeline.upload(found, files, lambda _: step())
    show({"uploaded": number}, as_json, None) if as_json else console.print(f"{number} files uploaded.")


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
    from cli.annotate import Annotators, read_coco

    people = Annotators(target(), read_coco(labels), error_rate=error_rate, seed=seed, count=annotators)
    quiet_since = time.monotonic()
    with progress("answering tasks", None) as step:
        while time.monotonic() - quiet_since < wait:
            if people.work():
                quiet_since = time.monotonic()
                step(people.total)
            time.sleep(0.5)
    show(people.done, as_json) if as_json else console.print(
        ", ".join(f"{number} {name}" for name, number in people.done.items())
    )


@app.command()
def train(
    force: Annotated[bool, typer.Option(help="Train although nothing has changed.")] = False,
    hyperparameter: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; may be given several times.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it ends.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Start a training run."""
    from cli import pipeline

    pairs = dict(entry.split("=", 1) for entry in hyperparameter or [] if "=" in entry)
    if len(pairs) != len(hyperparameter or []):
        raise SightlineError("--hyperparameter must be NAME=VALUE, for example epochs=40")
    found = target()
    arn = pipeline.start_training(found, force=force, hyperparameters=pairs)
    if not wait:
        return show({"execution": arn}, as_json) if as_json else console.print(arn)
    with console.status("starting") as spinner:
        output = pipeline.wait_for(found, arn, lambda state: spinner.update(state))
    if as_json:
        return show(output, True)
    if not output["plan"]["changed"]:
        console.print(f"Nothing trained: {output['plan']['reason']}.")
    else:
        verdict = output["judgement"]
        console.print(("Accepted: " if verdict["accepted"] else "Rejected: ") + "; ".join(verdict["reasons"]))
    return None


@app.command()
def models(as_json: JsonOption = False) -> None:
    """The registered models, the newest first."""
    from cli import pipeline

    found = pipeline.models(target())
    show(found, as_json, as_table(found, ["version", "status", "map50", "map50_95", "dataset_version", "created"]))


@app.command()
def approve(
    version: Annotated[str, typer.Argument(help="Model version, or `latest`.")] = "latest",
    reject: Annotated[bool, typer.Option(help="Reject it instead.")] = False,
) -> None:
    """Approve a model: its deployment to the devices starts."""
    from cli import pipeline

    model = pipeline.approve(target(), version, status="Rejected" if reject else "Approved")
    console.print(f"Model {model['version']} is {model['status'].lower()}.")


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="Part of the log's text that must match; default: everything.")] = "",
    minutes: Annotated[int, typer.Option(min=1, help="How far back.")] = 60,
) -> None:
    """What the functions logged."""
    found = target()
    stack = found.outputs["LabelImagesArn"].rsplit(":", 1)[1].removesuffix("-label-images")
    since = int((time.time() - minutes * 60) * 1000)
    pages = (
        found.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=f"/sightline/{stack}/functions", startTime=since)
    )
    for page in pages:
        for event in page["events"]:
            if name in event["message"]:
                print(event["message"].rstrip())


VersionArgument = Annotated[str, typer.Argument(help="Dataset version, its beginning, or `latest`.")]


@dataset_app.command("list")
def dataset_list(as_json: JsonOption = False) -> None:
    """Dataset versions, the newest first."""
    from cli import datasets

    found = datasets.versions(target())
    show(found, as_json, as_table(found, ["version", "created", "parent", "train", "validation", "test"]))


@dataset_app.command("show")
def dataset_show(version: VersionArgument = "latest", as_json: JsonOption = False) -> None:
    """What is in a dataset version."""
    from cli import datasets

    found = datasets.show(target(), version)
    if as_json:
        return show(found, True)
    rows = [{"split": split, **counts} for split, counts in found["counts"].items()]
    out = Console()
    for name in ("version", "parent", "split_rule", "code_version"):
        out.print(f"[bold]{name}[/bold] {found[name] or '-'}", highlight=False)
    out.print("[bold]boxes[/bold] " + ", ".join(f"{name} {number}" for name, number in found["class_balance"].items()))
    return out.print(as_table(rows, ["split", "images", "boxes", "images_without_boxes", "groups"]))


@dataset_app.command("diff")
def dataset_diff(
    before: Annotated[str, typer.Argument(metavar="A", help="The earlier version.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The later version.")],
    as_json: JsonOption = False,
) -> None:
    """Images that two dataset versions differ in."""
    from cli import datasets

    found = datasets.diff(target(), before, after)
    rows = [{"change": change, "image": image} for change, images in found.items() for image in images]
    if not as_json:
        console.print(", ".join(f"{len(images)} {change}" for change, images in found.items()))
    show(found, as_json, as_table(rows, ["change", "image"]))


@dataset_app.command("export")
def dataset_export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder; each split gets one below it.")],
    version: Annotated[str, typer.Option(help="Dataset version, its beginning, or `latest`.")] = "latest",
) -> None:
    """Write a dataset version as images and COCO JSON."""
    from cli import datasets

    found = target()
    total = sum(counts["images"] for counts in datasets.show(found, version)["counts"].values())
    with progress("exporting", total) as step:
        number = datasets.export(found, version, folder, step)
    console.print(f"{number} images exported to {folder}.")


@device_app.command("list")
def device_list(as_json: JsonOption = False) -> None:
    """Devices with their group, status, model version, health with it, and when they were seen last."""
    from cli import devices

    found = devices.listed(target())
    show(found, as_json, as_table(found, ["thing", "group", "status", "model", "healthy", "last_seen"]))


@device_app.command("show")
def device_show(thing: Annotated[str, typer.Argument(help="Name of the device.")], as_json: JsonOption = False) -> None:
    """One device: what runs on it, its deployments with the reasons, and what it said of each model."""
    from cli import devices

    found = devices.show(target(), thing)
    if as_json:
        return show(found, True)
    out = Console()
    for name in ("thing", "group", "status", "model", "healthy", "last_seen"):
        out.print(f"[bold]{name}[/bold] {found[name] or '-'}", highlight=False)
    for name, columns in (
        ("deployments", ["at", "deployment", "status", "reason"]),
        ("reports", ["at", "model", "healthy", "reason"]),
    ):
        out.print(f"[bold]{name}[/bold]")
        out.print(as_table(found[name], columns) if found[name] else "none")
    return None


@device_app.command("logs")
def device_logs(
    thing: Annotated[str, typer.Argument(help="Name of the device.")],
    lines: Annotated[int, typer.Option(min=1, help="How many of each log's last lines.")] = 50,
) -> None:
    """The logs of a simulated device and its components; for one on AWS, where they are."""
    from cli import devices

    if Settings.profile or Settings.stack:
        console.print(devices.logs_on_aws(target(), thing), soft_wrap=True, highlight=False)
        return
    for path in devices.log_files(Settings.home, thing):
        console.print(f"[bold]{path}[/bold]", soft_wrap=True, highlight=False)
        for line in path.read_text(errors="replace").splitlines()[-lines:]:
            print(line)


@device_app.command("rollback")
def device_rollback(
    reason: Annotated[str, typer.Option(help="Why; it is kept with the roll-out.")] = "asked for by a person",
) -> None:
    """Give the devices back what they ran before the newest model; a roll-out that is running is stopped and taken back."""
    from cli import devices

    found = target()
    with console.status("rolling back"):
        state, version = devices.roll_back(found, reason)
    stopped = (
        "its roll-out is stopped and takes it back"
        if state == "RollOutStopped"
        else "the devices get back what they ran before it"
    )
    console.print(f"Model {version}: {stopped}.")


@device_app.command("publish")
def device_publish() -> None:
    """Package the inspector and publish it as a component version, which deployments then use."""
    from cli import pipeline

    console.print(f"com.sightline.Inspector {pipeline.publish_inspector(target())} is published.")


@device_app.command("start")
def device_start(
    thing: Annotated[str, typer.Argument(help="Name of the simulated device.")] = "device-1",
    canary: Annotated[bool, typer.Option("--canary", help="In the canary group, which gets a model first.")] = False,
) -> None:
    """Start a simulated device on this machine."""
    local_only("device start")
    from local.device import SimulatedDevice
    from local.stack import load

    device, stack = SimulatedDevice(Settings.home, thing), load(Settings.home)
    device.start(stack, stack.outputs["CanaryThingGroupName"] if canary else "")
    console.print(f"{thing} runs; it inspects images that are put into {device.images}")


@device_app.command("stop")
def device_stop(thing: Annotated[str, typer.Argument(help="Name of the simulated device.")] = "device-1") -> None:
    """Stop a simulated device."""
    local_only("device stop")
    from local.device import SimulatedDevice

    SimulatedDevice(Settings.home, thing).stop()
    console.print(f"{thing} is stopped.")


@app.command()
def demo(
    images: Annotated[
        Path | None, typer.Option(help="Folder of your own images; without it, a drawn sample set.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="COCO JSON with their boxes.")] = None,
    report: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")] = Path("report"),
    keep: Annotated[bool, typer.Option(help="Leave the stack running afterwards.")] = False,
) -> None:
    """Run the whole loop on this machine: upload, label, train, judge, register, approve, deploy, inspect."""
    local_only("demo")
    from local.demo import Demo

    if bool(images) != bool(labels):
        raise SightlineError("--images and --labels go together: a folder of images and its COCO JSON")
    Demo(Settings.home, report, images, labels, keep=keep).run()


def main() -> None:
    try:
        app(standalone_mode=False)
    except SightlineError as error:
        console.print(f"[red]sightline:[/red] {error}", soft_wrap=True, highlight=False)
        sys.exit(1)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        module = type(error).__module__
        if module.startswith(("click", "typer")):  # a usage error: Typer says it in one line
            error.show()  # type: ignore[attr-defined]
            sys.exit(2)
        if isinstance(error, OSError) or module.startswith(
            ("botocore", "boto3")
        ):  # a file, the network, or what AWS refused
            console.print(f"[red]sightline:[/red] {error}", soft_wrap=True, highlight=False)
            sys.exit(1)
        raise


if __name__ == "__main__":
    main()
