"""Which way up an image is: the one place that decides, for every format and everybody who decodes.

A file may say it in EXIF (JPEG, WebP, PNG), in a text of a PNG, in a tag of TIFF, or in XMP. The first valid one of
these counts. Valid is what browsers take: one number of 16 bits in 1..8. Everything else is as if it were not there.
"""

from __future__ import annotations

import re
import struct

from PIL import Image

ORIENTATION = 0x0112
SHORT = 3  # the type of a number of 16 bits, in EXIF and in TIFF
UPRIGHT = 1
FIRST_ON_ITS_SIDE = 5  # of the eight orientations the last four exchange width and height
MAX_XMP = 1 << 20  # bytes that are searched
XMP = re.compile(rb"""\btiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\s*["'<]""")
PROFILES = ("Raw profile type exif", "Raw profile type APP1")  # texts in which ImageMagick puts EXIF into a PNG


def orientation(image: Image.Image) -> int:
    """Return the orientation, 1..8, that an image of Pillow says, which may have to be loaded first; 1 for none."""
    info = image.info
    exif = info.get("exif")
    found = of_exif(exif) if isinstance(exif, bytes) else None
    for name in PROFILES:
        text = info.get(name)
        if found is None and isinstance(text, (str, bytes)):
            found = of_exif(unpacked(text))
    for name in ("xmp", "XML:com.adobe.xmp", "Raw profile type xmp"):
        text = info.get(name)
        if found is None and isinstance(text, (str, bytes)):
            found = of_xmp(unpacked(text) if name.startswith("Raw") else text)
    return found or UPRIGHT


def of_exif(block: bytes) -> int | None:
    """Return the valid orientation in a block of EXIF, None where there is none."""
    block = block[6:] if block[:6] == b"Exif\0\0" else block
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 10:
        return None
    (start,) = struct.unpack_from(order + "I", block, 4)
    if start + 2 > len(block):
        return None
    (count,) = struct.unpack_from(order + "H", block, start)
    for place in range(start + 2, min(start + 2 + 12 * count, len(block) - 11), 12):
        tag, kind, number, value = struct.unpack_from(order + "HHIH", block, place)
        if tag == ORIENTATION:
            return valid(value) if (kind, number) == (SHORT, 1) else None
    return None


def of_xmp(text: str | bytes) -> int | None:
    """Return the valid orientation in a packet of XMP, None where there is none."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    found = XMP.search(raw[:MAX_XMP])
    return int(found[1]) if found else None


def valid(value: int) -> int | None:
    return value if 1 <= value <= 8 else None


def unpacked(text: str | bytes) -> bytes:
    """Return the bytes of a raw profile: its name, its length, and hexadecimal digits, parted by line breaks."""
    lines = (text.decode("latin-1") if isinstance(text, bytes) else text)[: 2 * MAX_XMP].split("\n")
    try:
        return bytes.fromhex("".join(lines[3:]))
    except ValueError:
        return b""
