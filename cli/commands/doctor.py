"""Whether an account is ready for a stack, and whether a stack that was deployed works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cli.screen import JsonOption, Settings, console, paper, show
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from client.doctor.deployed import Deployed
    from client.doctor.findings import Finding
    from client.target import Place

app = typer.Typer()
STYLES = {"ok": "green", "note": "cyan", "not checked": "yellow", "wrong": "bold red"}


@app.command()
def doctor(
    before: Annotated[
        bool, typer.Option("--before", help="Only what a deployment needs; leave a deployed stack alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check this machine, the account, and the stack where it is deployed: a line for each thing, ok or what to do."""
    from client.doctor.findings import is_well

    found: list[Finding] = []
    for finding in _examine(before):
        found.append(finding)
        if not as_json:
            paper().print(Text.assemble((f"{finding.verdict:11}", STYLES[finding.verdict]), str(finding)[11:]))
    if as_json:
        show([{"verdict": one.verdict, "subject": one.subject, "text": one.text, "todo": one.todo} for one in found],
             True)  # fmt: skip
    if not is_well(found):
        raise typer.Exit(1)


def _examine(before: bool) -> Iterator[Finding]:
    """Give the findings of all checks that there is something for."""
    from client.doctor import after
    from client.doctor import before as first
    from client.doctor.findings import not_checked, note, run
    from client.doctor.template import Template

    yield from run(first.machine_checks())
    template, place = Template.read(), _place()
    if place is None:
        yield not_checked("account", "no local stack is running, and neither --stack nor --profile names one on AWS")
        return
    stack = _stack_of(place)
    yield from run(first.checks(place, template, stack))
    if before:
        return
    if stack is None:
        yield note("stack", f"there is no stack {place.stack}", "deploy it, then ask again")
        return
    yield from run(after.checks(stack, template))


def _place() -> Place | None:
    from client.target import Place

    try:
        return Place.find(Settings.profile, Settings.region, Settings.stack, Settings.home)
    except SightlineError as error:
        if Settings.profile or Settings.stack:
            raise
        console.print(str(error), soft_wrap=True)
        return None


def _stack_of(place: Place) -> Deployed | None:
    """Return the stack; None also where AWS can't be asked, which the checks of the account then say."""
    from botocore.exceptions import BotoCoreError, ClientError

    from client.doctor.deployed import Deployed

    try:
        return Deployed.find(place)
    except (BotoCoreError, ClientError) as error:
        console.print(f"the stack {place.stack} can't be looked up: {error}", soft_wrap=True)
        return None
