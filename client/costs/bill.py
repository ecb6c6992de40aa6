"""A bill: lines of quantities with their prices, and the share of each service."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self, TypedDict

from client.costs.prices import Prices


class LineShown(TypedDict):
    """A line of a bill, as `--json` prints it."""

    service: str
    what: str
    quantity: float
    unit: str
    price: float  # US dollars for one unit
    usd: float
    share: float  # of the bill, 0..1
    estimated: bool


class BillShown(TypedDict):
    """A bill, as `--json` prints it."""

    region: str
    prices_of: str  # the date of the prices
    usd: float
    services: dict[str, float]  # US dollars
    lines: list[LineShown]


@dataclass(frozen=True, slots=True)
class Use:
    """How much of something is used: `price` is its key in prices.json. `estimated`: not counted, but assumed."""

    price: str
    quantity: float
    what: str
    estimated: bool = False

    def times(self, factor: float) -> "Use":
        return Use(self.price, self.quantity * factor, self.what, self.estimated)


@dataclass(frozen=True, slots=True)
class Bill:
    """Uses at the prices of one region, for the time that whoever made it says."""

    uses: tuple[Use, ...]
    prices: Prices

    @classmethod
    def of(cls, uses: Iterable[Use], prices: Prices) -> Self:
        """Return a bill of what is not nothing; uses of the same at the same price are one line."""
        sums: dict[tuple[str, str, bool], float] = defaultdict(float)
        for use in uses:
            sums[use.price, use.what, use.estimated] += use.quantity
        return cls(tuple(Use(price, n, what, est) for (price, what, est), n in sums.items() if n), prices)

    def usd(self, use: Use) -> float:
        return use.quantity * self.prices[use.price].usd

    @property
    def total(self) -> float:
        return sum(map(self.usd, self.uses))

    def services(self) -> dict[str, float]:
        """Return US dollars by service, the dearest first."""
        sums: dict[str, float] = defaultdict(float)
        for use in self.uses:
            sums[self.prices[use.price].service] += self.usd(use)
        return dict(sorted(sums.items(), key=lambda entry: -entry[1]))

    def shown(self) -> BillShown:
        """Return the bill as `--json` prints it: services and their lines, the dearest first."""
        total = self.total
        order = list(self.services())
        lines: list[LineShown] = []
        by_service = sorted(self.uses, key=lambda use: (order.index(self.prices[use.price].service), -self.usd(use)))
        for use in by_service:
            price, usd = self.prices[use.price], self.usd(use)
            lines.append(
                {
                    "service": price.service,
                    "what": use.what,
                    "quantity": round(use.quantity, 6),
                    "unit": price.unit,
                    "price": price.usd,
                    "usd": round(usd, 6),
                    "share": round(usd / total, 4) if total else 0.0,
                    "estimated": use.estimated,
                }
            )
        return {
            "region": self.prices.region,
            "prices_of": self.prices.date,
            "usd": round(total, 6),
            "services": rounded(self.services()),
            "lines": lines,
        }


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}
