"""TIFF files whose tags, tiles, strips and directories are not what they say."""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence

from tests.hostile.case import Case, photo, saved
from tests.hostile.png_chunks import zeros

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL, STRIPS, SAMPLES = 256, 257, 258, 259, 262, 266, 273, 277
ROWS, STRIP_BYTES, PLANAR, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, INNER = 278, 279, 284, 322, 323, 324, 325, 330
Tags = Mapping[int, Sequence[int]]
MEMORY, SIZE = "damaged image|MiB of memory", "pixels are taken"
DATA = 8  # where the pixels begin


def tiff(pixels: bytes, tags: Tags, following: int = 0) -> bytes:
    """A file with these pixels and one directory, whose numbers all have 32 bits."""
    start = DATA + len(pixels) + len(pixels) % 2
    values_at = start + 2 + 12 * len(tags) + 4
    directory, values = [struct.pack("<H", len(tags) & 0xFFFF)], []
    for tag in sorted(tags):
        packed = struct.pack(f"<{len(tags[tag])}I", *tags[tag])
        inline = packed if len(packed) == 4 else struct.pack("<I", values_at)
        if len(packed) != 4:
            values.append(packed)
            values_at += len(packed)
        directory.append(struct.pack("<HHI", tag, 4, len(tags[tag])) + inline)
    head = b"II*\0" + struct.pack("<I", start) + pixels + b"\0" * (len(pixels) % 2)
    return b"".join((head, *directory, struct.pack("<I", following), *values))


def picture(
    width: int, height: int, compression: int, samples: int = 3, **more: Sequence[int]
) -> dict[int, Sequence[int]]:
    return {
        WIDTH: [width], HEIGHT: [height], BITS: [8] * samples, COMPRESSION: [compression],
        PHOTOMETRIC: [2 if samples >= 3 else 1], SAMPLES: [samples],
    }  # fmt: skip


def tiled(width: int, height: int, tile: tuple[int, int], compression: int, pixels: bytes, samples: int = 3) -> bytes:
    across, down = -(-width // max(1, tile[0])), -(-height // max(1, tile[1]))
    tags = picture(width, height, compression, samples) | {
        TILE_WIDTH: [tile[0]], TILE_HEIGHT: [tile[1]],
        TILES: [DATA] * (across * down), TILE_BYTES: [len(pixels)] * (across * down),
    }  # fmt: skip
    return tiff(pixels, tags)


def stripped(
    width: int, height: int, rows: int, compression: int, pixels: bytes, samples: int = 3, fill: int = 1
) -> bytes:
    """Each strip is all of the pixels."""
    strips = -(-height // rows)
    tags = picture(width, height, compression, samples) | {
        ROWS: [rows], STRIPS: [DATA] * strips, STRIP_BYTES: [len(pixels)] * strips, FILL: [fill],
    }  # fmt: skip
    return tiff(pixels, tags)


def named(family: str, made: list[tuple[str, Callable[[], bytes], str, bool]]) -> list[Case]:
    return [Case(family, name, make, said, quick) for name, make, said, quick in made]


def tiles() -> list[Case]:
    def one(side: int, pixels: int, compression: int = 8) -> Callable[[], bytes]:
        """One tile of this side, in which a picture of 100×100 lies."""
        return lambda: tiled(100, 100, (side, side), compression, zeros(pixels) if compression == 8 else bytes(pixels))

    return named("TIFF tiles", [
        ("20,000×20,000 for 100×100", one(20_000, 1 << 30), MEMORY, False),
        ("10,000×10,000 for 100×100", one(10_000, 300 << 20), MEMORY, False),
        ("4 billion × 4 billion", one(2**32 - 16, 1000), MEMORY, True),
        ("0×0", lambda: tiled(99, 99, (0, 0), 1, bytes(99)), "damaged image", True),
        ("16×16, half a million of the same", lambda: tiled(11_000, 5800, (16, 16), 8, zeros(768)), "", False),
        ("LZW of nothing", one(10_000, 1000, 5), MEMORY, True),
        ("8,000×8,000", lambda: tiled(8000, 8000, (8000, 8000), 8, zeros(192_000_000)), "", False),
        ("8,000×8,000, grey", lambda: tiled(8000, 8000, (8000, 8000), 8, zeros(64_000_000), 1), "", False),
    ])  # fmt: skip


def strips() -> list[Case]:
    packed = zlib.compress(bytes(3 * 8000))
    outside = {STRIPS: [2**31], STRIP_BYTES: [2**31]}

    def turned() -> bytes:
        return stripped(8000, 8000, 1, 8, packed + bytes(40_000_000), fill=2)

    return named("TIFF strips", [
        ("8,000 of the same", lambda: stripped(8000, 8000, 1, 8, packed), "", False),
        ("8,000 of the same 40 MB", lambda: stripped(8000, 8000, 1, 8, packed + bytes(40_000_000)), "", False),
        ("8,000 of the same 40 MB, bits turned", turned, "", False),
        ("one for all", lambda: stripped(8000, 8000, 8000, 8, zeros(192_000_000)), "", False),
        ("one for all, grey", lambda: stripped(8000, 8000, 8000, 8, zeros(64_000_000), 1), "", False),
        ("one for all, plain, cut off", lambda: stripped(8000, 8000, 8000, 1, bytes(9)), "damaged image", True),
        ("rows of 4 billion", lambda: stripped(100, 100, 2**32 - 1, 8, zeros(30_000)), "", True),
        ("65,535×65,535", lambda: stripped(65_535, 65_535, 65_535, 8, packed), SIZE, True),
        ("4 billion × 4 billion", lambda: stripped(2**32 - 1, 2**32 - 1, 2**32 - 1, 8, packed), SIZE, True),
        ("none", lambda: tiff(b"", picture(8000, 8000, 8)), "damaged image", True),
        ("behind the end", lambda: tiff(b"", picture(800, 800, 1) | outside), "damaged image", True),
    ])  # fmt: skip


def numbers() -> list[Case]:
    def changed(**tags: Sequence[int]) -> bytes:
        given = {int(name.removeprefix("tag")): values for name, values in tags.items()}
        strip = {ROWS: [100], STRIPS: [DATA], STRIP_BYTES: [30_000]}
        return tiff(bytes(30_000), picture(100, 100, 1) | strip | given)

    return [
        Case("TIFF numbers", "65,535 of a pixel", lambda: changed(tag277=[65_535])),
        Case("TIFF numbers", "4 billion of a pixel", lambda: changed(tag277=[2**32 - 1])),
        Case("TIFF numbers", "of 64 bits", lambda: changed(tag258=[64, 64, 64])),
        Case("TIFF numbers", "of 4 billion bits", lambda: changed(tag258=[2**32 - 1] * 3)),
        Case("TIFF numbers", "of a million depths", lambda: changed(tag258=[8] * 1_000_000)),
        Case("TIFF numbers", "10 million widths", lambda: changed(tag256=[100] * 10_000_000), "", False),
        Case("TIFF numbers", "a predictor that is none", lambda: changed(tag317=[99])),
        Case("TIFF numbers", "planes of 65,535", lambda: changed(tag284=[2], tag277=[65_535])),
        Case("TIFF numbers", "colours that are none", lambda: changed(tag262=[77])),
        Case(
            "TIFF numbers",
            "a palette of 3 numbers",
            lambda: changed(tag262=[3], tag277=[1], tag258=[8], tag320=[1, 2, 3]),
        ),
    ]


def directories() -> list[Case]:
    whole = saved(photo(), "TIFF")
    start = struct.unpack_from("<I", whole, 4)[0]

    def looping() -> bytes:
        count = struct.unpack_from("<H", whole, start)[0]
        place = start + 2 + 12 * count
        return whole[:place] + struct.pack("<I", start) + whole[place + 4 :]

    def chain(number: int, size: int = 6) -> bytes:
        """Empty directories, each of which names the next one, and none a picture."""
        body = bytearray(b"II*\0" + struct.pack("<I", 8))
        for place in range(8, 8 + size * number, size):
            body += struct.pack("<HI", 0, place + size)
        return bytes(body)

    def over_each_other(entries: int, size: int) -> bytes:
        at = 8 + 2 + 12 * (entries + 2) + 4
        sizes = [(WIDTH, 4, 1, 100), (HEIGHT, 4, 1, 100)]
        tags = [struct.pack("<HHII", *entry) for entry in sizes + [(1000 + n, 1, size, at) for n in range(entries)]]
        return b"".join((b"II*\0\x08\0\0\0", struct.pack("<H", entries + 2), *tags, bytes(4), bytes(size)))

    def big(count: int) -> bytes:
        return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, count) + struct.pack("<HHQQ", 256, 16, 2**63, 8) * 50

    def inner(number: int) -> bytes:
        return tiff(b"", picture(100, 100, 1) | {254: [1], INNER: [8] * number})

    return [
        Case("TIFF directories", "a loop", looping),
        Case(
            "TIFF directories",
            "8 million empty ones",
            lambda: chain(8_000_000),
            "damaged image|without an image",
            False,
        ),
        Case("TIFF directories", "100,000 empty ones", lambda: chain(100_000), "damaged image|without an image"),
        Case("TIFF directories", "60,000 tags over each other", lambda: over_each_other(60_000, 40_000_000), "", False),
        Case("TIFF directories", "60,000 tags of 100 kB", lambda: over_each_other(60_000, 100_000), "", False),
        Case("TIFF directories", "a million inner ones", lambda: inner(1_000_000), "", False),
        Case("TIFF directories", "65,535 tags of nothing", lambda: over_each_other(60_000, 4)),
        Case("TIFF directories", "big, 2^63 tags", lambda: big(2**63), "damaged image"),
        Case("TIFF directories", "big, 50 tags of 2^63 numbers", lambda: big(50), "damaged image"),
        Case("TIFF directories", "behind the end", lambda: b"II*\0\xff\xff\xff\x7f" + bytes(100), "damaged image"),
        Case("TIFF directories", "cut off", lambda: whole[:1000], "damaged image"),
        Case("TIFF directories", "a head only", lambda: b"MM\0*", "damaged image|not an image"),
    ]


FAMILIES = (tiles, strips, numbers, directories)
