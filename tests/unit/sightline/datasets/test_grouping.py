"""Groups of near-duplicates: what belongs together is found without comparing all with all."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sightline.datasets import agreement, grouping, likeness
from sightline.vision.phash import SIDE, phash_of
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


def test_good_parts_that_lie_a_little_elsewhere_in_other_light_are_not_thrown_together() -> None:
    """Only the fixture is seen, moved by up to a cell, stronger or weaker, with noise; marked parts lie between
    them.
    """
    hashes = {f"{part:02}-{number}": line(part, number) for part in range(10) for number in range(3)}
    for number in range(60):
        noise = np.random.default_rng([99, number])
        fixture = np.zeros((SIDE, SIDE))
        fixture[[3, 44], 3:45] = fixture[3:45, 3] = fixture[3:45, 44] = noise.uniform(11, 13)
        moved = np.roll(fixture, tuple(noise.integers(-1, 2, 2)), (0, 1))
        hashes[f"good-{number}"] = encode(np.rint(moved + np.abs(noise.normal(0, 0.7, moved.shape))))
    groups = parts_of(grouping.group(hashes))
    assert {group for group in groups if len(group) > 1} == {
        frozenset(f"{part:02}-{number}" for number in range(3)) for part in range(10)
    }


def test_twins_are_found_when_only_a_few_cells_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "PROBES", 20)  # of 98
    hashes = {f"{part:03}-{number}": line(part, number) for part in range(150) for number in range(4)}
    groups = parts_of(grouping.group(hashes))
    whole = {frozenset(f"{part:03}-{number}" for number in range(4)) for part in range(150)}
    assert len(groups & whole) >= 145


def scratched(part: int, right: int) -> str:
    """The hash of a drawn photo of a part with thin scratches in the fixture of all, so many pixels further right."""
    own = np.random.default_rng([7, part])
    plate = Image.new("L", (SIDE * 4, SIDE * 4), 90)
    pen = ImageDraw.Draw(plate)
    pen.rectangle([14, 20, 178, 172], fill=150, outline=215, width=2)
    for _ in range(3):
        pen.line([*own.uniform([24, 30], [168, 162]), *own.uniform([24, 30], [168, 162])], fill=40)
    return phash_of(Image.fromarray(np.roll(np.asarray(plate), right, 1)))


def test_thin_marks_are_as_alike_when_they_lie_half_a_cell_elsewhere() -> None:
    """A cell has four pixels. The photos of 40 parts, each moved by 0 to 3 pixels."""
    _, vectors = likeness.embeddings([scratched(part, right) for part in range(40) for right in range(4)])
    alike = np.einsum("pin,pjn->pij", *[vectors.reshape(40, 4, -1).astype(np.float32)] * 2)
    assert alike.min() > 0.6


def test_the_more_photos_there_are_the_more_alike_must_twins_be() -> None:
    least = [likeness.beyond_chance(count) for count in (1, 177, 1_000, 100_000)]
    assert least == sorted(least)
    assert 0 == least[0] < least[-1] < 0.5


def test_groups_that_one_pair_connects_stay_apart_where_their_photos_are_hardly_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashes = {f"{step}": stained(step) for step in (0, 2, 3, 4, 7)} | {
        f"z{number}": photo(number) for number in range(9)
    }
    assert parts_of(grouping.group(hashes)) >= {frozenset("234")}
    monkeypatch.setattr(grouping, "beyond_chance", lambda count: 0.99)
    assert parts_of(grouping.group(hashes)) >= {frozenset(step) for step in "234"}


def test_twins_agree_as_much_as_near_duplicates_do_and_others_do_not() -> None:
    hashes = {f"{part:02}-{number}": line(part, number) for part in range(10) for number in range(2)}
    twins, others, same = agreement.agreements(hashes, [("00-0", "00-1"), ("00-0", "01-0"), ("00-0", "00-0")])
    assert others < agreement.AGREEMENT <= twins <= same <= 1
    assert agreement.agreements(hashes, []) == []


def test_a_pair_torn_apart_by_the_splits_is_the_closest_across_them() -> None:
    hashes = {f"{part:02}-{number}": line(part, number) for part in range(12) for number in range(2)}
    splits = {name: "train" if int(name[:2]) < 9 else "test" for name in hashes}
    apart = grouping.closest_apart(hashes, splits)
    assert all(splits[a] != splits[b] and value < agreement.AGREEMENT for a, b, value in apart)
    splits["03-1"] = "test"
    a, b, value = grouping.closest_apart(hashes, splits)[0]
    assert (a, b) == ("03-0", "03-1")
    assert value >= agreement.AGREEMENT
    assert grouping.closest_apart({}, {}) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_photos_are_no_special_case(count: int) -> None:
    hashes = {f"{number}": photo(number) for number in range(count)}
    assert grouping.group(hashes) == {name: name for name in hashes}


def test_groups_do_not_depend_on_the_order_of_the_images() -> None:
    hashes = {f"{part:02}-{number}": line(part, number) for part in range(20) for number in range(3)}
    shuffled = random.Random(1).sample(sorted(hashes), len(hashes))
    assert grouping.group({name: hashes[name] for name in shuffled}) == grouping.group(hashes)


def stained(step: int) -> str:
    """A part with a stain that has grown for so long: photos one step apart agree, those two apart do not."""
    part, stain = np.random.default_rng(0).integers(0, 16, (2, SIDE, SIDE))
    return encode(np.where(np.arange(SIDE)[:, None] < 4 * step, stain, part))


def test_a_short_chain_of_near_duplicates_is_one_group() -> None:
    chain = {f"c{step}": stained(step) for step in range(7)}
    groups = grouping.group(chain | {f"z{number}": photo(number) for number in range(20)})
    assert {groups[name] for name in chain} == {"c0"}
    first, second, third = agreement.agreements(chain, [("c0", "c1"), ("c0", "c2"), ("c0", "c6")])
    assert max(second, third) < agreement.AGREEMENT <= first


def test_many_photos_that_agree_are_one_group() -> None:
    hashes = {f"{part}-{number:02}": photo(part, number) for part in range(3) for number in range(60)}
    assert len(set(grouping.group(hashes).values())) == 3


def test_two_larger_groups_are_not_joined_by_one_photo_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {2: 6, 3: 1, 4: 6}
    hashes = {f"{step}-{number}": stained(step) for step, count in counts.items() for number in range(count)}
    others = {f"z{number}": photo(number) for number in range(20)}
    groups = grouping.group(hashes | others)
    ends = [{groups[name] for name in hashes if name[0] == end} for end in "24"]  # the one between may be with either
    assert [len(end) for end in ends] == [1, 1]
    assert ends[0] != ends[1]
    monkeypatch.setattr(grouping, "CHAINED", len(hashes))
    assert len({grouping.group(hashes | others)[name] for name in hashes}) == 1
