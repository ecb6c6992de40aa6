"""A stack made anew on AWS over the data of an earlier one."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.progress import waiting
from cli.screen import JsonOption, Settings, console, show
from sightline.errors import SightlineError

app = typer.Typer()


@app.command()
def adopt(
    resources: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=ID", help="What was kept, where AWS no longer remembers: it does for 90 days."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a stack of what an earlier one of its name has kept: images, labels, models, users. Deploy to it then."""
    from client import adopting
    from client.target import Place

    if not Settings.profile and not Settings.stack:
        raise SightlineError("name it: `sightline --stack NAME adopt`; the local stack keeps nothing")
    given = dict(_pair(text) for text in resources or [])
    place = Place.find(Settings.profile, Settings.region, Settings.stack, Settings.home)
    with waiting("adopting what is kept"):
        adopted = adopting.adopt(place, given)
    if as_json:
        return show({"stack": place.stack, "adopted": adopted}, True)
    console.print(f"{place.stack} has {', '.join(adopted)} again. Now deploy to it: `sam build` and `sam deploy`.")
    return None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise SightlineError(f"{text!r} is not NAME=ID, such as ImagesBucket=sightline-imagesbucket-1abc")
    return name, value
