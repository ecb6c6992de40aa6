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
from rich.markup import escape
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
models_app = typer.Typer(help="Registered models; without a command, lists them.")
app.add_typer(models_app, name="models")
labels_app = typer.Typer(no_args_is_help=True, help="Labels from and for other tools.")
app.add_typer(labels_app, name="labels")
user_app = typer.Typer(no_args_is_help=True, help="People who may sign in to the page.")
app.add_typer(user_app, name="user")
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
    """Start the local stack: the emulator, with the application built and deployed to it, and a user for its page."""
    local_only("up")
    from cli import users
    from local import stack

    started = time.monotonic()
    with console.status("starting") as status:
        running = stack.up(lambda text: status.update(text), root=Settings.home)
        user, new = users.local_user(target(), Settings.home)
    console.print(f"The stack runs at {running.endpoint} ({time.monotonic() - started:.0f} s).")
    console.print(f"The page is {target().api_url}/", soft_wrap=True, highlight=False)
    where = f"with the password {user['password']} ({Settings.home / 'user.json'})" if new else "as before"
    console.print(f"Sign in as {user['username']} {where}.", soft_wrap=True, highlight=False)
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
    return show(output, True) if as_json else tell_verdict(output)


def tell_verdict(output: dict[str, Any]) -> None:
    """How an execution of `train_model` ended, in one line."""
    if not output["plan"]["changed"]:
        console.print(f"Nothing to do: {output['plan']['reason']}.")
    else:
        verdict = output["judgement"]
        console.print(("Accepted: " if verdict["accepted"] else "Rejected: ") + "; ".join(verdict["reasons"]))


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
def score(
    prefix: Annotated[str, typer.Option(help="Where the images lie in the images bucket.")] = "incoming/",
    wait: Annotated[bool, typer.Option(help="Wait until it ends.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Score uploaded images with the model in service; the predictions go to the artifacts bucket as JSON Lines."""
    from cli import pipeline
    from sightline.scoring import prefix_of

    prefix = prefix_of({"prefix": prefix})  # a mistake is told at once, not by the workflow
    found = target()
    arn = pipeline.start_scoring(found, prefix)
    if not wait:
        return show({"execution": arn}, as_json) if as_json else console.print(arn)
    with console.status("starting") as spinner:
        output = pipeline.wait_for(found, arn, lambda state: spinner.update(state))
    if as_json:
        return show(output, True)
    if "summary" not in output:
        return console.print(f"Nothing to score: {output['plan']['reason']}.")
    summary = output["summary"]
    counts = ", ".join(f"{summary[name]} {name}" for name in ("pass", "fail", "review", "errors"))
    text = f"{summary['images']} images scored with model {summary['model_version']}: {counts}."
    console.print(text, soft_wrap=True, highlight=False)
    return print(summary["predictions_uri"])


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


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: JsonOption = False) -> None:
    """Registered models; without a command, lists them."""
    if context.invoked_subcommand is None:
        models_list(as_json)


@models_app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """The registered models, the newest first."""
    from cli import pipeline

    found = pipeline.models(target())
    show(found, as_json, as_table(found, ["version", "status", "map50", "map50_95", "dataset_version", "created"]))


@models_app.command("import")
def models_import(
    file: Annotated[Path, typer.Argument(metavar="MODEL.ONNX", help="A model that keeps the contract.")],
    classes: Annotated[
        str,
        typer.Option(help="Its classes, comma-separated, in the order of their numbers; else model.json beside it."),
    ] = "",
    name: Annotated[str, typer.Option(help="What it is called; default: the file's name.")] = "",
    force: Annotated[bool, typer.Option(help="Judge it although it was judged on this dataset.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it ends.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Judge a model that was trained elsewhere, by the same evaluation and gate, and register it when it passes."""
    from cli import models, pipeline

    name = name or file.stem
    archive = models.pack(file, [entry.strip() for entry in classes.split(",")] if classes else None, name)
    found = target()
    arn = models.start_import(found, archive, name, force=force)
    if not wait:
        return show({"execution": arn}, as_json) if as_json else console.print(arn)
    with console.status("starting") as spinner:
        output = pipeline.wait_for(found, arn, lambda state: spinner.update(state))
    return show(output, True) if as_json else tell_verdict(output)


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


@dataset_app.command("report")
def dataset_report(
    version: VersionArgument = "latest",
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the page goes.")] = Path("dataset.html"),
) -> None:
    """Write a dataset version as one HTML page: groups of near-twins, splits, and the health of images and labels."""
    from cli import datasets

    found = target()
    total = sum(counts["images"] for counts in datasets.show(found, version)["counts"].values())
    with progress("looking at images", total) as step:
        page = datasets.report(found, version, step)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page)
    console.print(f"The report lies in {out}.")


FormatOption = Annotated[str, typer.Option("--format", help="coco, yolo, voc, ground-truth or label-studio.")]


def format_name(name: str) -> str:
    from cli.formats import FORMATS

    if name not in FORMATS:
        raise SightlineError(f"--format {name!r} is none of {', '.join(FORMATS)}")
    return name


def say(report: Any) -> None:
    """What could not be taken over; names in it are printed as they are."""
    for line in report.lines():
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@labels_app.command("import")
def labels_import(
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="Labels of images that were uploaded.")],
    name: FormatOption,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of the images: they are found by their content, whatever they are called."),
    ] = None,
    approved: Annotated[bool, typer.Option(help="Take the labels as they are, without verification.")] = False,
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="THEIRS=OURS, or THEIRS= to leave its boxes out; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring labels of another tool for images that are in the ledger; people verify them."""
    from cli import labels, pipeline
    from cli.formats import Report

    pairs = dict(entry.split("=", 1) for entry in classes or [] if "=" in entry)
    if len(pairs) != len(classes or []):
        raise SightlineError("--class must be THEIRS=OURS, for example --class dent=scratch")
    if images and not images.is_dir():
        raise SightlineError(f"{images} is not a folder; give the folder that holds the images")
    kind, found, report = format_name(name), target(), Report()
    lines = labels.read(found, kind, path, report, images, pairs)
    started = labels.bring(found, lines, approved=approved)
    say(report)
    outputs = [pipeline.wait_for(found, arn) for arn in started] if approved else []
    done = {"images": len(lines), "executions": started, "lost": report.lost, "refused": report.refused}
    if approved:
        done["recorded"] = sum(output.get("labels", {}).get("approved", 0) for output in outputs)
    if as_json:
        return show(done, True)
    what = "recorded" if approved else "sent to verification"
    return console.print(f"{done.get('recorded', len(lines))} labels {what}.")


@labels_app.command("export")
def labels_export(
    version: Annotated[str, typer.Argument(metavar="TARGET", help="Dataset version, `latest`, or `approved`.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    name: FormatOption,
    as_json: JsonOption = False,
) -> None:
    """Write the labels of a dataset version, or of all approved images, for another tool."""
    from cli import labels
    from cli.formats import Report

    kind, report = format_name(name), Report()
    number = labels.export(target(), version, kind, folder, report)
    say(report)
    if as_json:
        return show({"images": number, "lost": report.lost, "refused": report.refused}, True)
    return console.print(f"Labels of {number} images written to {folder}.", markup=False)


@user_app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    engineer: Annotated[bool, typer.Option(help="May also approve models and settle the attention list.")] = False,
) -> None:
    """Make a user, and print the password for the first sign-in, which asks for another one."""
    from cli import users

    print(users.add(target(), name, engineer=engineer))
    console.print(f"{name} may sign in with this password, once, within 7 days.", highlight=False)


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
        console.print(f"[red]sightline:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
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
            console.print(f"[red]sightline:[/red] {escape(str(error))}", soft_wrap=True, highlight=False)
            sys.exit(1)
        raise


if __name__ == "__main__":
    main()
