"""Dataset versions: what is in them, how they differ, and files of them."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli.progress import progress
from cli.screen import JsonOption, as_table, console, paper, show, target

app = typer.Typer(no_args_is_help=True, help="Dataset versions: immutable, named after their content.")


VersionArgument = Annotated[str, typer.Argument(help="Dataset version, its beginning, or `latest`.")]


@app.command("list")
def dataset_list(as_json: JsonOption = False) -> None:
    """List dataset versions, the newest first."""
    from client import datasets

    found = datasets.versions(target())
    show(found, as_json, as_table(found, ["version", "created", "parent", "train", "validation", "test"]))


@app.command("show")
def dataset_show(version: VersionArgument = "latest", as_json: JsonOption = False) -> None:
    """Show what is in a dataset version."""
    from client import datasets

    found = datasets.show(target(), version)
    if as_json:
        return show(found, True)
    rows = [{"split": split, **counts} for split, counts in found["counts"].items()]
    out = paper()
    for name, value in (
        ("version", found["version"]),
        ("parent", found["parent"]),
        ("split_rule", found["split_rule"]),
        ("code_version", found["code_version"]),
    ):
        out.print(f"[bold]{name}[/bold] {value or '-'}", highlight=False)
    out.print(
        "[bold]boxes[/bold] " + escape(", ".join(f"{name} {number}" for name, number in found["class_balance"].items()))
    )
    return out.print(as_table(rows, ["split", "images", "boxes", "images_without_boxes", "groups"]))


@app.command("diff")
def dataset_diff(
    before: Annotated[str, typer.Argument(metavar="A", help="The earlier version.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The later version.")],
    as_json: JsonOption = False,
) -> None:
    """List the images in which two dataset versions differ."""
    from client import datasets

    found = datasets.diff(target(), before, after)
    rows = [{"change": change, "image": image["name"]} for change, images in found.items() for image in images]
    if not as_json:
        console.print(", ".join(f"{len(images)} {change}" for change, images in found.items()))
    show(found, as_json, as_table(rows, ["change", "image"]))


@app.command("export")
def dataset_export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder; each split gets one below it.")],
    version: Annotated[str, typer.Option(help="Dataset version, its beginning, or `latest`.")] = "latest",
) -> None:
    """Write a dataset version as images and COCO JSON."""
    from client import datasets

    found = target()
    total = sum(counts["images"] for counts in datasets.show(found, version)["counts"].values())
    with progress("exporting", total) as step:
        number = datasets.export(found, version, folder, step)
    console.print(f"{number} images exported to {folder}.")


@app.command("report")
def dataset_report(
    version: VersionArgument = "latest",
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the page goes.")] = Path("dataset.html"),
) -> None:
    """Write a dataset version as one HTML page: groups of near-twins, splits, and the health of images and labels."""
    from client import datasets

    found = target()
    total = sum(counts["images"] for counts in datasets.show(found, version)["counts"].values())
    with progress("looking at images", total) as step:
        page = datasets.report(found, version, step)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page)
    console.print(f"The report lies in {out}.")
