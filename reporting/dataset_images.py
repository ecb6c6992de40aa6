"""The images of a dataset version: read once, looked at, and shown as thumbnails."""

import html
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from reporting.pictures import corners, thumbnail
from sightline import names
from sightline.datasets import quality
from sightline.datasets.splits import SPLITS
from sightline.fields import Fields
from sightline.images.box import Box, read_boxes
from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.phash import phash

READERS = 8
SHORT = 16  # characters of a name that is shown as it is

Record = Mapping[str, object]  # a label record, see sightline.labelling.manifest


@dataclass
class Looked:
    """One image of the version: its record's facts, and what was seen in its pixels. `problem` says why nothing was, or
    what does not fit.
    """

    name: str
    split: str
    group: str
    boxes: Sequence[Box]
    size: tuple[int, int]  # width and height in pixels, as the label says
    thumbnail: str = ""
    hash: str = ""
    exposure: dict[str, float] = field(default_factory=dict)  # shares of clipped pixels, 0..1
    sharpness: float = 0.0
    problem: str = ""


def look_at_all(
    records: Mapping[str, Sequence[Record]], read: Callable[[str], bytes], on_image: Callable[[], None] = lambda: None
) -> list[Looked]:
    """Return every image of a version. `records` are by split, `read` returns an object's bytes by its key."""

    every = [record for entries in records.values() for record in entries]
    called = names.called({_file(record): str(record.get("image-name") or _file(record)) for record in every})

    def one(entry: tuple[str, Record]) -> Looked:
        seen = look(*entry, read)
        seen.name = called[_file(entry[1])]
        on_image()
        return seen

    entries = [(split, record) for split in SPLITS for record in records[split]]
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(one, entries))


def look(split: str, record: Record, read: Callable[[str], bytes]) -> Looked:
    """Read and look at one image; one that is missing or does not decode is named with the reason, not dropped."""
    key, seen = _labelled(split, record)
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


def _file(record: Record) -> str:
    """Return the name of an image's copy, which no other image has."""
    return str(record.get("source-ref")).rsplit("/", 1)[-1]


def _labelled(split: str, record: Record) -> tuple[str, Looked]:
    """Return the key of an image, and what its label record says of it. Raise InvalidFieldError for a record that says
    something else.
    """
    fields = Fields(record, f"in a label record of the {split} set")
    key = fields.text("source-ref").split("/", 3)[3]
    label = fields.fields(names.LABEL_ATTRIBUTE)
    sizes = label.values.get("image_size")
    if not isinstance(sizes, list) or not sizes:
        raise label.refuse("image_size", "a list with the size of the image")
    size = Fields(sizes[0], f"in image_size {label.where}")
    return key, Looked(
        name=key.rsplit("/", 1)[-1],
        split=split,
        group=fields.text("group-id", fields.text("image-id")),
        boxes=read_boxes(label.values.get("annotations"), label.where),
        size=(size.whole("width", 1), size.whole("height", 1)),
    )


def short(name: str) -> str:
    """Return a name without its extension; of a long one the beginning and the end."""
    stem = name.rsplit(".", 1)[0]
    return stem if len(stem) <= SHORT else f"{stem[:6]}…{stem[-8:]}"


def photo(image: Looked, caption: str) -> str:
    """Return an image's thumbnail, or why there is none, with a caption in HTML."""
    shown = (
        f'<img src="{image.thumbnail}" alt="{html.escape(image.name)}" loading="lazy">'
        if image.thumbnail
        else f'<div class="missing">{html.escape(image.problem)}</div>'
    )
    return f'<figure title="{html.escape(image.name)}">{shown}<figcaption>{caption}</figcaption></figure>'
