"""Groups of near-duplicates: what belongs together is found without comparing all with all."""

import random

import numpy as np
import pytest

from sightline import grouping
from sightline.vision.phash import SIDE, detail
from tests.hashes import encode, photo


def line(part: int, photo_number: int) -> str:
    """Photo of a part with four scratches in a fixture that all photos share, a cell off and with noise."""
    own, noise = np.random.default_rng(part), np.random.default_rng([part, photo_number])
    levels = np.zeros((SIDE, SIDE))
    levels[[3, 44], 3:45] = levels[3:45, 3] = levels[3:45, 44] = 12
    for _ in range(4):
        y, x = own.integers(8, 28, 2)
        slope = own.uniform(0, 1)
        for step in range(12):
            levels[y + int(step * slope), x + int(step * (1 - slope))] = 10
    levels = np.roll(levels, tuple(noise.integers(-1, 2, 2)), (0, 1))
    return encode(np.rint(levels + np.abs(noise.normal(0, 0.7, levels.shape))))


def parts_of(groups: dict[str, str]) -> set[frozenset[str]]:
    members: dict[str, set[str]] = {}
    for name, group in groups.items():
        members.setdefault(group, set()).add(name)
    return {frozenset(group) for group in members.values()}


def test_photos_of_a_part_are_one_group_named_after_the_smallest_and_parts_are_told_apart() -> None:
    hashes = {f"{part}-{number}": photo(part, number) for part in range(8) for number in range(5)}
    assert grouping.group(hashes) == {name: f"{name[0]}-0" for name in hashes}


def test_scratches_tell_parts_apart_though_all_lie_in_one_fixture() -> None:
    hashes = {f"{part:02}-{number}": line(part, number) for part in range(30) for number in range(4)}
    assert parts_of(grouping.group(hashes)) == {
        frozenset(f"{part:02}-{number}" for number in range(4)) for part in range(30)
    }


def test_parts_that_show_nothing_of_their_own_are_not_thrown_together() -> None:
    fixture = np.zeros((SIDE, SIDE))
    fixture[3, 3:45] = 12
    hashes = {f"{number}": encode(fixture) for number in range(50)}
    assert len(set(grouping.group(hashes).values())) == 50


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_photos_are_no_special_case(count: int) -> None:
    hashes = {f"{number}": photo(number) for number in range(count)}
    assert grouping.group(hashes) == {name: name for name in hashes}


def test_groups_do_not_depend_on_the_order_of_the_images() -> None:
    hashes = {f"{part:02}-{number}": line(part, number) for part in range(20) for number in range(3)}
    shuffled = random.Random(1).sample(sorted(hashes), len(hashes))
    assert grouping.group({name: hashes[name] for name in shuffled}) == grouping.group(hashes)


def test_a_chain_of_near_duplicates_is_one_group() -> None:
    """A stain grows from photo to photo: the first and the last differ, each agrees with the next."""
    rng = np.random.default_rng(0)
    part, stain = rng.integers(0, 16, (2, SIDE, SIDE))
    chain = {f"c{step}": encode(np.where(np.arange(SIDE)[:, None] < 4 * step, stain, part)) for step in range(7)}
    groups = grouping.group(chain | {f"z{number}": photo(number) for number in range(20)})
    assert {groups[name] for name in chain} == {"c0"}
    ends = np.stack([detail(chain["c0"]), detail(chain["c6"])])
    ends -= grouping._smooth(ends)
    assert grouping._agreements(ends, np.array([[0, 1]]))[0] < grouping.AGREEMENT
