"""A contact sheet of labels before they are recorded: the boxes on the photos, so that a person sees a wrong scale, a
shift or a wrong photo.
"""

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from reporting import page
from reporting.pictures import Named, named_picture
from sightline.images.box import Box
from sightline.vision.decode import UndecodableImageError, decode

STYLE = "li { overflow-wrap: anywhere; }"
TITLE = "Labels before they are recorded"


@dataclass(frozen=True, slots=True)
class Shown:
    """A labelled photo. `problem` says why it can't be shown."""

    name: str  # as the file of labels has it
    key: str  # as the ledger has it
    size: tuple[int, int]  # pixels
    boxes: Sequence[Box]
    uri: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file of labels would become. Photos are shown as far as there is room."""

    source: str
    classes: Sequence[str]
    boxes: Sequence[Sequence[Box]]  # of every image that has any
    no_defect: int
    left_out: int
    notes: Sequence[str]  # what is left out or not taken over
    photos: Sequence[Shown]


def drawn(
    name: str, key: str, size: tuple[int, int], boxes: Sequence[Box], classes: Sequence[str], body: bytes
) -> Shown:
    """Return a photo with its boxes; a problem where it can't be decoded, or has another size than the ledger says."""
    try:
        pixels = decode(body)
    except UndecodableImageError as error:
        return Shown(name, key, size, boxes, problem=str(error))
    labels = [
        Named([box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]],
              classes[box["class_id"]], box["class_id"])
        for box in boxes
    ]  # fmt: skip
    there = (pixels.shape[1], pixels.shape[0])
    problem = "" if there == size else f"is {there[0]}×{there[1]} pixels, the ledger says {size[0]}×{size[1]}"
    return Shown(name, key, size, boxes, named_picture(pixels, labels), problem)


def render(sheet: Sheet) -> str:
    """Return the whole page."""
    with_boxes = [photo for photo in sheet.photos if photo.boxes]
    without = [photo for photo in sheet.photos if not photo.boxes]
    tiles = [
        page.tile(str(len(sheet.boxes)), "with boxes"),
        page.tile(str(sheet.no_defect), "with “no defect”"),
        page.tile(str(sheet.left_out), "left out"),
    ]
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in sheet.notes)
    lead = (
        f'<p class="lead">Nothing of <b>{html.escape(sheet.source)}</b> is recorded yet. Look whether each box lies on '
        "its defect, and has the right class.</p>"
    )
    parts = [
        f"<h1>{TITLE}</h1>{lead}",
        f'<div class="tiles">{"".join(tiles)}</div>',
        _classes(sheet),
        f"<h2>Left out, and not taken over</h2><ul>{notes}</ul>" if notes else "",
        _photos("With boxes", with_boxes, len(sheet.boxes), sheet.classes),
        _photos("With “no defect”", without, sheet.no_defect, sheet.classes),
    ]
    return page.page(TITLE, "".join(parts), style=STYLE)


def _classes(sheet: Sheet) -> str:
    """Return a table of the classes: a wrong scale shows in the sizes of their boxes."""
    boxes = [box for one in sheet.boxes for box in one]
    images = Counter(number for one in sheet.boxes for number in {box["class_id"] for box in one})
    rows = []
    for number, name in enumerate(sheet.classes):
        own = [box for box in boxes if box["class_id"] == number]
        middle = " × ".join(f"{median(sides):g}" for sides in _sides(own)) or "–"
        rows.append((name, images[number], len(own), middle))
    return page.table(("class", "images", "boxes", "middle size in pixels"), rows, numeric=(1, 2, 3))


def _sides(boxes: Sequence[Box]) -> list[list[int]]:
    return [[box["width"] for box in boxes], [box["height"] for box in boxes]] if boxes else []


def _photos(title: str, photos: Sequence[Shown], total: int, classes: Sequence[str]) -> str:
    if not total:
        return ""
    figures = "".join(_figure(photo, classes) for photo in photos)
    return f'<h2>{title}</h2><div class="images">{figures}</div>{page.rest(total - len(photos))}'


def _figure(photo: Shown, classes: Sequence[str]) -> str:
    counts = Counter(classes[box["class_id"]] for box in photo.boxes)
    said = ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "no defect"
    also = f" ({photo.key} in the ledger)" if photo.key != photo.name else ""
    caption = f"{photo.name}{also}: {said}; {photo.size[0]}×{photo.size[1]} pixels"
    if photo.problem:
        caption += f". The photo {photo.problem}" if photo.uri else f". Can't be shown: {photo.problem}"
    if photo.uri:
        return page.figure(photo.uri, caption)
    return f'<figure><figcaption class="bad">{html.escape(caption)}</figcaption></figure>'
