"""A dataset version as one HTML page: why images are in one group, that no near-twins lie across splits, the set's
health.
"""

import html
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from reporting.page import count, page, table, tile
from reporting.pictures import corners, thumbnail
from sightline import names
from sightline.datasets import grouping, quality
from sightline.datasets.splits import SPLITS
from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.phash import phash

READERS = 8
GROUPS_SHOWN, MEMBERS_SHOWN = 40, 12  # of each split, of each group: a page of a large set still opens
COMPARED = 60  # members of a group among which the nearest is looked for
ROWS_SHOWN = 40
PAIRS_SHOWN = 6

MORE_STYLE = """
.group { border-top: 1px solid #8886; padding: .6rem 0 1rem; } .group h3 { margin: .2rem 0 .5rem; font-size: 1rem; }
.images { grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .7rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 1rem; }
.pair { display: flex; gap: .4rem; } .pair figure { flex: 1; } .good { color: #1a9850; } .bad { color: #d6382d; }
.verdict { font-size: 1.15rem; font-weight: 600; } td { overflow-wrap: anywhere; }
.missing { border: 1px dashed #d6382d; padding: 1rem .5rem; }
"""


@dataclass
class Looked:
    """One image of the version: its record's facts, and what was seen in its pixels (`problem` says why nothing
    was).
    """

    name: str
    split: str
    group: str
    boxes: list[dict[str, int]]
    size: tuple[int, int]
    thumbnail: str = ""
    hash: str = ""
    exposure: dict[str, float] = field(default_factory=dict)
    sharpness: float = 0.0
    problem: str = ""


def look(split: str, record: dict[str, Any], read: Callable[[str], bytes]) -> Looked:
    """Read and look at one image; one that is missing or does not decode is named with the reason, not dropped."""
    label = record[names.LABEL_ATTRIBUTE]
    size = label["image_size"][0]
    key = record["source-ref"].split("/", 3)[3]
    name = key.rsplit("/", 1)[-1]
    group = str(record.get("group-id", record["image-id"]))
    seen = Looked(name, split, group, label["annotations"], (size["width"], size["height"]))
    try:
        pixels = decode(read(key))
    except UndecodableImageError as error:
        seen.problem = f"does not decode: {error}"
        return seen
    except Exception as error:  # one object that can't be read must not cost the report of all others
        seen.problem = f"can't be read: {error}"
        return seen
    if (pixels.shape[1], pixels.shape[0]) != seen.size:
        seen.problem = f"is {pixels.shape[1]}×{pixels.shape[0]} pixels, its label says {seen.size[0]}×{seen.size[1]}"
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    seen.hash, seen.exposure, seen.sharpness = phash(pixels), quality.exposure(grey), quality.sharpness(grey)
    seen.thumbnail = thumbnail(pixels, corners(seen.boxes))
    return seen


def look_at_all(
    records: dict[str, list[dict[str, Any]]], read: Callable[[str], bytes], on_image: Callable[[], None] = lambda: None
) -> list[Looked]:
    """Every image of a version; `records` by split, `read` answers an object's bytes by its key."""

    def one(entry: tuple[str, dict[str, Any]]) -> Looked:
        seen = look(*entry, read)
        on_image()
        return seen

    entries = [(split, record) for split in SPLITS for record in records[split]]
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(one, entries))


# ------------------------------------------------------------------------------------------------------------- groups
def members_of(images: Iterable[Looked]) -> dict[str, list[Looked]]:
    """Images by group, the largest group first."""
    groups: dict[str, list[Looked]] = {}
    for image in images:
        groups.setdefault(image.group, []).append(image)
    return dict(sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0])))


Nearest = dict[str, tuple[Looked, float]]


def nearest(members: list[Looked]) -> Nearest:
    """For each member with pixels, the other member that agrees with it best, and how well: what put it into the
    group.
    """
    known = [member for member in members if member.hash][:COMPARED]
    pairs = [(a, b) for place, a in enumerate(known) for b in known[place + 1 :]]
    hashes = {member.name: member.hash for member in known}
    found: Nearest = {}
    for (a, b), value in zip(pairs, grouping.agreements(hashes, [(a.name, b.name) for a, b in pairs]), strict=True):
        for one, other in ((a, b), (b, a)):
            if one.name not in found or value > found[one.name][1]:
                found[one.name] = (other, value)
    return found


def _short(name: str) -> str:
    stem = name.rsplit(".", 1)[0]
    return stem if len(stem) <= 16 else f"{stem[:6]}…{stem[-8:]}"


def _picture(image: Looked, caption: str) -> str:
    shown = (
        f'<img src="{image.thumbnail}" alt="{html.escape(image.name)}" loading="lazy">'
        if image.thumbnail
        else f'<div class="missing">{html.escape(image.problem)}</div>'
    )
    return f'<figure title="{html.escape(image.name)}">{shown}<figcaption>{caption}</figcaption></figure>'


def _group(members: list[Looked], closest: Nearest) -> str:
    """One group: each member with its nearest one and the agreement of the two."""
    figures = []
    for place, member in enumerate(members[:MEMBERS_SHOWN], start=1):
        caption = f"<b>{place}</b> {html.escape(_short(member.name))}"
        if member.name in closest:
            other, value = closest[member.name]
            # Beyond the members shown there is no picture to point at: its name says which it is.
            number = members.index(other) + 1
            which = f"picture {number}" if number <= MEMBERS_SHOWN else html.escape(_short(other.name))
            reached = (
                ""
                if value >= grouping.AGREEMENT
                else " (less than a near-twin: joined through an image that is not shown)"
            )
            caption += f"<br>nearest: {which}, agreement {value:.2f}{reached}"
        figures.append(_picture(member, caption))
    rest = len(members) - MEMBERS_SHOWN
    more = f"<p>… and {rest} more</p>" if rest > 0 else ""
    boxes = sum(len(member.boxes) for member in members)
    title = f"{_short(members[0].group)} · {count(len(members), 'image')}, {count(boxes, 'box', 'boxes')}"
    return f'<div class="group"><h3>{html.escape(title)}</h3><div class="images">{"".join(figures)}</div>{more}</div>'


def contact_sheet(images: list[Looked], closest: Nearest) -> str:
    """Every split's groups with pictures, the largest first; images without a near-twin at the end."""
    parts = []
    for split in SPLITS:
        groups = list(members_of(image for image in images if image.split == split).values())
        several = [members for members in groups if len(members) > 1]
        alone = [members[0] for members in groups if len(members) == 1]
        parts.append(
            f"<h3>{split}: {count(len(groups), 'group')}, {sum(map(len, groups))} images</h3>"
            + "".join(_group(members, closest) for members in several[:GROUPS_SHOWN])
        )
        if len(several) > GROUPS_SHOWN:
            parts.append(f"<p>… and {len(several) - GROUPS_SHOWN} more groups</p>")
        if alone:
            figures = "".join(_picture(image, html.escape(_short(image.name))) for image in alone[:MEMBERS_SHOWN])
            more = f"<p>… and {len(alone) - MEMBERS_SHOWN} more</p>" if len(alone) > MEMBERS_SHOWN else ""
            parts.append(
                f'<div class="group"><h3>{count(len(alone), "image")} without a near-twin</h3>'
                f'<div class="images">{figures}</div>{more}</div>'
            )
    return "".join(parts)


def across(images: list[Looked]) -> str:
    """That no near-twins lie across splits, or which do; the closest pairs as evidence."""
    known = {image.name: image for image in images if image.hash}
    closest = grouping.closest_apart(
        {name: image.hash for name, image in known.items()}, {name: image.split for name, image in known.items()}
    )
    torn = [pair for pair in closest if pair[2] >= grouping.AGREEMENT]
    limit = f"near-twins agree by {grouping.AGREEMENT} or more"
    if torn:
        verdict = (
            f'<p class="verdict bad">{count(len(torn), "pair")} of near-twins across splits ({limit}): the image that '
            "came later connects parts that were apart when the splits were frozen.</p>"
        )
    elif closest:
        verdict = (
            f'<p class="verdict good">No pair of near-twins lies across splits: of {len(closest)} likely pairs the '
            f"closest agrees by {closest[0][2]:.2f} ({limit}).</p>"
        )
    else:
        verdict = (
            '<p class="verdict good">No pair of near-twins lies across splits: no two images there look alike at '
            "all.</p>"
        )
    figures = []
    for a, b, value in closest[:PAIRS_SHOWN]:
        both = "".join(_picture(known[name], f"{known[name].split}: {html.escape(_short(name))}") for name in (a, b))
        figures.append(f'<div>Agreement {value:.2f}<div class="pair">{both}</div></div>')
    intro = "<p>The closest pairs across splits, as evidence:</p>" if figures else ""
    return f'{verdict}{intro}<div class="pairs">{"".join(figures)}</div>'


# ------------------------------------------------------------------------------------------------------------- health
def _cut(head: list[str], rows: list[list[Any]], nothing: str) -> str:
    if not rows:
        return f'<p class="good">{html.escape(nothing)}</p>'
    more = f"<p>… and {len(rows) - ROWS_SHOWN} more</p>" if len(rows) > ROWS_SHOWN else ""
    return table(head, rows[:ROWS_SHOWN]) + more


def balance(images: list[Looked], classes: list[str]) -> str:
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
    rows = []
    for number, name in enumerate(classes):
        boxes = [(box, *image.size) for image in images for box in image.boxes if box["class_id"] == number]
        found = quality.box_sizes(boxes)
        if boxes:
            rows.append(
                [name, len(boxes), *(f"{v:.2%}" for v in found["area"]), *(f"{v:.2f}" for v in found["aspect"])]
            )
    head = ["class", "boxes", "area 10 %", "median", "90 %", "width : height 10 %", "median", "90 %"]
    return _cut(head, rows, "No boxes.")


def suspicious(images: list[Looked]) -> list[tuple[Looked, str]]:
    return [(image, what) for image in images for what in quality.suspicious_boxes(image.boxes, *image.size)]


def quarrels(images: list[Looked], closest: Nearest) -> list[tuple[Looked, Looked, float, float]]:
    """Near-twins whose labels disagree strongly: two images, how well they agree as pictures, how much they differ in
    labels.
    """
    found: dict[frozenset[str], tuple[Looked, Looked, float, float]] = {}
    for image in images:
        other, value = closest.get(image.name, (image, 0.0))
        if value >= grouping.AGREEMENT:
            differ = quality.disagreement(image.boxes, other.boxes, image.size, other.size)
            if differ >= quality.DISAGREEMENT:
                found.setdefault(frozenset((image.name, other.name)), (image, other, value, differ))
    return sorted(found.values(), key=lambda entry: (-entry[3], -entry[2], entry[0].name))


def quarrel_pictures(pairs: list[tuple[Looked, Looked, float, float]]) -> str:
    if not pairs:
        return '<p class="good">None: near-twins are labelled alike.</p>'
    figures = []
    for a, b, value, differ in pairs[: 2 * PAIRS_SHOWN]:
        both = "".join(
            _picture(one, f"{one.split}: {html.escape(_short(one.name))}, {count(len(one.boxes), 'box', 'boxes')}")
            for one in (a, b)
        )
        figures.append(
            f"<div>{differ:.0%} of the boxes have no counterpart (agreement {value:.2f})"
            f'<div class="pair">{both}</div></div>'
        )
    rest = len(pairs) - 2 * PAIRS_SHOWN
    more = f"<p>… and {count(rest, 'more pair')}</p>" if rest > 0 else ""
    return f'<div class="pairs">{"".join(figures)}</div>{more}'


def clipped(images: list[Looked]) -> list[list[str]]:
    """Rows of images that show too much black or white, the worst first."""
    bad = quality.badly_exposed({image.name: image.exposure for image in images if image.exposure})
    known = {image.name: image for image in images}
    return [[name, known[name].split, *(f"{share:.0%}" for share in known[name].exposure.values())] for name in bad]


def exposure_and_sharpness(images: list[Looked]) -> str:
    known = {image.name: image for image in images if image.exposure}
    if not known:
        return "<p>No image could be looked at.</p>"
    dark, bright = (float(np.median([image.exposure[name] for image in known.values()])) for name in ("dark", "bright"))
    sharp = {name: image.sharpness for name, image in known.items()}
    middle = float(np.median(list(sharp.values())))
    blurred = quality.blurred(sharp)
    figures = "".join(
        _picture(known[name], f"{html.escape(_short(name))}, {sharp[name] / max(middle, 1e-9):.0%} of the median")
        for name in blurred[:MEMBERS_SHOWN]
    )
    rest = len(blurred) - MEMBERS_SHOWN
    more = f"<p>… and {rest} more</p>" if rest > 0 else ""
    soft = (
        f'<div class="images">{figures}</div>{more}'
        if blurred
        else '<p class="good">No image is blurred beside the others.</p>'
    )
    return (
        f"<p>Median share of clipped pixels: {dark:.1%} black, {bright:.1%} white. Images with "
        f"{quality.CLIPPED:.0%} of their pixels more than that:</p>"
        + _cut(["image", "split", "black", "white"], clipped(images), "None.")
        + f"<p>Sharpness (variance of the Laplacian) is {middle:.0f} in the median. "
        f"Far less sharp than the set's others:</p>{soft}"
    )


def render(description: dict[str, Any], images: list[Looked]) -> str:
    """The page; `description` is dataset.json."""
    classes = [name for _, name in sorted(description["class_map"].items(), key=lambda entry: int(entry[0]))]
    closest: Nearest = {}
    for members in members_of(images).values():
        closest |= nearest(members)
    odd, fights = suspicious(images), quarrels(images, closest)
    lost = [[image.name, image.split, image.problem] for image in images if image.problem]
    empty = sum(not image.boxes for image in images)
    tiles = "".join(
        [
            tile(str(len(images)), "images"),
            tile(str(len(members_of(images))), "groups of near-twins"),
            tile(str(sum(len(image.boxes) for image in images)), "boxes"),
            tile(str(empty), "images without a defect"),
            tile(str(len(odd) + len(fights)), "labels to look at"),
        ]
    )
    odd_boxes = _cut(
        ["image", "split", "what"],
        [[image.name, image.split, what] for image, what in odd],
        "None: no duplicate, tiny, whole-image or cut-off box.",
    )
    body = f"""<h1>Dataset {html.escape(description["version"])}</h1>
<p>{html.escape(description.get("split_rule", ""))}. Labels are drawn in green.</p><div class="tiles">{tiles}</div>
<h2>Near-twins and splits</h2>{across(images)}
<h2>Classes and splits</h2>{balance(images, classes)}
<h2>Labels to look at</h2>
<h3>Near-twins whose labels disagree</h3><p>Two photos of one part, as its pixels say; one of the labels is likely wrong
or incomplete.</p>
{quarrel_pictures(fights)}
<h3>Suspicious boxes</h3>{odd_boxes}
<h3>Box sizes</h3><p>Area as a share of the image.</p>{sizes(images, classes)}
<h2>Light and sharpness</h2>{exposure_and_sharpness(images)}
<h2>Images that could not be looked at</h2>
{_cut(["image", "split", "why"], lost, "None: every image is there, decodes and has the size its label says.")}
<h2>Groups of near-twins</h2><p>Two images are near-twins when the fine detail of their pixels agrees nearly everywhere,
by {grouping.AGREEMENT} or more
of a correlation from -1 to 1. A group is what chains of near-twins connect, and in a larger one most images are
near-twins; it lies on one side of the splits as a whole. Below each picture is the one it agrees with best.</p>
{contact_sheet(images, closest)}"""
    return page(f"Dataset {description['version']}", body, style=MORE_STYLE)
