"""BMP files: runs, through which Pillow goes in Python, and sizes that are not in the file."""

import struct
from functools import partial

from tests.hostile.case import Case, photo, saved

SIZE, FEW = "pixels are taken", "are too few for"
TIME = "takes too long to decode"


def bmp(width: int, height: int, bits: int, compression: int, pixels: bytes, colours: int = 0) -> bytes:
    palette = bytes(4 * (1 << bits)) if bits <= 8 else b""
    offset = 54 + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + head + palette + pixels


def runs() -> list[Case]:
    single, empty, jump = b"\x01\x05", b"\x00\x00", b"\x00\x02\x00\x00"
    made = [
        ("25 million of one pixel", 8000, 8000, single * 25_000_000, TIME),
        ("4 million of one pixel", 2000, 2000, single * 4_000_000, TIME),
        ("25 million ends of rows", 8000, 8000, empty * 25_000_000, TIME),
        ("12 million jumps to nowhere", 8000, 8000, jump * 12_000_000, TIME),
        ("two million of one pixel", 2000, 1000, single * 2_000_000, ""),
        ("one jump", 4000, 4000, b"\x00\x02\xff\xff" * 300, ""),
        ("none at all", 4000, 4000, b"\x00\x01", ""),
        ("200 pixels each, 64 million", 8000, 8000, b"\xc8\x05" * 320_000, TIME),
        ("200 pixels each, 16 million", 4000, 4000, b"\xc8\x05" * 80_000, ""),
    ]
    cases = [
        Case(
            "BMP runs",
            f"{name}, {bits} bits",
            partial(bmp, w, h, bits, code, pixels),
            said,
            False,
        )
        for bits, code in ((8, 1), (4, 2))
        for name, w, h, pixels, said in made
        if bits == 8 or name.startswith(("25 million of", "200"))
    ]
    photographed = saved(photo(), "JPEG")
    return [
        *cases,
        Case("BMP runs", "a JPEG inside", lambda: bmp(320, 240, 0, 4, photographed)),
        Case("BMP runs", "a compression that is none", lambda: bmp(320, 240, 24, 77, bytes(320 * 240 * 3))),
    ]


def lies_about_size() -> list[Case]:
    little = bytes(1000)
    whole = saved(photo(), "BMP")
    return [
        Case("BMP size", "8,000×8,000", lambda: bmp(8000, 8000, 24, 0, little), FEW),
        Case("BMP size", "8,000×8,000, from the top", lambda: bmp(8000, -8000, 24, 0, little), FEW),
        Case("BMP size", "8,000×8,000 of 1 bit", lambda: bmp(8000, 8000, 1, 0, little), FEW),
        Case("BMP size", "8,000×8,000 of 1 bit, whole", lambda: bmp(8000, 8000, 1, 0, bytes(8_000_000)), "", False),
        Case("BMP size", "8,000×6,000 of 8 bits, whole", lambda: bmp(8000, 6000, 8, 0, bytes(48_000_000)), "", False),
        Case("BMP size", "2 billion × 2 billion", lambda: bmp(2**31 - 1, 2**31 - 1, 24, 0, little), SIZE),
        Case("BMP size", "less than nothing", lambda: bmp(-8000, 8000, 24, 0, little), SIZE),
        Case("BMP size", "0×0", lambda: bmp(0, 0, 24, 0, little), "at least 16"),
        Case("BMP size", "4 billion colours", lambda: bmp(320, 240, 8, 0, bytes(76_800), 2**32 - 1)),
        Case("BMP size", "65,536 colours", lambda: bmp(320, 240, 8, 0, bytes(400_000), 65_536)),
        Case("BMP size", "a head of 4 billion bytes", lambda: whole[:14] + b"\xff" * 4 + whole[18:]),
        Case("BMP size", "pixels behind the end", lambda: whole[:10] + b"\xff" * 4 + whole[14:], FEW),
        Case("BMP size", "cut off in the head", lambda: whole[:30], "damaged image"),
        Case("BMP size", "cut off in the pixels", lambda: whole[: len(whole) // 2], FEW),
    ]


FAMILIES = (runs, lies_about_size)
