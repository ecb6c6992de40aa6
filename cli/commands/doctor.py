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
    from client.doctor.findings import Finding, Findings
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
    from client.doctor.findings import Check, not_checked, note, run
    from client.doctor.template import Template

    yield from run(first.machine_checks())
    template, place = Template.read(), _place()
    if place is None:
        yield not_checked("account", "no local stack is running, and neither --stack nor --profile names one on AWS")
        return
    found: list[Deployed] = []
    unknown = list(run([Check("stack", lambda: _look(place, found))]))
    stack = found[0] if found else None
    yield from run(first.checks(place, template, stack))
    if before:
        return
    if stack is None:
        yield from unknown or [note("stack", f"there is no stack {place}", "deploy it, then ask again")]
        return
    yield from run(after.checks(stack, template))


def _place() -> Place | None:
    from client.target import Place

    try:
        return Place.find(Settings.profile, Settings.region, Settings.stack, Settings.home)
    except SightlineError as error:
        if Settings.profile or Settings.stack:
            raise
        console.print(str(error))
        return None


def _look(place: Place, found: list[Deployed]) -> Findings:
    """Look the stack up, into `found`. What goes wrong is a finding of the check that this is."""
    from client.doctor.deployed import Deployed

    stack = Deployed.find(place)
    found += [stack] if stack else []
    return []
