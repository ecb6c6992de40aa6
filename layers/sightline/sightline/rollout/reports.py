"""What each device said last of each model version, in DynamoDB: one item for one device."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
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


@dataclass(frozen=True, slots=True)
class Said:
    """What a device has said. `heard_at` is None before it said anything."""

    heard_at: datetime | None
    models: Mapping[str, ModelReport]


class Reports:
    """The items of all devices, in the table of the roll-outs."""

    def __init__(self, aws: Aws, table: str) -> None:
        self.table = Table(aws, table)

    def said(self, thing: str) -> Said:
        """Return what the thing said of each model version, and when it was heard last."""
        item = self.table.get(_key(thing)) or {}
        found = {version: entry for version, entry in item.items() if isinstance(entry, Mapping)}
        heard = item.get("heard_at")
        return Said(
            heard_at=datetime.fromisoformat(heard) if isinstance(heard, str) else None,
            models={version: ModelReport.from_item(entry) for version, entry in found.items()},
        )

    def of(self, thing: str) -> Mapping[str, ModelReport]:
        """Return model version → what the thing said of it last."""
        return self.said(thing).models

    def hear(self, thing: str) -> None:
        """Note that the thing spoke just now, by the clock of the cloud: what it says may be from its outbox."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.table.update(_key(thing), "SET #heard_at = :now", {"now": now})

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
