"""The stages of a roll-out: the canary group gets a model first, the fleet group after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Stage(StrEnum):
    """A thing group's part in a roll-out. Deployments and records carry the value."""

    CANARY = "canary"
    FLEET = "fleet"


@dataclass(frozen=True, slots=True)
class Groups:
    """The ARNs of a stack's thing groups. `canary` is empty where there is no canary group."""

    fleet: str
    canary: str = ""

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Self:
        """Return the groups that a stack's outputs name."""
        fleet, name = outputs["ThingGroupArn"], outputs.get("CanaryThingGroupName", "")
        return cls(fleet=fleet, canary=f"{fleet.rpartition('/')[0]}/{name}" if name else "")

    def by_stage(self) -> dict[Stage, str]:
        """Return the ARN of each group that there is, in the order of a roll-out."""
        return ({Stage.CANARY: self.canary} if self.canary else {}) | {Stage.FLEET: self.fleet}
