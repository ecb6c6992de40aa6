"""What a stack costs, by AWS list prices: before it runs, while it idles, and what it has used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer
from rich.table import Table

from cli.screen import JsonOption, Settings, console, paper, show, target

if TYPE_CHECKING:
    from client.costs.bill import BillShown

app = typer.Typer(
    no_args_is_help=True,
    help="What a stack costs, by AWS list prices: before it runs, while it idles, and what it has used.",
)
DAYS = 30

RegionOption = Annotated[
    str, typer.Option("--prices", help="Region of the list prices; default: that of --region, else us-east-1.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Parameter of the template as Name=Value; may be given again.")
]


class UsedShown(TypedDict):
    """What `cost used --json` prints."""

    days: float
    images: int  # uploads that were announced
    usd_per_image: float | None
    used: BillShown  # from CloudWatch
    billed: dict[str, float]  # US dollars by service, from Cost Explorer
    notes: list[str]


def _rows(bill: BillShown) -> Table:
    table = Table("service", "what", "quantity", "unit", "US dollars", "share", box=None, header_style="bold")
    for line in bill["lines"]:
        what = line["what"] + (" (estimated)" if line["estimated"] else "")
        quantity = f"{line['quantity']:,.0f}" if line["quantity"] >= 100 else f"{line['quantity']:,.3g}"
        table.add_row(line["service"], what, quantity, line["unit"], f"{line['usd']:,.4f}", f"{line['share']:.1%}")
    table.add_row("total", "", "", "", f"{bill['usd']:,.2f}", "100%")
    return table


def _region(given: str) -> str:
    return given or Settings.region or "us-east-1"


def _print(bill: BillShown) -> None:
    out = paper()
    out.print(_rows(bill))
    console.print(f"List prices of {bill['prices_of']} in {bill['region']}, without the free tier and taxes.")


@app.command("idle")
def cost_idle(region: RegionOption = "", parameter: SetOption = None, as_json: JsonOption = False) -> None:
    """Show what a stack costs in a month in which nothing happens."""
    from client import parameters
    from client.costs import idle
    from client.costs.bill import Bill
    from client.costs.prices import Prices
    from client.costs.template import Template

    uses = idle.uses(Template.of(parameters.pairs(parameter or [], "--set")))
    bill = Bill.of(uses, Prices.of(_region(region))).shown()
    show(bill, True) if as_json else _print(bill)


@app.command("estimate")
def cost_estimate(
    images: Annotated[float, typer.Option(min=0, help="Images uploaded and labelled a day.")] = 100,
    image_mb: Annotated[float, typer.Option(min=0, help="Size of one image, MB.")] = 3.0,
    rounds: Annotated[float, typer.Option(min=1, help="Rounds in which an image is labelled, on average.")] = 1.0,
    people: Annotated[int, typer.Option(min=0, help="People who sign in.")] = 3,
    hours: Annotated[float, typer.Option(min=0, max=24, help="Hours a day in which people label.")] = 8,
    trainings: Annotated[float, typer.Option(min=0, help="Trainings a month.")] = 4,
    training_hours: Annotated[float, typer.Option(min=0, help="Hours that one training takes.")] = 1.0,
    devices: Annotated[int, typer.Option(min=0, help="Devices on the line.")] = 1,
    verdicts: Annotated[float, typer.Option(min=0, help="Verdicts of one device a day.")] = 10_000,
    scored: Annotated[float, typer.Option(min=0, help="Images scored in the cloud a day.")] = 0,
    region: RegionOption = "",
    parameter: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate what a stack will cost in a month, before it is deployed."""
    from client import parameters
    from client.costs import estimate
    from client.costs.bill import Bill
    from client.costs.prices import DAYS as MONTH
    from client.costs.prices import Prices
    from client.costs.template import Template
    from client.costs.work import Work

    workload = estimate.Workload(
        images=images * MONTH,
        image_mb=image_mb,
        rounds=rounds,
        people=people,
        hours=hours * MONTH if images else 0,
        trainings=trainings,
        training_hours=training_hours,
        builds=1 if trainings else 0,
        devices=devices,
        verdicts=verdicts * MONTH,
        scored=scored * MONTH,
        runs=MONTH if scored else 0,
    )
    uses = estimate.uses(workload, Template.of(parameters.pairs(parameter or [], "--set")), Work.measured())
    bill = Bill.of(uses, Prices.of(_region(region))).shown()
    show(bill, True) if as_json else _print(bill)


@app.command("used")
def cost_used(
    days: Annotated[int, typer.Option(min=1, max=60, help="How far back.")] = DAYS,
    region: RegionOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what the stack has used, and what Cost Explorer says (0.01 US dollars a question)."""
    from client.costs import used
    from client.costs.bill import Bill
    from client.costs.prices import Prices

    found, period = target(), used.Period.days(days)
    place = region or Settings.region or getattr(found.session, "region_name", None) or "us-east-1"
    bill = Bill.of(used.uses(found, period), Prices.of(place)).shown()
    images, billed = used.images(found, period), used.billed(found, period)
    value: UsedShown = {
        "days": days,
        "images": images,
        "usd_per_image": round(bill["usd"] / images, 6) if images else None,
        "used": bill,
        "billed": dict(billed.services),
        "notes": [used.NOT_COUNTED, *([billed.reason] if billed.reason else [])],
    }
    if as_json:
        return show(value, True)
    _print(bill)
    if images:
        console.print(f"{images} images in {days} days: {value['usd_per_image']:.4f} US dollars each.")
    for service, usd in sorted(value["billed"].items(), key=lambda entry: -entry[1]):
        console.print(f"Cost Explorer: {service} {usd:.2f}")
    for note in value["notes"]:
        console.print(note)
    return None
