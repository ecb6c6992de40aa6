"""What the devices' reports add up to."""

import json
from typing import Any

import pytest

from sightline.fields import InvalidFieldError
from sightline.rollout.decisions import Limits, Step, against, decide, judge_silence
from sightline.rollout.record import Rollout, RolloutState
from sightline.rollout.stages import Stage
from tests import fake_account
from tests.rollouts import NOW, rollout

LIMITS = Limits(abort_percentage=20, min_proven_percentage=50, max_disagreement=0.3, max_latency_ms=2000)


def stage(**changes: Any) -> Rollout:
    """A roll-out that waits for ten devices of the fleet, after the canary group."""
    things = [f"line-{number}" for number in range(10)]
    return rollout(**{"status": "WAITING", "stages": ["canary", "fleet"], "things": things} | changes)


def test_limits_are_read_as_the_template_gives_them() -> None:
    assert Limits.from_json(json.dumps(fake_account.LIMITS)) == LIMITS
    with pytest.raises(
        InvalidFieldError, match=r"max_disagreement must be a number of 0\.\.1, got 30 in ROLLOUT_LIMITS"
    ):
        Limits.from_json(json.dumps(fake_account.LIMITS | {"max_disagreement": 30}))


def failed(number: int) -> dict[str, str]:
    return {f"line-{place}": "broken" for place in range(number)}


def proven(first: int, last: int = 10) -> set[str]:
    return {f"line-{place}" for place in range(first, last)}


@pytest.mark.parametrize(
    ("changes", "stopped"),
    [
        ({}, False),
        ({"failed": failed(1)}, False),  # the first of ten that answers
        ({"failed": failed(1), "healthy": proven(1)}, False),  # 10 %
        ({"failed": failed(2), "healthy": proven(2)}, True),  # 20 %
        ({"failed": failed(5), "healthy": proven(5, 9)}, False),  # nine have answered
        ({"failed": failed(2), "healthy": proven(0)}, True),  # who failed after a proof has failed
        ({"failed": failed(1), "things": ["line-0"]}, True),
        ({"stage": Stage.CANARY, "failed": failed(1)}, True),
        ({"stop": "a person wants it"}, True),
    ],
)
def test_the_fleet_lives_with_a_share_of_failures_and_the_canary_group_with_none(
    changes: dict[str, Any], stopped: bool
) -> None:
    assert bool(against(stage(**changes), LIMITS)) is stopped


@pytest.mark.parametrize(
    ("images", "differ", "stopped"),
    [(10, 4, False), (10, 7, True), (1000, 310, False), (1000, 340, True), (0, 0, False)],
)
def test_a_few_images_must_disagree_more_clearly_than_many(images: int, differ: int, stopped: bool) -> None:
    bake = {"line-1": {"images": images, "disagreements": differ, "latency_ms": 50, "until": ""}}
    assert bool(against(stage(bake=bake), LIMITS)) is stopped


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"healthy": proven(0)}, Step.BAKE),
        ({"healthy": proven(5)}, Step.BAKE),  # half have proven it, the others may be offline
        ({"healthy": proven(6)}, Step.ROLL_BACK),
        ({}, Step.ROLL_BACK),
        ({"healthy": proven(0), "status": RolloutState.BAKING, "bake_until": NOW + 60}, Step.BAKE),
        ({"healthy": proven(0), "status": RolloutState.BAKING, "bake_until": NOW + 1}, Step.DONE),
        ({"healthy": proven(0), "status": RolloutState.BAKING, "bake_until": NOW, "stage": Stage.CANARY}, Step.PROMOTE),
        ({"status": RolloutState.PROMOTED}, Step.PROMOTE),
        ({"status": RolloutState.HEALTHY}, Step.DONE),
    ],
)
def test_a_stage_bakes_when_it_is_proven_and_goes_on_when_it_is_baked(changes: dict[str, Any], step: Step) -> None:
    assert decide(stage(**changes), LIMITS, now=NOW).step == step


@pytest.mark.parametrize(
    ("status", "counts"),
    [("QUEUED", False), ("", False), ("CANCELED", False), ("FAILED", True), ("SUCCEEDED", True), ("IN_PROGRESS", True)],
)
def test_only_a_device_that_took_the_deployment_is_silent(status: str, counts: bool) -> None:
    assert bool(judge_silence(status, "", 900)) is counts
