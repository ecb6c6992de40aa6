"""The whole loop on a stack that has just been deployed."""

from pathlib import Path
from typing import Annotated

import typer

from cli.screen import Settings
from sightline.errors import SightlineError

app = typer.Typer()


@app.command()
def verify(
    device: Annotated[str, typer.Option(help="Thing that shall get the model and report healthy; default: none.")] = "",
    report: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")] = Path("report"),
) -> None:
    """Run the whole loop on a stack without data: upload, label, train, approve, score; then remove all it made."""
    from client.doctor.deployed import Deployed
    from client.target import Place

    try:
        from client.verification.verification import Verification
    except ImportError as error:
        raise SightlineError(
            f"drawing photos needs {error.name}; install it with: pip install -e '.[local]'"
        ) from error
    place = Place.find(Settings.profile, Settings.region, Settings.stack, Settings.home)
    stack = Deployed.find(place)
    if stack is None:
        raise place.nothing_here()
    Verification(place, stack, report, device).run()
