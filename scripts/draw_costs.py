"""Write the idle bill into docs/reference/costs.md: what it consists of, and what each option adds (`--check`)."""

import sys

from client.costs import idle
from client.costs.bill import Bill
from client.costs.prices import Prices
from client.costs.template import Template
from scripts.generated import ROOT, table, with_block, write_or_check

PAGE = ROOT / "docs" / "reference" / "costs.md"
REGIONS = ("us-east-1", "eu-central-1")
OPTIONS = (
    ("TrainingScheduleState", "ENABLED"),
    ("ScoringScheduleState", "ENABLED"),
    ("LabelingSchedule", "rate(1 hour)"),
    ("PredictConcurrency", "1"),
    ("EndpointModelPackageArn", "ARN"),
    ("LabelingBackend", "ground-truth"),
    ("FeatureStore", "false"),
    ("TrainingImageUri", "URI"),
    ("MonthlyBudget", "100"),
)


def bill(region: str, **parameters: str) -> Bill:
    return Bill.of(idle.uses(Template.of(parameters)), Prices.of(region))


def lines() -> str:
    """Return what the idle bill consists of by default."""
    rows = []
    for line in bill(REGIONS[0]).shown()["lines"]:
        quantity = f"{line['quantity']:,.0f}" if line["quantity"] >= 1 else f"{line['quantity']:.2g}"
        how = "estimated" if line["estimated"] else "counted"
        rows.append((line["service"], line["what"], f"{quantity} × {line['unit']}", how, f"{line['usd']:.4f}"))
    return table(("service", "what", "quantity", "", "US dollars a month"), rows)


def options() -> str:
    """Return the idle bill by default and with each option, in both regions."""
    rows = [("by default", *(f"{bill(region).total:.2f}" for region in REGIONS))]
    rows += [
        (f"`{name}={value}`", *(f"{bill(region, **{name: value}).total:.2f}" for region in REGIONS))
        for name, value in OPTIONS
    ]
    return table(("parameters", *REGIONS), rows)


def main() -> int:
    page = with_block(PAGE.read_text(), "idle-lines", lines())
    return write_or_check({PAGE: with_block(page, "idle-options", options())}, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
