"""Dataset versions: immutable, named after their content."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sightline.datasets import grouping, splits
from sightline.datasets.splits import SPLITS


@dataclass(frozen=True)
class Dataset:
    """One version: `description` is dataset.json, `members` the images of each split, sorted by id."""

    version: str
    description: dict[str, Any]
    members: dict[str, list[dict[str, Any]]]

    def counts(self, split: str) -> int:
        return len(self.members[split])


def snapshot(images: list[dict[str, Any]], *, classes: list[str], parent: str | None, code_version: str) -> Dataset:
    """Group, split and name the approved `images`: `image_id`, `phash`, `annotations`, `width`, `height`, `format`.

    The version is the first 16 hexadecimal characters of the hash of classes, images, labels and splits: the same
    content has the same name, whenever and in whatever order it is read.
    """
    groups = grouping.group({image["image_id"]: image["phash"] for image in images})
    placed = splits.assign(images, groups)
    frozen = _frozen_names(images, groups)
    members: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    for image in sorted(images, key=lambda image: str(image["image_id"])):
        group, split = groups[image["image_id"]], placed[image["image_id"]]
        # A group's name is frozen with the split: a later image takes it, also where its own id is the smaller one.
        group_id = image.get("group_id") or frozen.get((group, split), group)
        members[split].append({**image, "group_id": group_id, "split": split})
    content = {
        "classes": classes,
        "images": [
            [split, image["image_id"], image["group_id"], image["annotations"]]
            for split in SPLITS
            for image in members[split]
        ],
    }
    version = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    description = {
        "version": version,
        "parent": parent if parent != version else None,
        "class_map": {str(number): name for number, name in enumerate(classes)},
        "counts": {split: _counts(members[split]) for split in SPLITS},
        "class_balance": _balance(members, classes),
        "split_rule": splits.RULE,
        "code_version": code_version,
    }
    return Dataset(version, description, members)


def _frozen_names(images: list[dict[str, Any]], groups: dict[str, str]) -> dict[tuple[str, str], str]:
    """The frozen name that a group has in a split: `{(group, split): group_id}`; the smallest where several met."""
    names: dict[tuple[str, str], str] = {}
    for image in images:
        if image.get("group_id"):
            place = groups[image["image_id"]], image["split"]
            names[place] = min(names.get(place, image["group_id"]), image["group_id"])
    return names


def _counts(images: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "images": len(images),
        "boxes": sum(len(image["annotations"]) for image in images),
        "images_without_boxes": sum(not image["annotations"] for image in images),
        "groups": len({image["group_id"] for image in images}),
    }


def _balance(members: dict[str, list[dict[str, Any]]], classes: list[str]) -> dict[str, int]:
    boxes = [box for images in members.values() for image in images for box in image["annotations"]]
    return {name: sum(box["class_id"] == number for box in boxes) for number, name in enumerate(classes)}


def shortage(dataset: Dataset) -> str | None:
    """Why `dataset` can't be trained on yet, in a sentence for the person who labels; None when it can."""
    if not any(dataset.counts(split) for split in SPLITS):
        return "no image is approved yet: label and verify some first"
    for split in SPLITS:
        if not dataset.counts(split):
            return f"no image for the {split} set yet: photos of more different parts are needed"
    for split in (splits.TRAIN, splits.TEST):
        if not any(image["annotations"] for image in dataset.members[split]):
            return f"no defect in the {split} set yet: photos of more different parts with defects are needed"
    return None
