"""What each device said last of each model version, in DynamoDB: one item for one device."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from sightline.aws.clients import Aws
from sightline.aws.table import Table


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What a device said of a model: `healthy` when every golden image gave what was expected, else `reason`.

    `at` is the device's own time in ISO 8601.
    """

    healthy: bool
    reason: str
    at: str

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        """Return what a device's item holds of one model version."""
        return cls(healthy=bool(item["healthy"]), reason=str(item["reason"]), at=str(item["at"]))


@dataclass(frozen=True, slots=True)
class LastWord:
    """The model that a device spoke of last, and whether it was well."""

    model_version: str
    healthy: bool


class Reports:
    """The items of all devices, in the table of the roll-outs."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = Table(aws, table)

    def of(self, thing: str) -> dict[str, ModelReport]:
        """Return model version → what the thing said of it last."""
        item = self.table.get(_key(thing)) or {}
        said = {version: entry for version, entry in item.items() if isinstance(entry, Mapping)}
        return {version: ModelReport.from_item(entry) for version, entry in said.items()}

    def last(self, thing: str) -> LastWord | None:
        """Return what the thing said last, of whichever model; None before it said anything."""
        found = self.of(thing)
        version = max(found, key=lambda name: found[name].at, default=None)
        return LastWord(version, found[version].healthy) if version else None

    def remember(self, thing: str, model_version: str, report: ModelReport) -> None:
        """Keep a report, unless the thing said something newer of this version."""
        self.table.update(
            _key(thing),
            "SET #version = :said",
            {"said": asdict(report), "at": report.at},
            condition="attribute_not_exists(#version) OR #version.#at <= :at",
            names={"version": model_version},
        )


def _key(thing: str) -> dict[str, str]:
    return {"pk": f"thing#{thing}"}
