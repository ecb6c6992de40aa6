"""Labels from and for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.progress import progress, waiting
from cli.screen import JsonOption, confirmed, console, show, target
from client.formats import FORMATS
from client.formats.report import Report
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from client.labels.bringing import Brought
    from client.labels.importing import Labels
    from client.target import Target

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
        console.print(line)


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
    empty_is_no_defect: Annotated[
        bool, typer.Option("--empty-is-no-defect", help="Take images without a box for “no defect” in spite of doubts.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Record nothing; say what would be, and draw the boxes on the photos.")
    ] = False,
    sheet: Annotated[Path, typer.Option(metavar="FILE", help="Where --dry-run draws them: one HTML page.")] = Path(
        "contact-sheet.html"
    ),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Import labels of another tool for images that are in the ledger; people verify them."""
    from client.labels import bringing, importing, sheets
    from client.labels.bringing import Brought

    pairs = dict(entry.split("=", 1) for entry in classes or [] if "=" in entry)
    if len(pairs) != len(classes or []):
        raise SightlineError("--class must be THEIRS=OURS, for example --class dent=scratch")
    if images and not images.is_dir():
        raise SightlineError(f"{images} is not a folder; give the folder that holds the images")
    kind, found, report = format_name(name), target(), Report()
    with waiting("reading the ledger, and waiting for uploads that are not registered yet"):
        labels = importing.read(found, kind, path, report, images, pairs, empty_is_no_defect=empty_is_no_defect)
    say(report)
    console.print(_summary(labels, report))
    if dry_run:
        if labels.matched:
            with progress("drawing", sheets.photos(labels)) as step:
                sheets.write(found, labels, report, path, sheet, step)
            console.print(f"Nothing was recorded. The boxes on the photos are in {sheet}")
        brought = Brought([], len(labels.matched))
    else:
        question = _question(labels, report)
        if question:
            confirmed(question, yes=yes)
        said = report.lines()
        with waiting("bringing the labels"):
            brought = bringing.bring(found, labels.matched, report, approved=approved)
        for line in report.lines():
            if line not in said:
                console.print(line)
    _tell(found, path, labels, report, brought, approved=approved and not dry_run, as_json=as_json, dry_run=dry_run)


def _question(labels: Labels, report: Report) -> str:
    """Return what a person has to say yes to; nothing where the labels are as most are."""
    if labels.matched and not labels.with_boxes:
        return f"No image has a box. Record all {labels.no_defect} as “no defect”?"
    if labels.no_defect and report.boxless:
        return f"No box in any image of {', '.join(report.boxless[:3])}. Record its images as “no defect”?"
    return ""


def _summary(labels: Labels, report: Report) -> str:
    """Return in one sentence what becomes of the images of a file."""
    why = ", for the reasons above" if report.left_out else ""
    taken = f" {labels.taken} of them leave an open job, where nobody has begun with them." if labels.taken else ""
    return (
        f"{labels.with_boxes} images with boxes, {labels.no_defect} with “no defect”, {report.left_out} left "
        f"out{why}.{taken}"
    )


def _tell(
    found: Target,
    path: Path,
    labels: Labels,
    report: Report,
    brought: Brought,
    *,
    approved: bool,
    as_json: bool,
    dry_run: bool,
) -> None:
    """Say what came of it. Raise SightlineError where no label was taken: a script must not take that for done."""
    from client import pipeline
    from client.outcomes import labels_recorded

    outputs = [pipeline.wait_for(found, arn) for arn in brought.executions] if approved else []
    recorded = sum(map(labels_recorded, outputs))
    done = {"images": brought.taken, "with_boxes": labels.with_boxes, "no_defect": labels.no_defect,
            "left_out": report.left_out, "executions": brought.executions, "lost": report.lost,
            "refused": report.refused, "strays": report.strays}  # fmt: skip
    if as_json:
        show(done | ({"recorded": recorded} if approved else {}), True)
    if not brought.taken:
        raise SightlineError(
            f"no label was taken from {path}: "
            + ("see above why" if report.refused or report.strays else "it holds none")
        )
    if not as_json and not dry_run:
        what = f"{recorded} labels recorded" if approved else f"{brought.taken} labels sent to verification"
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
