"""PNG files whose pixels are more than their bytes."""

import struct
import zlib
from functools import partial

from tests.hostile.case import Case, photo, saved
from tests.hostile.png_chunks import chunk, zeros

NUMBERS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by its kind of colours
FEW, MEMORY, SIZE = "are too few for", "MiB of memory", "pixels are taken"
SIDE = "at most 1000000 on each side"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(width: int, height: int, bits: int, colours: int, packed: bytes | None = None, interlaced: int = 0) -> bytes:
    """A PNG of nothing but zeros."""
    row = 1 + (width * bits * NUMBERS[colours] + 7) // 8
    head = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(range(6))) if colours == 3 else b""
    pixels = zeros(row * height + height * interlaced) if packed is None else packed
    return SIGNATURE + chunk(b"IHDR", head) + palette + chunk(b"IDAT", pixels) + chunk(b"IEND")


def full() -> list[Case]:
    """As many pixels as are taken, in as few bytes as can be."""
    made = [
        ("grey", 8000, 8000, 8, 0, ""), ("1 bit", 8000, 8000, 1, 0, ""), ("colours", 8000, 8000, 8, 2, ""),
        ("a palette", 8000, 8000, 8, 3, ""), ("a palette of 1 bit", 8000, 8000, 1, 3, ""),
        ("grey of 16 bits", 8000, 8000, 16, 0, ""), ("colours of 16 bits", 8000, 8000, 16, 2, MEMORY),
        ("colours of 16 bits, 30 million", 6000, 5000, 16, 2, MEMORY),
        ("colours of 16 bits, 28 million", 7000, 4000, 16, 2, ""), ("alpha", 8000, 8000, 8, 6, MEMORY),
        ("alpha, 24 million", 6000, 4000, 8, 6, ""), ("grey with alpha", 8000, 8000, 8, 4, MEMORY),
        ("alpha of 16 bits", 8000, 8000, 16, 6, MEMORY), ("lines of a million", 1_000_000, 64, 8, 2, ""),
        ("columns of a million", 64, 1_000_000, 8, 2, ""), ("lines of 4 million", 4_000_000, 16, 8, 2, SIDE),
        ("columns of 4 million", 16, 4_000_000, 8, 2, SIDE),
    ]  # fmt: skip
    return [
        Case("PNG full", name, partial(png, width, height, bits, colours), said, quick=False)
        for name, width, height, bits, colours, said in made
    ]


def lies_about_size() -> list[Case]:
    little = zlib.compress(bytes(1000))
    whole = saved(photo(), "PNG")
    return [
        Case("PNG size", "40,000×40,000", lambda: png(40_000, 40_000, 8, 2, little), SIZE),
        Case("PNG size", "2 billion × 2 billion", lambda: png(2**31 - 1, 2**31 - 1, 8, 2, little), SIZE),
        Case("PNG size", "4 billion × 16", lambda: png(2**32 - 1, 16, 8, 0, little), SIZE),
        Case("PNG size", "0×0", lambda: png(0, 0, 8, 2, little), "at least 16"),
        Case("PNG size", "8,000×8,000 of 1,000 bytes", lambda: png(8000, 8000, 8, 2, little), FEW),
        Case("PNG size", "8,000×8,000, 16 bits", lambda: png(8000, 8000, 16, 2, little), FEW),
        Case("PNG size", "interlaced", lambda: png(8000, 8000, 8, 2, little, 1), FEW),
        Case("PNG size", "interlaced, of 9 million", lambda: png(3000, 3000, 8, 2, None, 1), quick=False),
        Case("PNG size", "1 GB behind the last row", lambda: png(64, 64, 8, 2, zeros(1 << 30)), quick=False),
        Case("PNG size", "99 bits", lambda: whole[:24] + b"\x63" + whole[25:]),
        Case("PNG size", "filters that are none", lambda: png(64, 64, 8, 2, zlib.compress(b"\xff" * 64 * 193))),
        Case("PNG size", "cut off in the head", lambda: whole[:30], "damaged image"),
        Case("PNG size", "cut off in the pixels", lambda: whole[: len(whole) // 2], "damaged image"),
        Case("PNG size", "without pixels", lambda: whole[:33] + chunk(b"IEND"), "damaged image"),
    ]


FAMILIES = (full, lies_about_size)
