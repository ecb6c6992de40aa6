"""Groups of near-duplicates: what belongs together is found without comparing all with all."""

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline import grouping

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=30).flatmap(
    # Near each other, else two random hashes are hardly ever within MAX_DISTANCE.
    lambda centres: st.lists(
        st.tuples(st.sampled_from([*centres, 0]), st.sets(st.integers(0, 63), max_size=12)), max_size=30
    )
)


def flipped(value: int, bits: set[int] | range) -> str:
    return f"{value ^ sum(1 << bit for bit in bits):016x}"


def by_comparing_all(hashes: dict[str, str]) -> dict[str, str]:
    """The same groups, slowly."""
    pairs = (
        (a, b)
        for a, b in itertools.combinations(sorted(hashes), 2)
        if grouping.distance(hashes[a], hashes[b]) <= grouping.MAX_DISTANCE
    )
    return grouping.connect(hashes, pairs)


@given(HASHES)
def test_bands_find_exactly_the_groups_that_comparing_all_finds(drawn: list[tuple[int, set[int]]]) -> None:
    hashes = {f"{number:02}": flipped(value, bits) for number, (value, bits) in enumerate(drawn)}
    assert grouping.group(hashes) == by_comparing_all(hashes)


@pytest.mark.parametrize(
    ("bits", "groups"),
    [(0, {"a": "a", "b": "a"}), (grouping.MAX_DISTANCE, {"a": "a", "b": "a"}), (11, {"a": "a", "b": "b"})],
)
def test_ten_different_bits_are_one_part_and_eleven_are_two(bits: int, groups: dict[str, str]) -> None:
    assert grouping.group({"a": flipped(0, set()), "b": flipped(0, range(bits))}) == groups


def test_a_chain_of_near_duplicates_is_one_group_named_after_its_smallest_image() -> None:
    hashes = {
        "c": flipped(0, range(20)),
        "b": flipped(0, range(10)),
        "a": flipped(0, range(30)),
        "z": flipped(0, range(64)),
    }
    assert grouping.group(hashes) == {"a": "a", "b": "a", "c": "a", "z": "z"}


def test_nothing_has_no_groups() -> None:
    assert grouping.group({}) == {}


def test_groups_do_not_depend_on_the_order_of_the_images() -> None:
    generator = random.Random(1)
    hashes = {f"{n:03}": flipped(0, {generator.randrange(64) for _ in range(8)}) for n in range(200)}
    shuffled = sorted(hashes, key=lambda name: generator.random())
    assert grouping.group({name: hashes[name] for name in shuffled}) == grouping.group(hashes)


def test_a_fixed_camera_with_twenty_thousand_equal_photos_takes_no_quadratic_time() -> None:
    hashes = {f"{number:05}": flipped(0, set()) for number in range(20_000)}
    start = time.perf_counter()
    assert set(grouping.group(hashes).values()) == {"00000"}
    assert time.perf_counter() - start < 10
