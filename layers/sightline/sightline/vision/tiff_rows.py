"""The bytes of a TIFF page, unpacked a band of rows at a time: they take several times the memory of the picture.

Pillow unpacks them: some strips, or rows of tiles, are given to it as a file of their own, a grey image of 8 bits whose
rows have the same bytes.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from sightline.vision.pixels import Pixels, UndecodableImageError
from sightline.vision.tiff_pages import Page, Tag

NONE, LZW, DEFLATE, PACKBITS, OLD_DEFLATE, LZMA, ZSTD = 1, 5, 8, 32773, 32946, 34925, 50000
OF_BYTES = (NONE, LZW, DEFLATE, PACKBITS, OLD_DEFLATE, LZMA, ZSTD)
GREY = 1
BAND_BYTES = 4 << 20  # unpacked at one time
MAX_PIECE_BYTES = 160_000_000  # of one compressed strip, which is unpacked as a whole
REVERSED = np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)[:, ::-1], axis=1)[:, 0]


class StoredRows:
    """The rows of bytes of a page's planes. Raise UndecodableImageError for a page without all of them."""

    def __init__(self, body: bytes, page: Page, row_bytes: int, tile_bytes: int, planes: int) -> None:
        """`row_bytes` and `tile_bytes`: of one row of the page, and of one row of a tile, 0 for strips."""
        self.body, self.row_bytes, self.tile_bytes = body, row_bytes, tile_bytes
        self.compression = page.one(Tag.COMPRESSION, NONE)
        self.fill_order = page.one(Tag.FILL_ORDER, 1)
        width, self.height = page.size
        rows = page.one(Tag.TILE_HEIGHT) if tile_bytes else page.one(Tag.ROWS_PER_STRIP, self.height)
        self.piece_rows = rows if tile_bytes else min(rows or self.height, self.height)
        if not self.piece_rows:
            raise UndecodableImageError("damaged image: tiles without rows")
        self.across = -(-width // max(1, page.one(Tag.TILE_WIDTH))) if tile_bytes else 1
        self.down = -(-self.height // self.piece_rows)
        self.places = page.all(Tag.TILES if tile_bytes else Tag.STRIPS)
        self.sizes = page.all(Tag.TILE_BYTES if tile_bytes else Tag.STRIP_BYTES)
        pieces = self.across * self.down * planes
        if len(self.places) < pieces or (self.compression != NONE and len(self.sizes) < pieces):
            raise UndecodableImageError(f"damaged image: {len(self.places)} of {pieces} parts")
        whole = self.piece_rows * max(row_bytes, tile_bytes)
        if self.compression != NONE and whole > MAX_PIECE_BYTES:
            raise UndecodableImageError(f"one strip of {whole} bytes is too large; save the image in smaller strips")

    def bands(self, plane: int) -> Iterator[tuple[int, Pixels]]:
        """Return the first row of each band, and its bytes [rows, row_bytes]."""
        step = max(1, BAND_BYTES // (self.row_bytes * self.piece_rows))
        rows = max(1, BAND_BYTES // self.row_bytes)
        for first in range(0, self.down, step):
            top, bottom = first * self.piece_rows, min(self.height, (first + step) * self.piece_rows)
            unpack = self._copied if self.compression == NONE and not self.tile_bytes else self._unpacked
            raw = unpack(plane, first, bottom - top)
            for start in range(0, bottom - top, rows):
                yield top + start, raw[start : start + rows]

    def _copied(self, plane: int, first: int, rows: int) -> Pixels:
        """Return the rows of strips that are not compressed."""
        parts = []
        for number in range(first, first - (-rows // self.piece_rows)):
            count = min(self.piece_rows, self.height - number * self.piece_rows) * self.row_bytes
            parts.append(np.frombuffer(self.body, np.uint8, count, self.places[plane * self.down + number]))
        raw = (parts[0] if len(parts) == 1 else np.concatenate(parts)).reshape(rows, self.row_bytes)
        return np.asarray(REVERSED[raw]) if self.fill_order == 2 else raw

    def _unpacked(self, plane: int, first: int, rows: int) -> Pixels:
        """Return the rows of strips, or of rows of tiles, that Pillow unpacks."""
        begin = (plane * self.down + first) * self.across
        pieces = range(begin, begin - (-rows // self.piece_rows) * self.across)
        size = self.tile_bytes * self.piece_rows  # of a tile that is not compressed
        contents = [
            self.body[self.places[piece] : self.places[piece] + (self.sizes[piece] if self.sizes else size)]
            for piece in pieces
        ]
        tags: dict[Tag, tuple[int, ...]] = {
            Tag.WIDTH: (self.row_bytes,),
            Tag.HEIGHT: (rows,),
            Tag.BITS: (8,),
            Tag.COMPRESSION: (self.compression,),
            Tag.PHOTOMETRIC: (GREY,),
            Tag.FILL_ORDER: (self.fill_order,),
            Tag.SAMPLES: (1,),
        }
        if self.tile_bytes:
            tags |= {Tag.TILE_WIDTH: (self.tile_bytes,), Tag.TILE_HEIGHT: (self.piece_rows,)}
        else:
            tags[Tag.ROWS_PER_STRIP] = (self.piece_rows,)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # one number is several bytes, pixels here
            image = TiffImageFile(io.BytesIO(_file(tags, contents, tiled=bool(self.tile_bytes))))
            image.load()
            return np.asarray(image)


def _file(tags: dict[Tag, tuple[int, ...]], contents: list[bytes], *, tiled: bool) -> bytes:
    """Return a TIFF file of one page with these tags, and with these strips or tiles."""
    sizes = tuple(len(content) for content in contents)
    places = tuple(int(place) for place in np.cumsum((8, *sizes[:-1])))
    given = dict(tags)
    given[Tag.TILES if tiled else Tag.STRIPS] = places
    given[Tag.TILE_BYTES if tiled else Tag.STRIP_BYTES] = sizes
    start = 8 + sum(sizes) + sum(sizes) % 2
    values_at = start + 2 + 12 * len(given) + 4
    directory, values = struct.pack("<H", len(given)), b""
    for tag in sorted(given):
        content = struct.pack(f"<{len(given[tag])}I", *given[tag])
        place = content if len(content) == 4 else struct.pack("<I", values_at + len(values))
        values += b"" if len(content) == 4 else content
        directory += struct.pack("<HHI", tag, 4, len(given[tag])) + place
    header, padding = b"II*\0" + struct.pack("<I", start), bytes(sum(sizes) % 2)
    return b"".join((header, *contents, padding, directory, bytes(4), values))
