"""Who tries in vain too often waits, and nobody else."""

import pytest

from sightline.api import tries
from sightline.api.http import RequestError
from sightline.api.tries import ADDRESSES, MOST, SECONDS, Tries


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(tries, "time", found)
    return found


def vain(known: Tries, address: str, number: int) -> None:
    for _ in range(number):
        known.check(address)
        known.note(address)


def test_who_tried_too_often_waits_and_nobody_else(clock: Clock) -> None:
    known = Tries()
    vain(known, "stranger", MOST)
    with pytest.raises(RequestError, match="too many tries in vain; wait 60 seconds") as refused:
        known.check("stranger")
    assert refused.value.status == 429
    known.check("anna")
    clock.now += SECONDS
    known.check("stranger")


def test_each_try_counts_for_a_minute_of_its_own(clock: Clock) -> None:
    known = Tries()
    vain(known, "stranger", MOST - 1)
    clock.now += SECONDS - 1
    vain(known, "stranger", 1)
    with pytest.raises(RequestError):
        known.check("stranger")
    clock.now += 1
    vain(known, "stranger", MOST - 1)
    with pytest.raises(RequestError):
        known.check("stranger")


def test_many_addresses_take_no_more_memory(clock: Clock) -> None:
    known = Tries()
    for number in range(ADDRESSES + 5):
        known.note(str(number))
    assert len(known._vain) == ADDRESSES
    assert "0" not in known._vain
