"""JPEG files whose scans, size or codes cost more than their bytes."""

import struct

from tests.hostile.case import Case, photo, saved

EOI = b"\xff\xd9"
Spectrum = tuple[tuple[int, ...], int, int, int, int]  # components, first and last coefficient, bits before and now
# One table of Huffman codes with two codes of one bit and two: 0 (nothing, or the end of a block) and 0xF0 or 1.
DC_TABLE = bytes((0x00, 1, 1, *[0] * 14, 0, 1))
AC_TABLE = bytes((0x10, 1, 1, *[0] * 14, 0, 1))
# Runs of blocks that end at once: the code 0xE0 and 14 bits say how many, up to 32,767.
AC_RUNS = bytes((0x10, 1, 1, *[0] * 14, 0, 0xE0))


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def frame(kind: int, width: int, height: int, samplings: tuple[int, ...] = (0x22, 0x11, 0x11)) -> bytes:
    parts = b"".join(bytes((name, sampling, 0)) for name, sampling in enumerate(samplings, 1))
    return segment(kind, struct.pack(">BHHB", 8, height, width, len(samplings)) + parts)


def start(*tables: bytes) -> bytes:
    quantization = segment(0xDB, bytes((0, *[1] * 64)))
    return b"\xff\xd8" + quantization + b"".join(segment(0xC4, table) for table in tables)


def scan(spectrum: Spectrum, data: bytes) -> bytes:
    names, first, last, before, now = spectrum
    parts = b"".join(bytes((name, 0)) for name in names)
    return segment(0xDA, bytes((len(names),)) + parts + bytes((first, last, before << 4 | now))) + data


def progressive(width: int, height: int, scans: int, data: bytes = b"", components: int = 3) -> bytes:
    """One scan of the coarse values, then as many that each go over all blocks of the first component."""
    samplings = (0x11,) * components
    names = tuple(range(1, components + 1))
    blocks = -(-width // 8) * -(-height // 8) * components
    coarse = scan((names, 0, 0, 0, 0), bytes(blocks // 8 + 1))
    fine = scan(((1,), 1, 63, 0, 0), data or bytes(8))
    return start(DC_TABLE, AC_RUNS) + frame(0xC2, width, height, samplings) + coarse + fine * scans + EOI


def refining(width: int, height: int, scans: int) -> bytes:
    """Scans that only refine: each looks at every value that is there already."""
    blocks = -(-width // 8) * -(-height // 8)
    coarse = scan(((1,), 0, 0, 0, 1), bytes(blocks // 8 + 1))
    fine = scan(((1,), 0, 0, 1, 0), bytes(blocks // 8 + 1))
    return start(DC_TABLE, AC_TABLE) + frame(0xC2, width, height, (0x11,)) + coarse + fine * scans + EOI


def sequential(width: int, height: int, scans: int, kind: int = 0xC0) -> bytes:
    """A baseline file whose components come one by one, and again and again."""
    blocks = -(-width // 8) * -(-height // 8)
    each = scan(((1,), 0, 63, 0, 0), bytes(blocks // 4 + 1)) + scan(((2,), 0, 63, 0, 0), bytes(blocks // 4 + 1))
    last = scan(((3,), 0, 63, 0, 0), bytes(blocks // 4 + 1))
    return start(DC_TABLE, AC_TABLE) + frame(kind, width, height, (0x11,) * 3) + each * scans + last + EOI


def resized(body: bytes, width: int, height: int) -> bytes:
    """The same file with another size in its head."""
    place = next(found for marker in (b"\xff\xc0", b"\xff\xc2") if (found := body.find(marker)) > 0)
    return body[: place + 5] + struct.pack(">HH", height, width) + body[place + 9 :]


def many_scans() -> list[Case]:
    too_long = "takes too long to decode"
    return [
        Case("JPEG scans", "1,000 over 4 million pixels", lambda: progressive(2000, 2000, 1000), too_long),
        Case("JPEG scans", "1,900 over 4 million pixels", lambda: progressive(2000, 2000, 1900), too_long),
        Case("JPEG scans", "25,000 over 4 million pixels", lambda: progressive(2000, 2000, 25_000), too_long),
        Case("JPEG scans", "40 over 40 million pixels", lambda: progressive(8000, 5000, 40, components=1), too_long),
        Case("JPEG scans", "a million over 256 pixels", lambda: progressive(16, 16, 1_000_000), too_long, quick=False),
        Case("JPEG scans", "2,500 over 1,024 pixels", lambda: progressive(32, 32, 2500), too_long),
        Case("JPEG scans", "1,900 over 1,024 pixels", lambda: progressive(32, 32, 1900)),
        Case("JPEG scans", "300 that refine", lambda: refining(4000, 3000, 300), too_long),
        Case("JPEG scans", "2 that refine", lambda: refining(4000, 3000, 2), quick=False),
        Case("JPEG scans", "400 of a baseline file", lambda: sequential(1000, 1000, 400), too_long),
        Case("JPEG scans", "400 of an extended file", lambda: sequential(1000, 1000, 400, 0xC1), too_long),
        Case("JPEG scans", "20 of a baseline file", lambda: sequential(400, 400, 20)),
        Case("JPEG scans", "no more data than the scans", lambda: progressive(8000, 8000, 1), "MiB of memory"),
    ]


def lies_about_size() -> list[Case]:
    baseline, stepwise = saved(photo(), "JPEG"), saved(photo(), "JPEG", progressive=True)
    few = "are too few for"
    return [
        Case("JPEG size", "baseline, 8,000×8,000", lambda: resized(baseline, 8000, 8000), few),
        Case("JPEG size", "baseline, 65,500×976", lambda: resized(baseline, 65_500, 976), few),
        Case("JPEG size", "baseline, 976×65,500", lambda: resized(baseline, 976, 65_500), few),
        Case("JPEG size", "baseline, 65,535×65,535", lambda: resized(baseline, 65_535, 65_535), "pixels are taken"),
        Case("JPEG size", "baseline, 0×0", lambda: resized(baseline, 0, 0), "at least 16"),
        Case("JPEG size", "baseline, 65,535×1", lambda: resized(baseline, 65_535, 1), "at least 16"),
        Case("JPEG size", "baseline, 1,000×1,000", lambda: resized(baseline, 1000, 1000)),
        Case("JPEG size", "progressive, 8,000×8,000", lambda: resized(stepwise, 8000, 8000), few),
        Case("JPEG size", "progressive, 65,535×65,535", lambda: resized(stepwise, 65_535, 65_535), "pixels are taken"),
        Case("JPEG size", "progressive, 1,600×1,600", lambda: resized(stepwise, 1600, 1600)),
        Case(
            "JPEG size", "ten components", lambda: start() + frame(0xC0, 64, 64, (0x11,) * 10) + EOI, "without pixels"
        ),
        Case("JPEG size", "a flat picture at the limit", lambda: sequential_flat(8000, 8000), quick=False),
        Case(
            "JPEG size", "samplings of 15", lambda: start() + frame(0xC0, 64, 64, (0xFF, 0xFF)) + EOI, "without pixels"
        ),
    ]


def sequential_flat(width: int, height: int) -> bytes:
    """A whole baseline file of one grey, two bits for each block."""
    blocks = -(-width // 8) * -(-height // 8)
    data = scan(((1, 2, 3), 0, 63, 0, 0), bytes(3 * blocks // 4 + 1))
    return start(DC_TABLE, AC_TABLE) + frame(0xC0, width, height, (0x11,) * 3) + data + EOI


FAMILIES = (many_scans, lies_about_size)
