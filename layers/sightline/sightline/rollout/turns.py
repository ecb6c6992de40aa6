"""Whose turn it is: which roll-out may have the fleet, and when a person may take one back."""

from collections.abc import Collection
from enum import StrEnum

from sightline.errors import SightlineError
from sightline.models.states import ModelState
from sightline.rollout.record import RUNNING, Attempt, Rollout, RolloutState

GRACE_SECONDS = 600  # beyond what a wait may take, for the steps around it; then a roll-out counts as abandoned


class NoDevicesError(SightlineError):
    """The thing group is empty, so nobody could report health."""


class RolloutInProgressError(SightlineError):
    """Another roll-out of the thing group is not settled yet: try again later."""


class RolloutSupersededError(SightlineError):
    """A newer approval was rolled out meanwhile: there is nothing left to do."""


class OverlappingGroupsError(SightlineError):
    """A thing is in the canary group and in the fleet group."""


class NothingToRollBackError(SightlineError):
    """A roll-back was asked for, and there is nothing before what runs, or somebody else is at it."""


class Turn(StrEnum):
    """What an attempt may do beside the roll-out that the fleet has."""

    START = "START"
    RESUME = "RESUME"  # its own stage, in a repeated call
    NEXT_STAGE = "NEXT_STAGE"
    DONE = "DONE"  # this approval is healthy on the devices already


class WayBack(StrEnum):
    """How a model is taken back."""

    ROLL_BACK = "ROLL_BACK"  # here and now
    STOP = "STOP"  # the running roll-out is told to do it


def may_start(attempt: Attempt, current: Rollout | None, *, now: float) -> Turn:
    """Return what `attempt` may do beside the fleet's `current` roll-out (None: the first ever).

    The newest approval wins: an older one that had to wait never overwrites it. `now` is in seconds since 1970.
    Raise RolloutInProgressError or RolloutSupersededError.
    """
    if current is None:
        return Turn.START
    if current.execution == attempt.execution:
        return _own_turn(current.status)
    if attempt.approved_at < current.approved_at:
        raise RolloutSupersededError(f"{current.model_version} was approved later than {attempt.model_version}")
    if current.is_held(now):
        raise RolloutInProgressError(f"the group is busy with {current.model_version} ({current.status})")
    same = (current.approved_at, current.model_version) == (attempt.approved_at, attempt.model_version)
    if same and current.status == RolloutState.HEALTHY:
        return Turn.DONE
    if same and current.status == RolloutState.ROLLED_BACK:
        raise RolloutSupersededError(
            f"this approval of {attempt.model_version} was rolled back; approve it again to retry"
        )
    return Turn.START


def _own_turn(status: RolloutState) -> Turn:
    if status in (RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK):
        raise RolloutSupersededError("this roll-out was rolled back already")
    if status == RolloutState.ABANDONED:  # a person has redriven its execution
        raise RolloutSupersededError("this roll-out was stopped and let the devices go; approve the model again")
    return {RolloutState.HEALTHY: Turn.DONE, RolloutState.PROMOTED: Turn.NEXT_STAGE}.get(status, Turn.RESUME)


def may_roll_back(current: Rollout | None, before: str, now: float, wanted: str | None = None) -> WayBack:
    """Return how a person's wish to roll back to the model `before` is met (empty: there was none).

    `wanted` is the model that the person wants to be taken back, None for whichever is the newest. Raise
    NothingToRollBackError.
    """
    if current is None:
        raise NothingToRollBackError("no model was ever rolled out to these devices")
    if wanted not in (None, current.model_version):
        raise NothingToRollBackError(
            f"the newest roll-out is that of {current.model_version}, not of {wanted}; look again, and name that one"
        )
    if current.status in RUNNING and current.is_held(now):
        return WayBack.STOP
    if current.status == RolloutState.ROLLED_BACK:
        raise NothingToRollBackError(
            f"{current.model_version} was rolled back already; approve the model that the devices shall run"
        )
    if current.status == RolloutState.ROLLING_BACK and current.is_held(now):
        raise NothingToRollBackError(f"{current.model_version} is being rolled back already")
    state = current.models.get(before)
    if state in (ModelState.REJECTED, ModelState.TAKEN_BACK):
        raise NothingToRollBackError(
            f"the model before it, {before}, is {state}; approve the model that the devices shall run instead"
        )
    return WayBack.ROLL_BACK


def check_apart(canary: Collection[str], fleet: Collection[str]) -> None:
    """Raise OverlappingGroupsError for a thing in both groups.

    Greengrass would ask such a device to run two models at once, and the device would refuse every deployment.
    """
    both = sorted(set(canary) & set(fleet))
    if both:
        raise OverlappingGroupsError(
            f"{', '.join(both[:3])} {'is' if len(both) == 1 else 'are'} in the canary group and in the fleet group; "
            "take canary devices out of the fleet group, then approve the model again"
        )
