"""PNG images of 16 bits a number, whose lower 8 bits Pillow throws away where there is colour or alpha."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from sightline.vision.alpha import over_white
from sightline.vision.depth import to_8_bit, used_bits
from sightline.vision.orientation import orientation
from sightline.vision.pixels import Numbers

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6  # colour types
BAND_PIXELS = 1 << 20  # converted at one time


@dataclass(frozen=True)
class Header:
    """What stands before the pixels of a PNG."""

    bits: int  # of one number
    colours: int  # the colour type
    said_bits: int | None  # how many of them are used, by the chunk sBIT
    transparent: tuple[int, ...] | None  # the grey or colour that is transparent, by the chunk tRNS
    chunks: frozenset[bytes]  # the names of all chunks before the pixels


def header(body: bytes) -> Header:
    """Read the header of a PNG. Raise struct.error or IndexError for one that is cut off."""
    bits, colours = struct.unpack_from(">BB", body, 24)
    said: int | None = None
    transparent: tuple[int, ...] | None = None
    names = set()
    place = len(SIGNATURE)
    while place + 8 <= len(body):
        size, name = struct.unpack_from(">I4s", body, place)
        if name == b"IDAT":
            break
        names.add(name)
        content = body[place + 8 : place + 8 + size] if size <= 16 else b""
        if name == b"sBIT" and content:
            colour_bits = content[: 3 if colours in (RGB, RGBA) else 1]
            said = max(colour_bits) if 8 < max(colour_bits) < 16 else None
        if name == b"tRNS" and colours in (GREY, RGB) and len(content) in (2, 6):
            transparent = struct.unpack(f">{len(content) // 2}H", content)
        place += 12 + size
    return Header(bits, colours, said, transparent, frozenset(names))


def decoded(body: bytes, head: Header) -> tuple[Image.Image, int]:
    """Decode a PNG of 16 bits a number to a grey or RGB image of 8 bits, as it is stored, and its orientation."""
    parts = _parts(body, head)
    width, height = parts[0].size
    colours = 1 if head.colours in (GREY, GREY_ALPHA) else 3
    brightest = opaque = 0
    for _, words in _bands(parts, head):
        brightest = max(brightest, int(words[..., :colours].max()))
        opaque = max(opaque, int(words[..., -1].max()))
    bits = used_bits(brightest, head.said_bits)
    alpha_bits = bits if opaque < 1 << bits else used_bits(opaque)
    taken = np.empty((height, width, colours), np.uint8)
    has_alpha = head.colours in (GREY_ALPHA, RGBA)
    alpha = np.empty((height, width), np.uint8) if has_alpha or head.transparent else None
    for top, words in _bands(parts, head):
        rows = slice(top, top + len(words))
        taken[rows] = to_8_bit(words[..., :colours], bits)
        if alpha is not None and head.transparent:
            key = np.array(head.transparent, np.uint16)
            alpha[rows] = np.where((words[..., :colours] == key).all(axis=-1), 0, 255)
        elif alpha is not None:
            alpha[rows] = to_8_bit(words[..., -1], alpha_bits)
    said = orientation(parts[0])
    parts.clear()  # of a large image the memory is needed twice otherwise
    image = Image.fromarray(taken[..., 0] if colours == 1 else taken)
    return image if alpha is None else over_white(image, Image.fromarray(alpha)), said


def _bands(parts: list[Image.Image], head: Header) -> Iterator[tuple[int, Numbers]]:
    """Return the first row of each band, and its numbers, uint16 [rows, width, 1 to 4]."""
    width, height = parts[0].size
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        bands = [np.asarray(part.crop((0, top, width, min(height, top + step)))) for part in parts]
        if head.colours == GREY:
            yield top, np.expand_dims(bands[0], 2)
        elif head.colours == GREY_ALPHA:
            yield top, (bands[0][..., 0::2].astype(np.uint16) << 8) | bands[0][..., 1::2]
        else:
            yield top, (bands[0].astype(np.uint16) << 8) | bands[1]


def _parts(body: bytes, head: Header) -> list[Image.Image]:
    if head.colours == GREY:
        return [_decoded(body)]
    if head.colours == GREY_ALPHA:  # four bytes a pixel, as colours with alpha of 8 bits have
        return [_decoded(_as_rgba(body))]
    name = "RGB" if head.colours == RGB else "RGBA"
    # The unpacker for numbers of the other byte order gives the lower byte.
    return [_decoded(body, f"{name};16B"), _decoded(body, f"{name};16L")]


def _decoded(body: bytes, rawmode: str = "") -> Image.Image:
    """Decode a PNG, its bytes unpacked in another way than Pillow would choose."""
    image = PngImageFile(io.BytesIO(body))
    if rawmode:
        image.tile = [tile._replace(args=rawmode) for tile in image.tile]
    image.load()
    return image


def _as_rgba(body: bytes) -> bytes:
    """Return a PNG of grey and alpha of 16 bits with the header of one of colours and alpha of 8: as many bytes."""
    start = len(SIGNATURE)
    named = body[start + 4 : start + 16] + bytes((8, RGBA)) + body[start + 18 : start + 21]
    checked = struct.pack(">I", zlib.crc32(named))
    return body[: start + 4] + named + checked + body[start + 25 :]
