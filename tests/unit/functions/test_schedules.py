"""Whatever happens to objects while their events come in any order, twice or not at all: each row is right at last."""

import logging
import random
from collections.abc import Callable, Iterator
from random import Random
from types import ModuleType

import pytest

from tests.fake_cloud import Cloud, jpeg
from tests.given_aws import GivenAws
from tests.schedules import World, schedule


@pytest.fixture
def world(cloud: Cloud, aws: GivenAws, load_app: Callable[..., ModuleType]) -> Iterator[Callable[..., World]]:
    def make(seed: int, **chances: float) -> World:
        return World(cloud, aws, load_app, Random(seed), **chances)

    logging.disable(logging.CRITICAL)  # a line for each of ten thousands of calls
    yield make
    logging.disable(logging.NOTSET)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Print what has happened, also where tests pass."""

    def print_it(world: World, before: list[str], after: list[str]) -> None:
        counted = ", ".join(f"{number} {what}" for what, number in world.counted.items())
        with capsys.disabled():
            print(f"\n{counted}; wrong rows: {len(before)} before the sweep, {len(after)} after it", *after[:9])

    return print_it


def run(world: World, schedules: int, name: str) -> tuple[list[str], list[str]]:
    """Run schedules. Return what is wrong before a sweep, and after it."""
    every: dict[str, list[bytes]] = {}
    for number in range(schedules):
        schedule(world, f"{name}{number}")
        every |= world.keys
    world.keys = every
    before = world.faults()
    world.sweep()
    return before, world.faults()


def test_when_every_event_comes_all_rows_are_right_without_a_sweep(
    world: Callable[..., World], tell: Callable[..., None]
) -> None:
    made = world(1, crashes=0.1, interruptions=0.2)
    before, after = run(made, 12, "s")
    tell(made, before, after)
    assert (before, after) == ([], [])


def test_when_events_are_lost_one_sweep_makes_all_rows_right(
    world: Callable[..., World], tell: Callable[..., None]
) -> None:
    made = world(2, lost=0.7, crashes=0.1, interruptions=0.2)
    before, after = run(made, 12, "s")
    tell(made, before, after)
    assert before
    assert after == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_a_thousand_schedules(world: Callable[..., World], tell: Callable[..., None], lost: float) -> None:
    made = world(3, lost=lost, crashes=0.1, interruptions=0.2)
    before, after = run(made, 1000, "s")
    tell(made, before, after)
    assert after == []
    assert lost or not before


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_events_shuffled(world: Callable[..., World], tell: Callable[..., None]) -> None:
    """Everything has happened before the first event comes; each comes one to five times, one in a hundred never."""
    made = world(4, lost=0.01, crashes=0.01, interruptions=0.02)
    photos = [jpeg(number) for number in range(400)]
    made.keys = {f"incoming/{number % 7}/{number}.jpg": photos for number in range(2000)}
    while made.counted["events"] < 10_000:
        made.change()
    random.Random(4).shuffle(made.waiting)
    made.deliver_all(10)
    before = made.faults()
    made.sweep()
    after = made.faults()
    tell(made, before, after)
    assert after == []
