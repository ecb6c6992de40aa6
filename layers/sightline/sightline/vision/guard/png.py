"""The chunks of a PNG: how many there are, what its texts unpack to, and whether its pixels can be in it."""

from __future__ import annotations

import struct
import zlib

from sightline.vision.guard.exif import check_exif
from sightline.vision.guard.limits import check_memory, check_size, cut_off
from sightline.vision.orientation import unpacked as raw_profile
from sightline.vision.pixels import UndecodableImageError

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # colour types
NUMBERS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}  # of a pixel
MAX_CHUNKS = 2000  # beside those of pixels
MAX_PIXEL_CHUNKS = 1 << 16
MAX_PACKED = 32  # texts and profiles that are compressed
MAX_TEXT = 1 << 20  # bytes that one of them unpacks to; Pillow takes no more
DEFLATE = 1032  # the most bytes that one byte unpacks to


def is_bounded(body: bytes, max_pixels: int) -> bool:
    if len(body) < 33 or body[12:16] != b"IHDR":
        raise cut_off("a PNG without a head")
    width, height, bits, colours = struct.unpack_from(">IIBB", body, 16)
    check_size(width, height, max_pixels)
    row = (width * bits * NUMBERS.get(colours, 4) + 7) // 8
    pixels, transparent = _chunks(body)
    if pixels * DEFLATE < row * height:
        raise cut_off(f"{pixels} bytes are too few for {width}×{height} pixels")
    check_memory(_memory(bits, colours, transparent) * width * height, f"a PNG of {width}×{height} pixels of its kind")
    return True


def _memory(bits: int, colours: int, transparent: bool) -> int:
    """Return the bytes for one pixel in all copies on the way to 8 bits without alpha, at one time."""
    if bits == 16:
        return {GREY: 4, RGB: 15, GREY_ALPHA: 8}.get(colours, 20) + 8 * transparent
    if transparent or colours in (GREY_ALPHA, RGBA):
        return 11 if colours in (GREY, GREY_ALPHA) else 17
    return {GREY: 1, RGB: 4, PALETTE: 5}.get(colours, 4)


def _chunks(body: bytes) -> tuple[int, bool]:
    """Go through all chunks; return the bytes of compressed pixels in them, and whether a colour is transparent."""
    transparent = False
    place, pixels, chunks, pixel_chunks, packed = 8, 0, 0, 0, 0
    while place + 8 <= len(body):
        size, name = struct.unpack_from(">I4s", body, place)
        start, place = place + 8, place + 12 + size
        if name == b"IEND":
            break
        if name in (b"IDAT", b"fdAT"):
            pixels += min(size, len(body) - start) if name == b"IDAT" else 0
            pixel_chunks += 1
        else:
            chunks += 1
        transparent |= name == b"tRNS"
        packed += name in (b"zTXt", b"iTXt", b"iCCP")
        if chunks > MAX_CHUNKS or pixel_chunks > MAX_PIXEL_CHUNKS or packed > MAX_PACKED:
            raise UndecodableImageError(
                f"a PNG with more than {chunks + pixel_chunks} chunks; save it again without them"
            )
        _check_content(name, body[start : start + size] if name in READ else b"")
    return pixels, transparent


READ = (b"zTXt", b"iTXt", b"iCCP", b"eXIf")


def _check_content(name: bytes, content: bytes) -> None:
    if name == b"eXIf":
        check_exif(content)
    elif name in READ:
        keyword, _, rest = content.partition(b"\0")
        if name == b"iTXt":
            if rest[:1] != b"\1":
                return
            rest = rest[1:2] + rest[2:].partition(b"\0")[2].partition(b"\0")[2]  # without language and translated name
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(rest[1:], MAX_TEXT)
        except zlib.error:
            return  # Pillow leaves such a text out
        if name == b"zTXt" and keyword.startswith(b"Raw profile type"):
            check_exif(raw_profile(unpacked))
        if unpacker.unconsumed_tail:
            raise UndecodableImageError(
                f"a PNG whose {name.decode()} unpacks to more than {MAX_TEXT} bytes; save it again without its texts"
            )
