"""Image files as cameras and converters write them, which Pillow can't write: TIFF of any layout, PNG of 16 bits."""

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

Numbers = np.ndarray[Any, Any]
Tags = dict[int, int | tuple[int, ...] | bytes]
PLACES = (273, 279, 324, 325, 330)  # tags that hold numbers of 32 bits

ROWS, COLUMNS = np.mgrid[:40, :60]
GREY = (ROWS * 5 + COLUMNS).astype(np.uint8)  # 0..254, another value at each corner
COLOURS = np.stack([GREY, 255 - COLUMNS * 4, ROWS * 6], axis=2).astype(np.uint8)
# Alpha in steps, with its left edge opaque.
ALPHA = np.repeat(np.array([255, 200, 0, 90], np.uint8), 15)[None].repeat(40, axis=0)


def stored(upright: Numbers, orientation: int) -> Numbers:
    """Return pixels as a camera stores them that says this orientation, 1..8."""
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, 3),
    }[orientation]
    return np.ascontiguousarray(turned)


def exif(orientation: object, kind: int = 3, count: int = 1) -> bytes:
    """Return a block of EXIF that says this orientation: a number of 16 bits, or the four bytes of another type."""
    value = orientation if isinstance(orientation, bytes) else struct.pack(">HH", orientation, 0)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHI", 1, 0x0112, kind, count) + value + bytes(4)


def xmp(orientation: object) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def encoded(pixels: Numbers | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png16(numbers: Numbers, *chunks: bytes) -> bytes:
    """Return a PNG of uint16 [h, w] or [h, w, 2 to 4] (grey, grey and alpha, colours, colours and alpha)."""
    height, width = numbers.shape[:2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[numbers.size // (height * width)]
    rows = numbers.astype(">u2").reshape(height, -1).view(np.uint8).reshape(height, -1)
    filtered, step = bytearray(), numbers.size // (height * width) * 2
    for row, before in zip(rows, [np.zeros_like(rows[0]), *rows], strict=False):
        number = len(filtered) % 3  # the filters None, Sub and Up in turns
        left = np.concatenate([np.zeros(step, np.uint8), row[:-step]])
        filtered += bytes([number]) + (row - (0, left, before)[number]).astype(np.uint8).tobytes()
    parts = [png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)), *chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [*parts, png_chunk(b"IDAT", zlib.compress(bytes(filtered))), png_chunk(b"IEND", b"")]
    )


def with_chunk(png: bytes, name: bytes, content: bytes, *, last: bool = False) -> bytes:
    """Put a chunk into a PNG, after its header or after its pixels."""
    place = len(png) - 12 if last else 33
    return png[:place] + png_chunk(name, content) + png[place:]


@dataclass(frozen=True)
class Layout:
    """How the numbers of a page lie in a TIFF file."""

    tags: Mapping[int, int | tuple[int, ...] | bytes] = field(default_factory=dict)  # beside and instead of others
    order: str = "<"
    planar: bool = False
    packed: int = 0  # numbers of so many bits, one after the other
    compression: int = 1
    predictor: bool = False
    tile: int = 0  # its side; 0: strips
    rows: int = 16  # of one strip


def tiff(numbers: Numbers, **layout: Any) -> bytes:
    """Return a TIFF of one page with these numbers, [h, w] or [h, w, n]."""
    return pages((numbers, Layout(**layout)))


def pages(*given: tuple[Numbers, Layout]) -> bytes:
    order = given[0][1].order
    body = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    pointer = 4
    for numbers, layout in given:
        data, tags = _page(numbers, len(body), layout)
        body += data + bytes(len(data) % 2)
        struct.pack_into(order + "I", body, pointer, len(body))
        pointer = len(body) + 2 + 12 * len(tags)
        body += _directory(tags, len(body), order)
    return bytes(body)


def _page(numbers: Numbers, place: int, layout: Layout) -> tuple[bytes, Tags]:
    """Return the bytes of a page's pixels and its tags."""
    height, width = numbers.shape[:2]
    cube = numbers.reshape(height, width, -1)
    samples = cube.shape[2]
    planes = [cube[..., [sample]] for sample in range(samples)] if layout.planar else [cube]
    pieces = [piece for plane in planes for piece in _pieces(plane, layout.tile, layout.rows)]
    if layout.predictor:
        pieces = [np.diff(piece, axis=1, prepend=np.zeros_like(piece[:, :1])) for piece in pieces]
    data = [_compressed(_bytes(piece, layout.order, layout.packed), layout.compression) for piece in pieces]
    tags: Tags = {
        256: width,
        257: height,
        258: (layout.packed or numbers.dtype.itemsize * 8,) * samples,
        259: layout.compression,
        262: 1 if samples < 3 else 2,
        277: samples,
        284: 2 if layout.planar else 1,
        339: ({"u": 1, "i": 2, "f": 3}[numbers.dtype.kind],) * samples,
        **({317: 2} if layout.predictor else {}),
        **({322: layout.tile, 323: layout.tile} if layout.tile else {278: layout.rows}),
        **layout.tags,
    }
    starts = tuple(place + sum(len(each) for each in data[:number]) for number in range(len(data)))
    sizes = tuple(len(each) for each in data)
    return b"".join(data), tags | ({324: starts, 325: sizes} if layout.tile else {273: starts, 279: sizes})


def _pieces(plane: Numbers, tile: int, rows: int) -> list[Numbers]:
    height, width = plane.shape[:2]
    if not tile:
        return [plane[top : top + rows] for top in range(0, height, rows)]
    padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)))
    return [
        padded[top : top + tile, left : left + tile] for top in range(0, height, tile) for left in range(0, width, tile)
    ]


def _bytes(piece: Numbers, order: str, packed: int) -> bytes:
    if not packed:
        return piece.astype(piece.dtype.newbyteorder(order)).tobytes()
    bits = (piece.reshape(len(piece), -1, 1) >> np.arange(packed - 1, -1, -1)) & 1
    return np.packbits(bits.reshape(len(piece), -1).astype(np.uint8), axis=1).tobytes()


def _compressed(content: bytes, compression: int) -> bytes:
    return {1: bytes, 8: zlib.compress}[compression](content)


def _directory(tags: Tags, place: int, order: str) -> bytes:
    values_at = place + 2 + 12 * len(tags) + 4
    entries, values = struct.pack(order + "H", len(tags)), b""
    for tag, value in sorted(tags.items()):
        numbers = (value,) if isinstance(value, int) else tuple(value)
        kind = 7 if isinstance(value, bytes) else 4 if tag in PLACES else 3
        content = struct.pack(f"{order}{len(numbers)}{'B' if kind == 7 else 'I' if kind == 4 else 'H'}", *numbers)
        entries += struct.pack(order + "HHI", tag, kind, len(numbers))
        entries += content.ljust(4, b"\0") if len(content) <= 4 else struct.pack(order + "I", values_at + len(values))
        values += b"" if len(content) <= 4 else content + bytes(len(content) % 2)
    return entries + bytes(4) + values
