"""AWS list prices by region, from `prices.json`: the one place that has any."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from sightline.errors import SightlineError

FILE = Path(__file__).with_name("prices.json")
REGION = "us-east-1"  # whose prices stand for those of others, where nobody names one
INSTANCE = "sagemaker.hour."  # before the name of an instance type
HOURS = 730.0  # of a month, as AWS counts
DAYS = HOURS / 24
GB = 10**9  # bytes


class UnknownPriceError(SightlineError):
    """A region or an instance type that the file does not have."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs in one region, in US dollars."""

    service: str  # as the bill names it
    unit: str
    source: str  # the page that states the price
    usd: float


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one region."""

    region: str
    date: str  # on which they were entered, YYYY-MM-DD
    by_key: dict[str, Price]

    @classmethod
    def of(cls, region: str) -> Self:
        """Return the prices of a region. Raise UnknownPriceError for one that the file does not have."""
        read = _file()
        regions = sorted({name for entry in read["prices"].values() for name in entry["usd"]})
        if region not in regions:
            raise UnknownPriceError(f"no prices for region {region!r} in {FILE.name}; it has {', '.join(regions)}")
        prices = {
            key: Price(entry["service"], entry["unit"], entry["source"], entry["usd"][region])
            for key, entry in read["prices"].items()
        }
        return cls(region, read["date"], prices)

    def __getitem__(self, key: str) -> Price:
        """Return a price. Raise UnknownPriceError for an instance type that the file does not have."""
        if key in self.by_key:
            return self.by_key[key]
        known = [name.removeprefix(INSTANCE) for name in self.by_key if name.startswith(INSTANCE)]
        raise UnknownPriceError(
            f"no price for {key.removeprefix(INSTANCE)!r} in {FILE.name}; it has {', '.join(sorted(known))}; "
            f"add {key!r} there"
        )


@cache
def _file():  # type: ignore[no-untyped-def]  # the shape is checked by tests/unit/client/costs/test_bill.py
    return json.loads(FILE.read_text())
