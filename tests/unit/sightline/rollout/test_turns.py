"""Whose turn it is: the newest approval wins, one roll-out at a time, and what a person may take back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sightline.rollout.record import OPEN, Attempt, RolloutState
from sightline.rollout.turns import (
    NothingToRollBackError,
    RolloutInProgressError,
    RolloutSupersededError,
    Turn,
    WayBack,
    may_roll_back,
    may_start,
)
from tests.rollouts import NOW, rollout

MINE = Attempt("execution-2", "1.0.2", datetime(2026, 11, 20, 10, tzinfo=UTC))


def test_the_first_roll_out_of_a_group_starts() -> None:
    assert may_start(MINE, None, now=NOW) == Turn.START


@pytest.mark.parametrize("status", [RolloutState.HEALTHY, RolloutState.ROLLED_BACK])
def test_a_newer_approval_starts_when_the_last_roll_out_is_settled(status: RolloutState) -> None:
    assert may_start(MINE, rollout(status=status), now=NOW) == Turn.START


@pytest.mark.parametrize("status", OPEN)
def test_a_newer_approval_waits_while_another_has_the_group(status: RolloutState) -> None:
    with pytest.raises(RolloutInProgressError, match=f"busy with 1.0.1 \\({status}\\)"):
        may_start(MINE, rollout(status=status), now=NOW)


@pytest.mark.parametrize("status", OPEN)
def test_an_abandoned_roll_out_keeps_the_group_only_until_its_deadline(status: RolloutState) -> None:
    abandoned = rollout(status=status, deadline=NOW)
    assert may_start(MINE, abandoned, now=NOW) == Turn.START
    assert abandoned.is_abandoned(NOW)


def test_a_settled_roll_out_is_never_abandoned() -> None:
    assert not rollout(deadline=0).is_abandoned(NOW)


@pytest.mark.parametrize("status", [RolloutState.WAITING, RolloutState.HEALTHY, RolloutState.ROLLED_BACK])
def test_an_older_approval_never_overwrites_a_newer_one(status: RolloutState) -> None:
    newer = rollout(approved_at="2026-11-20T10:00:01+00:00", status=status, model_version="1.0.3")
    with pytest.raises(RolloutSupersededError, match=r"1\.0\.3 was approved later than 1\.0\.2"):
        may_start(MINE, newer, now=NOW)


def test_an_approval_that_arrives_twice_is_done_when_it_is_healthy() -> None:
    twin = rollout(approved_at=MINE.approved_at.isoformat(), model_version=MINE.model_version)
    assert may_start(MINE, twin, now=NOW) == Turn.DONE


def test_an_approval_that_arrives_twice_is_not_tried_again_after_a_roll_back() -> None:
    twin = rollout(
        approved_at=MINE.approved_at.isoformat(), model_version=MINE.model_version, status=RolloutState.ROLLED_BACK
    )
    with pytest.raises(RolloutSupersededError, match="approve it again to retry"):
        may_start(MINE, twin, now=NOW)


@pytest.mark.parametrize(
    ("status", "turn"),
    [(RolloutState.WAITING, Turn.RESUME), (RolloutState.PROMOTED, Turn.NEXT_STAGE), (RolloutState.HEALTHY, Turn.DONE)],
)
def test_a_repeated_call_goes_on_where_it_was(status: RolloutState, turn: Turn) -> None:
    own = rollout(execution=MINE.execution, approved_at=MINE.approved_at.isoformat(), status=status, deadline=0)
    assert may_start(MINE, own, now=NOW) == turn


@pytest.mark.parametrize("status", [RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK])
def test_a_repeated_call_does_not_deploy_again_after_its_roll_back(status: RolloutState) -> None:
    with pytest.raises(RolloutSupersededError, match="rolled back already"):
        may_start(MINE, rollout(execution=MINE.execution, status=status), now=NOW)


@pytest.mark.parametrize(
    ("changes", "way"),
    [
        ({"status": RolloutState.HEALTHY}, WayBack.ROLL_BACK),
        ({"status": RolloutState.WAITING}, WayBack.STOP),
        ({"status": RolloutState.BAKING}, WayBack.STOP),
        ({"status": RolloutState.BAKING, "deadline": NOW}, WayBack.ROLL_BACK),  # its execution is gone
        ({"status": RolloutState.ROLLING_BACK, "deadline": NOW}, WayBack.ROLL_BACK),
    ],
)
def test_a_person_may_roll_back_what_runs_or_stop_what_is_being_rolled_out(
    changes: dict[str, Any], way: WayBack
) -> None:
    assert may_roll_back(rollout(**changes), "", NOW) == way


@pytest.mark.parametrize("changes", [None, {"status": RolloutState.ROLLED_BACK}, {"status": RolloutState.ROLLING_BACK}])
def test_what_is_rolled_back_is_not_rolled_back_again(changes: Any) -> None:
    with pytest.raises(NothingToRollBackError):
        may_roll_back(rollout(**changes) if changes else None, "", NOW)


@pytest.mark.parametrize("state", ["rejected", "taken back"])
def test_nothing_is_rolled_back_to_a_model_that_must_not_run(state: str) -> None:
    replaced = rollout(**{"model#1.0.1": "in service", "model#1.0.0": "replaced"})
    assert may_roll_back(replaced, "1.0.0", NOW) == WayBack.ROLL_BACK
    with pytest.raises(NothingToRollBackError, match=rf"the model before it, 1\.0\.0, is {state}; approve the model"):
        may_roll_back(rollout(**{"model#1.0.1": "in service", "model#1.0.0": state}), "1.0.0", NOW)
