"""Splits by near-duplicate group: drawn once for a group and frozen, never drawn anew.

A new group goes to the split that lacks most images. An image that joins a group whose images have a split gets
theirs. An image may connect groups of different splits: those keep theirs, and it goes to the test set when that is
among them, since the test set may only grow.
"""

from collections.abc import Mapping, Sequence

from sightline.images.image import Image, Split

SPLITS = tuple(Split)
SHARES = {Split.TRAIN: 0.70, Split.VALIDATION: 0.15, Split.TEST: 0.15}
RULE = "near-duplicate groups by their fine detail; train 70, validation 15, test 15 of 100 images; frozen"


def assign(images: Sequence[Image], groups: Mapping[str, str]) -> dict[str, Split]:
    """Return the split of every image: `{image_id: split}`. `groups` holds the group of every image.

    Deterministic: it depends on the images and on what is frozen, not on their order. Groups with defects and without
    are spread separately, so that both kinds are in every split as far as there are enough groups.
    """
    members: dict[str, list[Image]] = {}
    for image in sorted(images, key=lambda image: image.image_id):
        members.setdefault(groups[image.image_id], []).append(image)
    splits = {image.image_id: image.split for image in images if image.split}
    counts = {True: dict.fromkeys(SPLITS, 0), False: dict.fromkeys(SPLITS, 0)}
    fresh = []
    for group in members.values():
        frozen = {image.split for image in group if image.split}
        if frozen:
            # In the order test, validation, train: the cautious side takes the image that connects two splits.
            split = next(split for split in reversed(SPLITS) if split in frozen)
            _place(group, split, splits)
            for image in group:
                counts[_has_defect(group)][splits[image.image_id]] += 1
        else:
            fresh.append(group)
    for has_defect, kind in counts.items():
        _spread([group for group in fresh if _has_defect(group) == has_defect], kind, splits)
    return splits


def _spread(groups: Sequence[Sequence[Image]], counts: dict[Split, int], splits: dict[str, Split]) -> None:
    """Place new groups, the large ones first, each where most images are lacking; `counts` are those already placed.

    So the large groups come to lie in the training set and the others hold several small ones: what is measured there
    is worth as much as there are parts, not photos. No split stays empty while there are groups for it.
    """
    total = sum(counts.values()) + sum(len(group) for group in groups)
    left = len(groups)
    for group in sorted(groups, key=lambda group: (-len(group), group[0].image_id)):
        empty = [split for split in SPLITS if not counts[split]]
        split = max(
            empty if left <= len(empty) else SPLITS,
            key=lambda name: SHARES[name] * total - counts[name],
        )
        _place(group, split, splits)
        counts[split] += len(group)
        left -= 1


def _has_defect(group: Sequence[Image]) -> bool:
    return any(image.annotations for image in group)


def _place(group: Sequence[Image], split: Split, splits: dict[str, Split]) -> None:
    for image in group:
        splits.setdefault(image.image_id, split)
