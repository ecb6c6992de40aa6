"""Splits: groups stay whole, what is frozen stays, every split gets defects as soon as there are enough groups."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.datasets import splits
from sightline.images.image import Image, Split
from tests.pictured import approved

TRAIN, VALIDATION, TEST = Split


def image(name: str, *, defect: bool = True, split: Split | None = None) -> Image:
    return approved(name, boxes=int(defect), split=split)


def alone(images: list[Image]) -> dict[str, str]:
    """Every image a group of its own."""
    return {entry.image_id: entry.image_id for entry in images}


def test_a_hundred_parts_are_spread_seventy_fifteen_fifteen() -> None:
    images = [image(f"{number:03}") for number in range(100)]
    assert Counter(splits.assign(images, alone(images)).values()) == {"train": 70, "validation": 15, "test": 15}


def test_three_parts_with_defects_give_each_split_one() -> None:
    images = [image(name) for name in "abc"] + [image(name, defect=False) for name in "defghi"]
    placed = splits.assign(images, alone(images))
    assert sorted(placed[name] for name in "abc") == ["test", "train", "validation"]


def test_nothing_has_no_splits() -> None:
    assert splits.assign([], {}) == {}


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=40), st.integers())
def test_a_group_is_never_torn_and_the_order_does_not_matter(drawn: list[tuple[int, bool]], seed: int) -> None:
    images = [image(f"{number:02}", defect=defect) for number, (_, defect) in enumerate(drawn)]
    groups = {entry.image_id: f"g{group}" for entry, (group, _) in zip(images, drawn, strict=True)}
    placed = splits.assign(images, groups)
    assert len({(groups[name], split) for name, split in placed.items()}) == len(set(groups.values()))
    shuffled = random.Random(seed).sample(images, len(images))
    assert splits.assign(shuffled, groups) == placed


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.lists(st.booleans(), max_size=30))
def test_what_is_frozen_stays_whatever_comes_later(before: list[bool], after: list[bool]) -> None:
    images = [image(f"b{number:02}", defect=defect) for number, defect in enumerate(before)]
    frozen = splits.assign(images, alone(images))
    # The later images sort before and after the frozen ones.
    later = [image(f"{'ac'[number % 2]}{number:02}", defect=defect) for number, defect in enumerate(after)]
    images = [*(replace(entry, split=frozen[entry.image_id]) for entry in images), *later]
    placed = splits.assign(images, alone(images))
    assert {name: placed[name] for name in frozen} == frozen
    assert len(placed) == len(before) + len(after)


@pytest.mark.parametrize(
    ("met", "expected"),
    [
        ([TRAIN], TRAIN),
        ([VALIDATION], VALIDATION),
        ([TRAIN, VALIDATION], VALIDATION),
        ([TRAIN, TEST], TEST),
        ([TRAIN, VALIDATION, TEST], TEST),
    ],
)
def test_an_image_that_connects_splits_goes_to_the_cautious_one_and_moves_none(
    met: list[Split], expected: Split
) -> None:
    images = [image(split, split=split) for split in met] + [image("new")]
    placed = splits.assign(images, dict.fromkeys([*met, "new"], "group"))
    assert placed == dict(zip([*met, "new"], [*met, expected], strict=True))


def test_a_split_that_lacks_most_of_its_share_is_filled_first() -> None:
    images = [image(f"{number:02}", split=TRAIN) for number in range(20)] + [image("a"), image("b")]
    placed = splits.assign(images, alone(images))
    assert sorted([placed["a"], placed["b"]]) == ["test", "validation"]


def test_large_groups_go_to_the_training_set_and_the_others_hold_several_small_ones() -> None:
    sizes = {"a": 20, "b": 20, "c": 20, "d": 5, "e": 5, "f": 5, "g": 5}
    images = [image(f"{group}{number:02}") for group, size in sizes.items() for number in range(size)]
    placed = splits.assign(images, {entry.image_id: entry.image_id[0] for entry in images})
    assert {group: placed[f"{group}00"] for group in "abc"} == dict.fromkeys("abc", "train")
    assert Counter(placed[f"{group}00"] for group in "defg") == {"validation": 2, "test": 2}
