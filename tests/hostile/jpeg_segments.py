"""JPEG files with more segments, filling and damage than pixels."""

from collections.abc import Callable
from functools import partial

from tests.hostile.case import MOST, Case, photo, saved
from tests.hostile.jpeg_scans import frame, segment, start

PHOTO = saved(photo(), "JPEG")
AFTER_SOI = 2


def with_more(more: Callable[[], bytes]) -> Callable[[], bytes]:
    """The photo with other bytes behind its first marker."""
    return lambda: PHOTO[:AFTER_SOI] + more() + PHOTO[AFTER_SOI:]


def resources(number: int) -> bytes:
    return segment(0xED, b"Photoshop 3.0\0" + (b"8BIM" + bytes(8)) * number)


def profile(number: int, of: int) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0" + bytes((number % 256, of % 256)) + bytes(60_000))


def segments() -> list[Case]:
    before = "segments and"
    made: list[tuple[str, Callable[[], bytes], str, bool]] = [
        ("12 million empty ones", lambda: segment(0xEF, b"") * (MOST // 4 - 9000), before, False),
        ("2 million empty ones", lambda: segment(0xEF, b"") * 2_000_000, before, True),
        ("100,000 comments", lambda: segment(0xFE, b"x") * 100_000, before, True),
        ("20 million bytes of FF", lambda: b"\xff" * 20_000_000, before, True),
        ("20 million bytes of nothing", lambda: bytes(20_000_000), "not an image", True),
        ("a million restarts", lambda: b"\xff\xd0" * 1_000_000, before, True),
        ("a million beginnings", lambda: b"\xff\xd8" * 1_000_000, before, True),
        ("100,000 tables", lambda: segment(0xDB, bytes((0, *[1] * 64))) * 100_000, before, True),
        ("700 full ones", lambda: segment(0xE5, bytes(65_000)) * 700, "", False),
        ("4 million resources of Photoshop", lambda: resources(5400) * 770, "resources of Photoshop", False),
        ("5,000 resources of Photoshop", lambda: resources(5000), "resources of Photoshop", True),
        ("700 pieces of a profile", lambda: b"".join(profile(n, 255) for n in range(700)), "", False),
        ("a second frame", lambda: frame(0xC0, 8000, 8000), "two frames", True),
        ("a frame that is cut off", lambda: segment(0xC0, b"\x08\x00"), "cut off", True),
        ("a segment of size 0", lambda: b"\xff\xe1\0\0", "cut off", True),
        ("a segment behind the end", lambda: b"\xff\xe1\xff\xff" * 20, "", True),
    ]
    return [Case("JPEG segments", name, with_more(more), said, quick) for name, more, said, quick in made]


def cut_off(size: int) -> bytes:
    return PHOTO[:size]


def damaged() -> list[Case]:
    cut = [
        Case("JPEG damage", f"cut off after {size} bytes", partial(cut_off, size), "damaged image")
        for size in (3, 20, 200, 700, 2000)
    ]
    return [
        *cut,
        Case("JPEG damage", "no tables", lambda: start() + PHOTO[PHOTO.find(b"\xff\xc0") :]),
        Case("JPEG damage", "no pixels", lambda: start() + b"\xff\xd9", "without pixels"),
        Case("JPEG damage", "codes of ones", lambda: PHOTO[:700] + b"\xff\0" * 1_000_000 + b"\xff\xd9"),
        Case("JPEG damage", "restarts for pixels", lambda: PHOTO[:700] + b"\xff\xd3" * 1_000_000 + b"\xff\xd9"),
        Case("JPEG damage", "40 million bytes behind it", lambda: PHOTO + bytes(40_000_000), quick=False),
        Case("JPEG damage", "arithmetic codes", lambda: PHOTO.replace(b"\xff\xc0", b"\xff\xc9", 1)),
        Case("JPEG damage", "lossless", lambda: PHOTO.replace(b"\xff\xc0", b"\xff\xc3", 1)),
    ]


FAMILIES = (segments, damaged)
