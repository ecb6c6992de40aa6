"""EXIF data that want more memory than they have bytes, in each format that holds them."""

import struct
import zlib

from tests.hostile.case import Case, photo, saved
from tests.hostile.jpeg_scans import segment
from tests.hostile.png_chunks import chunk

FAMILY = "EXIF"
ON_TOP = "on top of each other"


def block(entries: int, size: int, first_tag: int = 1000, kind: int = 7) -> bytes:
    """A directory each of whose entries is all of the block's other bytes."""
    directory = struct.pack("<H", entries)
    at = 8 + 2 + 12 * entries + 4
    for number in range(entries):
        directory += struct.pack("<HHII", (first_tag + number) & 0xFFFF, kind, size, at)
    return b"II*\0\x08\0\0\0" + directory + bytes(4) + bytes(size)


def looping() -> bytes:
    """A directory whose next one, and whose inner ones, are itself."""
    entry = b"".join(struct.pack("<HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0xA005))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 3) + entry + struct.pack("<I", 8)


def in_jpeg(exif: bytes, times: int = 1) -> bytes:
    body = saved(photo(), "JPEG")
    place = 2 + 2 + struct.unpack_from(">H", body, 4)[0]  # in the place of its head, which gives a resolution
    return body[:2] + segment(0xE1, b"Exif\0\0" + exif) * times + body[place:]


def in_png(exif: bytes) -> bytes:
    body = saved(photo(), "PNG")
    return body[:33] + chunk(b"eXIf", exif) + body[33:]


def in_profile(exif: bytes) -> bytes:
    """In a compressed text of a PNG, in hexadecimal digits."""
    text = b"\nexif\n" + str(len(exif)).encode().rjust(8) + b"\n" + exif.hex().encode()
    body = saved(photo(), "PNG")
    return body[:33] + chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)) + body[33:]


def in_webp(exif: bytes) -> bytes:
    return saved(photo(), "WEBP", exif=exif)


def hostile() -> list[Case]:
    return [
        Case(FAMILY, "JPEG, 2,000 entries over each other", lambda: in_jpeg(block(2000, 40_000)), ON_TOP),
        Case(FAMILY, "JPEG, 5,000 entries without data", lambda: in_jpeg(block(5000, 4))),
        Case(FAMILY, "JPEG, a loop", lambda: in_jpeg(looping())),
        Case(FAMILY, "JPEG, 700 blocks", lambda: in_jpeg(block(1, 65_000), 700), "16 blocks of EXIF"),
        Case(FAMILY, "JPEG, a directory behind the end", lambda: in_jpeg(b"II*\0\xff\xff\xff\x7f")),
        Case(FAMILY, "JPEG, values of 4 billion bytes", lambda: in_jpeg(block(1, 8)[:14] + b"\xff" * 40)),
        Case(FAMILY, "JPEG, pages over each other", lambda: pages(block(2000, 40_000)), ON_TOP),
        Case(FAMILY, "PNG, 5,000 entries over each other", lambda: in_png(block(5000, 500_000)), ON_TOP),
        Case(FAMILY, "PNG, 40 million bytes", lambda: in_png(block(1, 40_000_000)), "EXIF data of", quick=False),
        Case(FAMILY, "PNG, a loop", lambda: in_png(looping())),
        Case(FAMILY, "PNG, in a text, 5,000 over each other", lambda: in_profile(block(5000, 400_000)), ON_TOP),
        Case(FAMILY, "WebP, 5,000 entries over each other", lambda: in_webp(block(5000, 500_000)), ON_TOP),
        Case(FAMILY, "WebP, a loop", lambda: in_webp(looping())),
        Case(FAMILY, "WebP, 40 million bytes", lambda: in_webp(block(1, 40_000_000)), "EXIF data of", quick=False),
    ]


def pages(directory: bytes) -> bytes:
    body = saved(photo(), "JPEG")
    return body[:2] + segment(0xE2, b"MPF\0" + directory) + body[2:]


FAMILIES = (hostile,)
