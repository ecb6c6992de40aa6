"""Dataset versions: named after their content, with groups that keep their names."""

import random
from collections.abc import Sequence

import pytest

from sightline.datasets.snapshot import Dataset, shortage, snapshot
from sightline.images.image import Image, Split
from tests.hashes import photo
from tests.pictured import approved

CLASSES = ["scratch", "dent"]


def image(
    name: str, part: int, number: int = 0, *, boxes: int = 1, group_id: str | None = None, split: Split | None = None
) -> Image:
    return approved(name, boxes=boxes, phash=photo(part, number), group_id=group_id, split=split)


def different(count: int, *, boxes: int = 1) -> list[Image]:
    """Images of `count` different parts."""
    return [image(f"i{n:02}", n, boxes=boxes) for n in range(count)]


def take(
    images: Sequence[Image],
    *,
    classes: Sequence[str] = CLASSES,
    parent: str | None = None,
    code_version: str = "image:1",
) -> Dataset:
    return snapshot(images, classes=classes, parent=parent, code_version=code_version)


def frozen(taken: Dataset) -> list[Image]:
    """The images as the ledger has them afterwards."""
    return [entry for members in taken.members.values() for entry in members]


def test_a_version_is_described_by_what_is_in_it() -> None:
    taken = take([*different(4), image("twin", 0, 1, boxes=0)], parent="0123456789abcdef")
    assert taken.description == {
        "version": taken.version,
        "parent": "0123456789abcdef",
        "class_map": {"0": "scratch", "1": "dent"},
        "counts": {
            "train": {"images": 3, "boxes": 2, "images_without_boxes": 1, "groups": 2},
            "validation": {"images": 1, "boxes": 1, "images_without_boxes": 0, "groups": 1},
            "test": {"images": 1, "boxes": 1, "images_without_boxes": 0, "groups": 1},
        },
        "class_balance": {"scratch": 4, "dent": 0},
        "split_rule": "near-duplicate groups by their fine detail; train 70, validation 15, test 15 of 100 images; "
        "frozen",
        "code_version": "image:1",
    }


def test_the_same_content_has_the_same_version_in_any_order_and_once_frozen() -> None:
    images = different(12)
    first = take(images)
    assert take(random.Random(3).sample(images, 12), parent="other", code_version="image:2").version == first.version
    assert take(frozen(first)).members == first.members
    assert take(frozen(first)).version == first.version


@pytest.mark.parametrize("boxes", [2, 0])
def test_another_label_is_another_version(boxes: int) -> None:
    images = different(6)
    after = [image("i00", 0, boxes=boxes), *images[1:]]
    assert take(after).version != take(images).version


def test_other_classes_or_images_are_another_version() -> None:
    versions = [take(different(6)).version, take(different(7)).version, take(different(6), classes=["scratch"]).version]
    assert len(set(versions)) == 3


def test_a_version_is_not_its_own_parent() -> None:
    version = take(different(6)).version
    assert take(different(6), parent=version).description["parent"] is None


def test_a_later_image_takes_the_frozen_name_of_its_group_also_when_its_own_is_smaller() -> None:
    known = [image("b", 9, 0, group_id="b", split=Split.TEST), image("c", 9, 1, group_id="b", split=Split.TEST)]
    taken = take([*known, image("a", 9, 2), *different(6)])
    splits = {entry.image_id: (entry.group_id, entry.split) for entry in frozen(taken)}
    assert [splits[name] for name in "abc"] == [("b", "test")] * 3


def test_an_image_that_connects_two_frozen_groups_takes_the_name_of_the_one_in_its_split() -> None:
    near = [image("b", 9, 0, group_id="b", split=Split.TRAIN), image("c", 9, 1, group_id="c", split=Split.TEST)]
    taken = take([*near, image("a", 9, 2), *different(6)])
    assert {("a", "c"), ("c", "c")} <= {(entry.image_id, entry.group_id) for entry in taken.members[Split.TEST]}
    assert ("b", "b") in {(entry.image_id, entry.group_id) for entry in taken.members[Split.TRAIN]}


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([], "no image is approved yet: label and verify some first"),
        (different(1), "no image for the validation set yet: photos of more different parts are needed"),
        (different(2), "no image for the test set yet: photos of more different parts are needed"),
        (different(3), None),
        (
            different(9, boxes=0),
            "no defect in the train set yet: photos of more different parts with defects are needed",
        ),
        (
            [*different(1), *different(9, boxes=0)[1:]],
            "no defect in the test set yet: photos of more different parts with defects are needed",
        ),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(images: list[Image], reason: str | None) -> None:
    assert shortage(take(images)) == reason
