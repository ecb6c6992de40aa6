"""The roll-out of a fleet, as its item in DynamoDB keeps it. A fleet has one at a time.

With a canary group: WAITING → BAKING → PROMOTED → WAITING → BAKING → HEALTHY. Without one: WAITING → BAKING → HEALTHY.
From each of these it may go to ROLLING_BACK → ROLLED_BACK, and to ABANDONED from all but the settled ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self, cast

from sightline.clock import is_too_far
from sightline.fields import Fields
from sightline.models.standing import recorded
from sightline.models.states import States
from sightline.names import OwnComponents
from sightline.rollout.components import Components, model_of
from sightline.rollout.stages import Stage


class RolloutState(StrEnum):
    """Where a roll-out is."""

    WAITING = "WAITING"  # for the devices of a stage to prove the model
    BAKING = "BAKING"  # they did; live images go through it for a while
    PROMOTED = "PROMOTED"  # the canary stage is through, the fleet's is next
    HEALTHY = "HEALTHY"
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"
    ABANDONED = "ABANDONED"  # its execution ended before it was settled; the devices go on with what they run


COUNTING = (RolloutState.WAITING, RolloutState.BAKING)  # reports count
RUNNING = (*COUNTING, RolloutState.PROMOTED)  # the model is on its way to the devices
OPEN = (*RUNNING, RolloutState.ROLLING_BACK)  # the groups may still change


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to bring a model to a fleet: `execution` is the ARN of the workflow that owns it."""

    execution: str
    model_version: str
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class BakeCount:
    """Live images of one device since its stage bakes, seen by the new model and by the one before.

    `latency_ms` is the 95th percentile of the last window, `until` the end of that window as the device wrote it.
    """

    images: int
    disagreements: int
    latency_ms: float
    until: str

    @classmethod
    def from_item(cls, item: object, where: str) -> Self:
        """Return the counts of one device. Raise InvalidFieldError."""
        fields = Fields(item, where)
        images = fields.whole("images", 0)
        return cls(
            images=images,
            disagreements=fields.whole("disagreements", 0, images),
            latency_ms=fields.number("latency_ms", 0, default=0.0),
            until=fields.text("until", ""),
        )


@dataclass(frozen=True, slots=True)
class Rollout:
    """A fleet's roll-out. Times are seconds since 1970; texts are empty for what is not there yet.

    `things` are those of the stage at hand; `healthy` proved the model, `failed` says why others did not. `components`
    is what each stage gets, `previous` what it ran before. Without any report it keeps the fleet until `deadline`.
    """

    execution: str
    model_version: str
    approved_at: datetime
    status: RolloutState
    stage: Stage
    stages: tuple[Stage, ...]
    things: tuple[str, ...]
    task_token: str
    answered: str  # the token that was answered already
    deadline: int
    hold_seconds: int
    components: Mapping[Stage, Components]
    previous: Mapping[Stage, Components]
    deployments: Mapping[Stage, str]  # Greengrass's ids
    healthy: frozenset[str]
    failed: Mapping[str, str]
    bake: Mapping[str, BakeCount]
    bake_until: int  # 0 before the stage bakes
    stop: str  # why a person wants the model back
    reason: str  # why the last stage was promoted
    models: States  # what each model of the stack is

    @classmethod
    def from_item(cls, item: Mapping[str, object]) -> Self:
        """Return the roll-out of an item. Raise InvalidFieldError."""
        fields = Fields(item, f"in the roll-out {item.get('pk', '')}")
        bake = fields.mapping("bake")
        return cls(
            execution=fields.text("execution"),
            model_version=fields.text("model_version"),
            approved_at=fields.moment("approved_at"),
            status=fields.choice("status", RolloutState),
            stage=fields.choice("stage", Stage),
            stages=tuple(Stage(stage) for stage in fields.texts("stages")),
            things=fields.texts("things"),
            task_token=fields.text("task_token"),
            answered=fields.text("answered", ""),
            deadline=fields.whole("deadline", 0),
            hold_seconds=fields.whole("hold_seconds", 0),
            components=_by_stage(fields.mapping("components")),
            previous=_by_stage(fields.mapping("previous")),
            deployments={Stage(stage): str(found) for stage, found in fields.mapping("deployments").items()},
            healthy=frozenset(fields.texts("healthy")),
            failed={thing: str(reason) for thing, reason in fields.mapping("failed").items()},
            bake={thing: BakeCount.from_item(counts, f"in bake of {thing}") for thing, counts in bake.items()},
            bake_until=fields.whole("bake_until", 0, default=0),
            stop=fields.text("stop", ""),
            reason=fields.text("reason", ""),
            models=recorded(item),
        )

    @property
    def counts(self) -> bool:
        """Whether what devices report changes anything."""
        return self.status in COUNTING

    @property
    def proven(self) -> frozenset[str]:
        """The things of the stage that run the model well: those that failed after their proof are not among them."""
        return self.healthy - self.failed.keys()

    @property
    def answers(self) -> int:
        """How many things have proven the model, or failed."""
        return len(self.healthy | self.failed.keys())

    @property
    def silent(self) -> list[str]:
        """The things of the stage that have said nothing, sorted."""
        return sorted(set(self.things) - self.healthy - self.failed.keys())

    def has_answered(self, thing: str) -> bool:
        """Return whether the thing has proven the model of the stage, or failed."""
        return thing in self.healthy or thing in self.failed

    def is_held(self, now: float) -> bool:
        """Return whether the owner of the roll-out may still change the groups."""
        by_wrong_clock = self.hold_seconds > 0 and is_too_far(self.deadline, now, self.hold_seconds)
        return self.status in OPEN and now < self.deadline and not by_wrong_clock

    def is_abandoned(self, now: float) -> bool:
        """Return whether it was never settled: what it deployed is not proven, what ran before it is."""
        return self.status == RolloutState.ABANDONED or (self.status in OPEN and not self.is_held(now))

    def model_before(self, own: OwnComponents) -> str:
        """Return the version of the model that most devices ran before; empty for none."""
        return model_of(own, self.previous[self.stages[-1]])

    def stages_begun(self) -> tuple[Stage, ...]:
        """Return the stages whose devices may have taken the model, in order."""
        return self.stages[: self.stages.index(self.stage) + 1]

    def next_stage(self) -> Stage:
        """Return the stage after the one at hand, which is not the last."""
        return self.stages[self.stages.index(self.stage) + 1]


def _by_stage(found: Mapping[str, object]) -> dict[Stage, Components]:
    # Greengrass has checked these when they were deployed, and nobody else writes them.
    return {Stage(stage): cast(Components, components) for stage, components in found.items()}
