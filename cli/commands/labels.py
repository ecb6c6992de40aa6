"""Labels from and for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from cli.screen import JsonOption, console, show, target
from client.formats import FORMATS
from client.formats.report import Report
from sightline.errors import SightlineError

app = typer.Typer(no_args_is_help=True, help="Labels from and for other tools.")


*MOST, LAST = FORMATS
FormatOption = Annotated[str, typer.Option("--format", help=f"{', '.join(MOST)} or {LAST}.")]


def format_name(name: str) -> str:
    if name not in FORMATS:
        raise SightlineError(f"--format {name!r} is none of {', '.join(FORMATS)}")
    return name


def say(report: Report) -> None:
    """What could not be taken over; names in it are printed as they are."""
    for line in report.lines():
        console.print(line, soft_wrap=True)


@app.command("import")
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
    """Import labels of another tool for images that are in the ledger; people verify them."""
    from client import pipeline
    from client.labels import importing
    from client.outcomes import labels_recorded

    pairs = dict(entry.split("=", 1) for entry in classes or [] if "=" in entry)
    if len(pairs) != len(classes or []):
        raise SightlineError("--class must be THEIRS=OURS, for example --class dent=scratch")
    if images and not images.is_dir():
        raise SightlineError(f"{images} is not a folder; give the folder that holds the images")
    kind, found, report = format_name(name), target(), Report()
    lines = importing.read(found, kind, path, report, images, pairs)
    say(report)
    started = importing.bring(found, lines, approved=approved)
    outputs = [pipeline.wait_for(found, arn) for arn in started] if approved else []
    recorded = sum(map(labels_recorded, outputs))
    done = {"images": len(lines), "executions": started, "lost": report.lost, "refused": report.refused}
    if as_json:
        show(done | ({"recorded": recorded} if approved else {}), True)
    if not lines:  # a script must not take this for done
        raise SightlineError(
            f"no label was taken from {path}: " + ("see above why" if report.refused else "it holds none")
        )
    if not as_json:
        what = f"{recorded} labels recorded" if approved else f"{len(lines)} labels sent to verification"
        console.print(f"{what}.")


@app.command("export")
def labels_export(
    version: Annotated[str, typer.Argument(metavar="TARGET", help="Dataset version, `latest`, or `approved`.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    name: FormatOption,
    as_json: JsonOption = False,
) -> None:
    """Write the labels of a dataset version, or of all approved images, for another tool."""
    from client.labels import exporting

    kind, report = format_name(name), Report()
    number = exporting.export(target(), version, kind, folder, report)
    say(report)
    if as_json:
        return show({"images": number, "lost": report.lost, "refused": report.refused}, True)
    return console.print(f"Labels of {number} images written to {folder}.")
