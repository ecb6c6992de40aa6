"""The labels of a dataset version: how many there are of what, and which look wrong."""

import html
from collections import Counter
from dataclasses import dataclass

from reporting.dataset_groups import PAIRS_SHOWN, Nearest, members_of
from reporting.dataset_images import Looked, photo, short
from reporting.page import count, long_table, rest, table
from sightline.datasets import agreement, quality
from sightline.datasets.splits import SPLITS

QUARRELS_SHOWN = 2 * PAIRS_SHOWN


@dataclass(frozen=True, slots=True)
class Quarrel:
    """Two near-twins whose labels disagree: how well they agree as pictures, and which share of their boxes has no
    counterpart, 0..1.
    """

    first: Looked
    second: Looked
    agreement: float
    share: float


def balance(images: list[Looked], classes: list[str]) -> str:
    """Return how many images, groups and boxes of each class a split has."""
    rows = []
    for split in SPLITS:
        mine = [image for image in images if image.split == split]
        boxes = Counter(box["class_id"] for image in mine for box in image.boxes)
        empty = sum(not image.boxes for image in mine)
        share = f"{empty} ({empty / len(mine):.0%})" if mine else "0"
        rows.append(
            [split, len(mine), len(members_of(mine)), share, *(boxes[number] for number in range(len(classes)))]
        )
    return table(["split", "images", "groups", "without a defect", *(f"boxes: {name}" for name in classes)], rows)


def sizes(images: list[Looked], classes: list[str]) -> str:
    """Return how large the boxes of each class are, and of which shape."""
    rows = []
    for number, name in enumerate(classes):
        boxes = [(box, *image.size) for image in images for box in image.boxes if box["class_id"] == number]
        found = quality.box_sizes(boxes)
        if boxes:
            rows.append(
                [name, len(boxes), *(f"{v:.2%}" for v in found["area"]), *(f"{v:.2f}" for v in found["aspect"])]
            )
    head = ["class", "boxes", "area 10 %", "median", "90 %", "width : height 10 %", "median", "90 %"]
    return long_table(head, rows, "No boxes.")


def suspicious(images: list[Looked]) -> list[tuple[Looked, str]]:
    """Return images with boxes that look wrong, and what is odd about them."""
    return [(image, what) for image in images for what in quality.suspicious_boxes(image.boxes, *image.size)]


def quarrels(images: list[Looked], closest: Nearest) -> list[Quarrel]:
    """Return near-twins whose labels disagree strongly, the worst first."""
    found: dict[frozenset[str], Quarrel] = {}
    for image in images:
        other, value = closest.get(image.name, (image, 0.0))
        if value >= agreement.AGREEMENT:
            share = quality.disagreement(image.boxes, other.boxes, image.size, other.size)
            if share >= quality.DISAGREEMENT:
                found.setdefault(frozenset((image.name, other.name)), Quarrel(image, other, value, share))
    return sorted(found.values(), key=lambda quarrel: (-quarrel.share, -quarrel.agreement, quarrel.first.name))


def quarrel_pictures(found: list[Quarrel]) -> str:
    """Return the pairs beside each other."""
    if not found:
        return '<p class="good">None: near-twins are labelled alike.</p>'
    more = len(found) - QUARRELS_SHOWN
    return (
        f'<div class="pairs">{"".join(map(_pair, found[:QUARRELS_SHOWN]))}</div>'
        f"{rest(more, 'more pair' if more == 1 else 'more pairs')}"
    )


def _pair(quarrel: Quarrel) -> str:
    both = "".join(
        photo(one, f"{one.split}: {html.escape(short(one.name))}, {count(len(one.boxes), 'box', 'boxes')}")
        for one in (quarrel.first, quarrel.second)
    )
    return (
        f"<div>{quarrel.share:.0%} of the boxes have no counterpart (agreement {quarrel.agreement:.2f})"
        f'<div class="pair">{both}</div></div>'
    )
