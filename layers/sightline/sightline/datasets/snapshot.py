"""Dataset versions: immutable, named after their content."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from sightline.datasets import grouping, splits
from sightline.datasets.splits import SPLITS
from sightline.images.image import Image, Split


class SplitCounts(TypedDict):
    """What is in one split of a dataset version."""

    images: int
    boxes: int
    images_without_boxes: int  # labelled as good parts
    groups: int  # of near-duplicates: how many different parts there are


class DatasetDescription(TypedDict):
    """dataset.json: what a dataset version is and what is in it."""

    version: str  # 16 hexadecimal characters, from the content
    parent: str | None  # the version before it; None of the first one
    class_map: dict[str, str]  # {"0": the name of the class, …}
    counts: dict[Split, SplitCounts]
    class_balance: dict[str, int]  # boxes by the name of their class
    split_rule: str  # how the splits are drawn, in a sentence
    code_version: str  # the training image that was set when the version was made


class LatestDataset(TypedDict):
    """datasets/latest.json: the newest version."""

    version: str
    images: int  # in all splits


@dataclass(frozen=True, slots=True)
class Dataset:
    """One version: its description, and the images of each split, sorted by id, with their group and split."""

    description: DatasetDescription
    members: Mapping[Split, Sequence[Image]]

    @property
    def version(self) -> str:
        return self.description["version"]

    def count(self, split: Split) -> int:
        """Return the number of images in a split."""
        return len(self.members[split])


def snapshot(images: Sequence[Image], *, classes: Sequence[str], parent: str | None, code_version: str) -> Dataset:
    """Group, split and name the approved `images`.

    The version is the first 16 hexadecimal characters of the hash of classes, images, labels and splits: the same
    content has the same name, whenever and in whatever order it is read.
    """
    groups = grouping.group({image.image_id: image.phash for image in images})
    placed = splits.assign(images, groups)
    frozen = _frozen_names(images, groups)
    members: dict[Split, list[Image]] = {split: [] for split in SPLITS}
    for image in sorted(images, key=lambda image: image.image_id):
        group, split = groups[image.image_id], placed[image.image_id]
        # A group's name is frozen with the split: a later image takes it, also where its own id is the smaller one.
        group_id = image.group_id or frozen.get((group, split), group)
        members[split].append(replace(image, group_id=group_id, split=split))
    version = _name(classes, members)
    description: DatasetDescription = {
        "version": version,
        "parent": parent if parent != version else None,
        "class_map": {str(number): name for number, name in enumerate(classes)},
        "counts": {split: _counts(members[split]) for split in SPLITS},
        "class_balance": _balance(members, classes),
        "split_rule": splits.RULE,
        "code_version": code_version,
    }
    return Dataset(description, members)


def _name(classes: Sequence[str], members: Mapping[Split, Sequence[Image]]) -> str:
    content = {
        "classes": classes,
        "images": [
            [split, image.image_id, image.group_id, image.annotations] for split in SPLITS for image in members[split]
        ],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _frozen_names(images: Sequence[Image], groups: Mapping[str, str]) -> dict[tuple[str, Split], str]:
    """The frozen name that a group has in a split: `{(group, split): group_id}`; the smallest where several met."""
    names: dict[tuple[str, Split], str] = {}
    for image in images:
        if image.group_id and image.split:
            place = groups[image.image_id], image.split
            names[place] = min(names.get(place, image.group_id), image.group_id)
    return names


def _counts(images: Sequence[Image]) -> SplitCounts:
    return {
        "images": len(images),
        "boxes": sum(len(image.annotations or ()) for image in images),
        "images_without_boxes": sum(not image.annotations for image in images),
        "groups": len({image.group_id for image in images}),
    }


def _balance(members: Mapping[Split, Sequence[Image]], classes: Sequence[str]) -> dict[str, int]:
    boxes = [box for images in members.values() for image in images for box in image.annotations or ()]
    return {name: sum(box["class_id"] == number for box in boxes) for number, name in enumerate(classes)}


def shortage(dataset: Dataset) -> str | None:
    """Return why `dataset` can't be trained on yet, a sentence for the person who labels; None when it can."""
    if not any(dataset.count(split) for split in SPLITS):
        return "no image is approved yet: label and verify some first"
    for split in SPLITS:
        if not dataset.count(split):
            return f"no image for the {split} set yet: photos of more different parts are needed"
    for split in (Split.TRAIN, Split.TEST):
        if not any(image.annotations for image in dataset.members[split]):
            return f"no defect in the {split} set yet: photos of more different parts with defects are needed"
    return None
