"""A clock that was wrong, or is set back, holds nothing for longer than it lasts by a right one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from sightline.aws.table import Table
from sightline.clock import SKEW_SECONDS, is_too_far
from sightline.images import ledger, sweep
from sightline.images.ledger import Ledger
from sightline.labelling import leases
from sightline.labelling.jobs import Jobs
from sightline.labelling.leases import Leases
from sightline.labelling.lines import AskedImage
from sightline.labelling.tasks import JobKind, NewJob
from sightline.rollout.record import OPEN, RolloutState
from tests.fake_cloud import Cloud
from tests.given_aws import GivenAws
from tests.images import TABLE
from tests.rollouts import NOW, rollout

HOURS = 3600
ASKED: AskedImage = {"image_id": "01", "bucket": "images", "key": "1.jpg", "width": 64, "height": 64, "rank": 1}


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`set_clock(3600)`: the clocks of what is tested here are an hour ahead from now on."""
    ahead = [0.0]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=ahead[0])

    monkeypatch.setattr(ledger, "datetime", Clock)
    monkeypatch.setattr(sweep, "now", lambda: Clock.now(UTC))
    monkeypatch.setattr(leases, "now", lambda: int(Clock.now(UTC).timestamp() * 1000))
    return lambda seconds: ahead.__setitem__(0, seconds)


@pytest.fixture
def aws() -> Iterator[GivenAws]:
    with mock_aws():
        Cloud()
        yield GivenAws()


def test_an_end_is_too_far_ahead_only_beyond_what_clocks_differ_by() -> None:
    assert not is_too_far(1000 + 60 + SKEW_SECONDS, 1000, 60)
    assert is_too_far(1001 + 60 + SKEW_SECONDS, 1000, 60)
    assert not is_too_far(0, 1000, 60)


@pytest.mark.parametrize("ahead", [5 * HOURS, 3000 * HOURS])
def test_a_window_that_a_wrong_clock_has_opened_is_replaced(
    ahead: float, aws: GivenAws, set_clock: Callable[[float], None]
) -> None:
    images = Ledger(aws, TABLE)
    set_clock(ahead)
    wrong = images.open_window(60)
    assert images.open_window(60) == wrong
    set_clock(0)
    right = images.open_window(60)
    assert right.claim_at < datetime.now(UTC) + timedelta(seconds=62)
    assert images.open_window(60) == right
    set_clock(-SKEW_SECONDS + 30)  # another machine's clock is a bit behind
    assert images.open_window(60) == right


@pytest.mark.parametrize("ahead", [5 * HOURS, 3000 * HOURS])
def test_a_sweep_that_a_wrong_clock_has_begun_keeps_no_other_from_beginning(
    ahead: float, aws: GivenAws, set_clock: Callable[[float], None]
) -> None:
    sweeping = sweep.Sweeping(aws, Table(aws, TABLE), "images")
    set_clock(ahead)
    begun = sweeping.current(begin=True)
    assert begun is not None
    sweeping.save(begun.at_end())
    set_clock(0)
    again = sweeping.current(begin=False)
    assert again is not None
    assert again.began_at < begun.began_at


def test_a_lease_that_a_wrong_clock_has_given_is_over(aws: GivenAws, set_clock: Callable[[float], None]) -> None:
    Jobs(aws, "TasksTable").open(NewJob("job", JobKind.LABELING, 1, ("scratch",), 1, "token"), [ASKED])
    people = Leases(aws, "TasksTable")
    set_clock(5 * HOURS)
    assert len(people.next("job", "anna", 600, 1)) == 1
    assert people.next("job", "ben", 600, 1) == []
    set_clock(0)
    assert len(people.next("job", "ben", 600, 1)) == 1
    assert people.next("job", "anna", 600, 1) == []


@pytest.mark.parametrize("status", OPEN)
def test_a_roll_out_that_a_wrong_clock_has_begun_keeps_the_fleet_no_longer(status: RolloutState) -> None:
    assert rollout(status=status, deadline=NOW + 1500).is_held(NOW)
    assert rollout(status=status, deadline=NOW + 5 * HOURS).is_abandoned(NOW)
