"""PNG files with more chunks and texts than pixels."""

import struct
import zlib
from collections.abc import Callable

from tests.hostile.case import MOST, Case, photo, saved

PHOTO = saved(photo(), "PNG")
AFTER_HEAD = 33
HUGE = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_more(more: Callable[[], bytes], place: int = AFTER_HEAD) -> Callable[[], bytes]:
    return lambda: PHOTO[:place] + more() + PHOTO[place:]


def zeros(size: int) -> bytes:
    """That many bytes of nothing, compressed as much as can be."""
    packer, block = zlib.compressobj(9), bytes(1 << 20)
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    each = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)  # the same again and again
    whole, rest = divmod(size, len(block))
    last = zlib.compressobj(9)
    end = (last.compress(bytes(rest)) + last.flush())[2:-4]
    begin = first[:2] + (first[2:] + each * (whole - 1) if whole else b"")
    return begin + end + struct.pack(">I", (size % 65521) << 16 | 1)


def chunks() -> list[Case]:
    many, at_pixels = "chunks; save it again", PHOTO.find(b"IDAT") - 4
    made: list[tuple[str, Callable[[], bytes], int, str, bool]] = [
        ("4 million empty ones", lambda: chunk(b"teSt") * (MOST // 12 - 20_000), AFTER_HEAD, many, False),
        ("500,000 empty ones", lambda: chunk(b"teSt") * 500_000, AFTER_HEAD, many, True),
        ("500,000 empty ones of pixels", lambda: chunk(b"IDAT") * 500_000, at_pixels, many, False),
        ("60,000 empty ones of pixels", lambda: chunk(b"IDAT") * 60_000, at_pixels, "", False),
        ("500,000 behind the pixels", lambda: chunk(b"tIME", bytes(7)) * 500_000, len(PHOTO) - 12, many, True),
        ("500,000 pictures of a film", lambda: chunk(b"fdAT", bytes(4)) * 500_000, len(PHOTO) - 12, many, False),
        ("one of 2 billion bytes", lambda: b"\x7f\xff\xff\xfftEXt" + bytes(50), AFTER_HEAD, "", True),
        ("one of 4 billion bytes", lambda: b"\xff\xff\xff\xffIDAT" + bytes(50), AFTER_HEAD, "", True),
        ("one with a wrong sum", lambda: chunk(b"gAMA", bytes(4))[:-4] + bytes(4), AFTER_HEAD, "", True),
        ("a film of 4 billion pictures", lambda: chunk(b"acTL", b"\xff" * 8), AFTER_HEAD, "", True),
        ("a palette of 60,000 bytes", lambda: chunk(b"PLTE", bytes(60_000)), AFTER_HEAD, "", True),
        ("names that are none", lambda: chunk(b"\0\1\2\3"), AFTER_HEAD, "", True),
        ("a second head of another size", lambda: chunk(b"IHDR", HUGE), AFTER_HEAD, "", True),
    ]  # fmt: skip
    return [Case("PNG chunks", name, with_more(more, place), said, quick) for name, more, place, said, quick in made]


def texts() -> list[Case]:
    def packed(name: bytes, size: int, times: int = 1, head: bytes = b"x\0\0") -> Callable[[], bytes]:
        return with_more(lambda: chunk(name, head + zeros(size)) * times)

    said, international = "unpacks to more than", b"x\0\1\0\0\0"
    return [
        Case("PNG texts", "a zTXt of 1 GB", packed(b"zTXt", 1 << 30), said, quick=False),
        Case("PNG texts", "a zTXt of 8 MB", packed(b"zTXt", 8 << 20), said),
        Case("PNG texts", "an iTXt of 8 MB", packed(b"iTXt", 8 << 20, head=international), said),
        Case("PNG texts", "a profile of 8 MB", packed(b"iCCP", 8 << 20), said),
        Case("PNG texts", "31 of 1 MB", packed(b"zTXt", 1 << 20, 31)),
        Case("PNG texts", "31 of 1 MB, of any letters", packed(b"iTXt", 1 << 20, 31, international)),
        Case("PNG texts", "1,000 of 1 MB", packed(b"zTXt", 1 << 20, 1000), "chunks; save it again"),
        Case(
            "PNG texts", "one of 40 MB, plain", with_more(lambda: chunk(b"tEXt", b"x\0" + bytes(40_000_000))), "", False
        ),
        Case("PNG texts", "one that is damaged", with_more(lambda: chunk(b"zTXt", b"x\0\0" + bytes(100)))),
    ]


FAMILIES = (chunks, texts)
