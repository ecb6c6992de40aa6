"""The end of a stack on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.progress import waiting
from cli.screen import JsonOption, Settings, asked, console, paper, show
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from client.removal.removing import Removal

app = typer.Typer()


@app.command()
def remove(
    everything: Annotated[
        bool, typer.Option("--everything", help="Erase the data too: images, labels, models, users and the key.")
    ] = False,
    yes: Annotated[str, typer.Option(help="The stack's name, instead of being asked for it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Delete a stack in the order that works, and say what is kept and what that costs. May be repeated."""
    from client.removal import removing
    from client.target import Place

    if not Settings.profile and not Settings.stack:
        raise SightlineError("name it: `sightline --stack NAME remove`; the local stack ends with `sightline down`")
    place = Place.find(Settings.profile, Settings.region, Settings.stack, Settings.home)
    with waiting("looking at what there is"):
        plan = removing.plan(place)
    if not plan.stack and not plan.kept:
        console.print(f"There is no stack {place}, and nothing is left of one.")
        if as_json:
            show({"stack": place.stack, "done": [], "monthly_usd": 0.0, "kept": []}, True)
        return
    _tell(plan, everything)
    name = yes or asked("Type the name of the stack to go on")
    if name != place.stack:
        raise SightlineError(f"{name!r} is not the name of the stack, {place.stack!r}; nothing was removed")
    done = []
    for line in plan.run(everything=everything):
        done.append(line)
        console.print(line)
    kept = () if everything else plan.kept
    if as_json:
        show({"stack": place.stack, "done": done, "monthly_usd": sum(one.monthly for one in kept),
              "kept": [{"name": one.resource.name, "id": one.resource.id, "amount": one.amount,
                        "monthly_usd": one.monthly} for one in kept]}, True)  # fmt: skip
        return
    for one in kept:
        paper().print(str(one), markup=False)
    if kept:
        console.print(plan.again())


def _tell(plan: Removal, everything: bool) -> None:
    """Say what is about to happen, before anything does."""
    if plan.stack:
        console.print(f"The stack {plan.stack.stack} is {plan.stack.status} and will be deleted.")
    verb = "will be ERASED" if everything else "are kept"
    console.print(f"These {verb} ({plan.monthly:.2f} US dollars a month by list prices):")
    for one in plan.kept:
        console.print(f"  {one}")
    if not everything:
        console.print("With --everything they are erased too.")
