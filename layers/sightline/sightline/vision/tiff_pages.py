"""The directories of a TIFF file: what each of its pages says about itself, and which one is the picture.

Only what is needed to find the numbers of the pixels is read. It is read here, not by Pillow, because Pillow opens no
file whose kind of pixels it does not know, and shows the first page even where that is a thumbnail.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Union

from sightline.vision.pixels import UndecodableImageError

MAX_PAGES = 256  # that are looked at
MAX_VALUES = 1 << 20  # of one tag
MAX_ENTRIES = 512  # of one directory


class Tag(IntEnum):
    """The tags that are read, by TIFF 6.0 and its supplements."""

    KIND = 254  # NewSubfileType
    OLD_KIND = 255  # SubfileType
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIPS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS_PER_STRIP = 278
    STRIP_BYTES = 279
    LARGEST = 281  # MaxSampleValue
    PLANAR = 284
    PREDICTOR = 317
    COLOUR_MAP = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILES = 324
    TILE_BYTES = 325
    INNER_PAGES = 330  # SubIFDs
    EXTRA = 338
    NUMBER_KIND = 339  # SampleFormat
    XMP = 700


KNOWN = frozenset(Tag)
REDUCED, MASK = 1, 4  # bits of KIND
OLD_REDUCED = 2  # value of OLD_KIND
FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
SHORT = 3
HEADERS = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}

Values = Union[tuple[int, ...], bytes]


@dataclass(frozen=True)
class Page:
    """One directory: the values of its tags, and the type and place of its entries in the file."""

    start: int  # where the directory begins
    order: str  # "<" or ">", as struct says it
    tags: dict[int, Values]
    kinds: dict[int, int]  # the type of each tag
    entries: dict[int, int]  # where each tag's entry begins

    def one(self, tag: Tag, default: int = 0) -> int:
        values = self.tags.get(tag)
        return int(values[0]) if values else default

    def all(self, tag: Tag) -> tuple[int, ...]:
        return tuple(self.tags.get(tag, ()))

    @property
    def size(self) -> tuple[int, int]:
        return self.one(Tag.WIDTH), self.one(Tag.HEIGHT)

    @property
    def pixels(self) -> int:
        return self.one(Tag.WIDTH) * self.one(Tag.HEIGHT)

    @property
    def is_picture(self) -> bool:
        """Whether it says of itself that it is no reduced copy and no mask."""
        return not self.one(Tag.KIND) & (REDUCED | MASK) and self.one(Tag.OLD_KIND) != OLD_REDUCED

    @property
    def xmp(self) -> bytes | None:
        values = self.tags.get(Tag.XMP)
        return bytes(value & 255 for value in values) if values else None


class Directories:
    """The directories of a file, read on demand. Raise UndecodableImageError for a file that is cut off."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.order, self.big = HEADERS[body[:4]]

    def picture(self) -> Page:
        """Return the page that is the picture.

        That is the first one that is neither a thumbnail nor a mask: by what it says, or because another one shows
        the same at twice the size or more. Where all are reduced, the full one lies in a directory inside.
        """
        first = self._read("Q", 8) if self.big else self._read("I", 4)
        pages = list(self._chain(first))
        if not pages:
            raise UndecodableImageError("a TIFF file without an image in it")
        full = [page for page in pages if page.is_picture]
        if not full:
            inner = [each for page in pages for start in page.all(Tag.INNER_PAGES) for each in self._chain(start)]
            full = [page for page in inner if page.is_picture] or [max(pages, key=lambda page: page.pixels)]
        largest = max(full, key=lambda page: page.pixels)
        return largest if _is_thumbnail(full[0], largest) else full[0]

    def _chain(self, start: int) -> Iterator[Page]:
        seen: set[int] = set()
        while start and start not in seen and len(seen) < MAX_PAGES:
            seen.add(start)
            page, start = self._page(start)
            if page.pixels:
                yield page

    def _page(self, start: int) -> tuple[Page, int]:
        """Return the directory at a place, and where the next one is."""
        count = self._read("Q", start) if self.big else self._read("H", start)
        head, entry = (8, 20) if self.big else (2, 12)
        tags: dict[int, Values] = {}
        kinds: dict[int, int] = {}
        entries: dict[int, int] = {}
        for place in range(start + head, start + head + entry * min(count, MAX_ENTRIES), entry):
            tag, kind = self._read("H", place), self._read("H", place + 2)
            if tag in KNOWN and tag not in tags and kind in FORMATS:
                tags[tag], kinds[tag], entries[tag] = self._values(place, FORMATS[kind]), kind, place
        end = start + head + entry * count
        following = 0
        if end + (8 if self.big else 4) <= len(self.body):
            following = self._read("Q" if self.big else "I", end)
        return Page(start, self.order, tags, kinds, entries), following

    def _values(self, place: int, form: str) -> Values:
        count = self._read("Q", place + 4) if self.big else self._read("I", place + 4)
        if count > MAX_VALUES:
            raise UndecodableImageError(f"damaged image: a tag of {count} values")
        size = count * struct.calcsize("=" + form)
        inline, at = (8, place + 12) if self.big else (4, place + 8)
        if size > inline:
            at = self._read("Q", at) if self.big else self._read("I", at)
        if at + size > len(self.body):
            raise UndecodableImageError("damaged image: the file is cut off")
        return struct.unpack_from(f"{self.order}{count}{form}", self.body, at)

    def _read(self, form: str, place: int) -> int:
        try:
            return int(struct.unpack_from(self.order + form, self.body, place)[0])
        except struct.error as error:
            raise UndecodableImageError("damaged image: the file is cut off") from error


def _is_thumbnail(page: Page, largest: Page) -> bool:
    """Whether a page shows what the largest one shows, at half its size or less."""
    (w, h), (full_w, full_h) = page.size, largest.size
    return 2 * w <= full_w and 2 * h <= full_h and abs(w * full_h - h * full_w) <= 0.05 * h * full_w
