"""What the devices' reports add up to: whether a stage bakes, is promoted, is done, or is taken back."""

import json
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Self

from sightline.errors import SightlineError
from sightline.fields import Fields
from sightline.line.messages import MAX_REASON
from sightline.rollout.record import Rollout, RolloutState
from sightline.rollout.stages import Stage

ABORT_AFTER = 10  # devices that must have answered before a share of failures stops a fleet's stage
BAKE_SLACK = 5  # seconds by which a bake may end early: its clock starts with the task, the record's a little later
CONFIDENCE = 1.96  # standard normal quantile: a disagreement counts when chance explains it in less than 2.5 % of cases


class ModelRefusedError(SightlineError):
    """The devices' reports speak against the model: the error under which a roll-out is taken back."""


class Step(StrEnum):
    """What happens next with a stage."""

    BAKE = "BAKE"
    PROMOTE = "PROMOTE"
    DONE = "DONE"
    ROLL_BACK = "ROLL_BACK"


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens next with a stage, and why."""

    step: Step
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """When a roll-out is taken back.

    Percentages are of devices, 0 to 100; disagreement is a share of images, 0 to 1; latency is the 95th percentile on a
    device in milliseconds.
    """

    abort_percentage: float
    min_proven_percentage: float
    max_disagreement: float
    max_latency_ms: float

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the limits that the template gives a function. Raise InvalidFieldError."""
        fields = Fields(json.loads(text), "in ROLLOUT_LIMITS")
        return cls(
            abort_percentage=fields.number("abort_percentage", 0, 100),
            min_proven_percentage=fields.number("min_proven_percentage", 0, 100),
            max_disagreement=fields.number("max_disagreement", 0, 1),
            max_latency_ms=fields.number("max_latency_ms", 0),
        )


def disagreement(current: Rollout) -> tuple[int, int]:
    """Return how many images both models saw during the bake, and on how many their verdicts differ."""
    baked = current.bake.values()
    return sum(counts.images for counts in baked), sum(counts.disagreements for counts in baked)


def lower_bound(hits: int, total: int) -> float:
    """Return Wilson's lower bound of a share: what is at least behind `hits` of `total`; 0 without any."""
    if not total:
        return 0.0
    share, square = hits / total, CONFIDENCE**2
    spread = CONFIDENCE * sqrt(share * (1 - share) / total + square / (4 * total**2))
    return max(0.0, (share + square / (2 * total) - spread) / (1 + square / total))


def against(current: Rollout, limits: Limits) -> str:
    """Return why the stage must be taken back now; empty when nothing speaks against going on.

    On the canary group one failed device is enough. On the fleet it is `abort_percentage` of those that answered, once
    ABORT_AFTER have (or all, where there are fewer): the rule of the IoT job that carries the deployment, so both
    agree.
    """
    if current.stop:
        return current.stop
    failed, answered, canary = current.failed, current.answers, current.stage == Stage.CANARY
    enough = canary or answered >= min(ABORT_AFTER, len(current.things))
    percentage = 1 if canary else limits.abort_percentage
    if failed and enough and len(failed) * 100 >= percentage * answered:
        told = "; ".join(f"{thing}: {reason}" for thing, reason in sorted(failed.items())[:3])
        return f"{len(failed)} of {answered} devices of the {current.stage} stage failed: {told}"[:MAX_REASON]
    images, differ = disagreement(current)
    if lower_bound(differ, images) > limits.max_disagreement:
        return (
            f"{current.model_version} and the model before it gave different verdicts on {differ} of {images} live "
            f"images, more than the {limits.max_disagreement:g} allowed"
        )
    return ""


def decide(current: Rollout, limits: Limits, *, now: float) -> Decision:
    """Return what happens with the stage at hand: after the wait for its devices, and again after their bake time."""
    if current.status == RolloutState.HEALTHY:
        return Decision(Step.DONE, current.reason)
    if current.status == RolloutState.PROMOTED:
        return Decision(Step.PROMOTE, current.reason)
    reason = against(current, limits) or _too_few(current, limits)
    if reason:
        return Decision(Step.ROLL_BACK, reason)
    summary = _summary(current)
    if current.status == RolloutState.WAITING or now < current.bake_until - BAKE_SLACK:
        return Decision(Step.BAKE, summary)
    images, differ = disagreement(current)
    seen = f"{differ} of {images} live images judged differently" if images else "no live image was compared"
    last = current.stage == current.stages[-1]
    return Decision(Step.DONE if last else Step.PROMOTE, f"{summary}; {seen}")


def _too_few(current: Rollout, limits: Limits) -> str:
    proven = len(current.proven)
    if proven and proven * 100 >= limits.min_proven_percentage * len(current.things):
        return ""
    least = f"at least {limits.min_proven_percentage:g} % must"
    return f"too few devices of the {current.stage} stage proved the model ({least}): {_summary(current)}"


def _summary(current: Rollout) -> str:
    proven, total, silent = len(current.proven), len(current.things), current.silent
    parts = [f"{proven} of {total} devices of the {current.stage} stage are healthy with {current.model_version}"]
    if current.failed:
        parts.append(f"failed: {', '.join(sorted(current.failed)[:5])}")
    if silent:
        parts.append(f"{len(silent)} have not taken it yet: {', '.join(silent[:5])}")
    return "; ".join(parts)


def judge_silence(status: str, reason: str, timeout: int) -> str:
    """Return why a device that reported nothing counts as failed; empty when it has not taken the deployment yet.

    `status` and `reason` are what Greengrass says of the deployment on this device, `timeout` is in seconds. A device
    that is offline stays QUEUED: it keeps its model, and takes whatever the group runs when it comes back.
    """
    if status in ("QUEUED", "CANCELED", ""):
        return ""
    if status in ("FAILED", "REJECTED", "TIMED_OUT"):
        return f"deployment {status.lower()}: {reason or 'no reason given'}"[:MAX_REASON]
    return f"took the deployment ({status.lower()}) and sent no health report for {timeout} s"
