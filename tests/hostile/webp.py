"""WebP files: little compressed to much, films, and codes that want a table for each few pixels."""

import struct
from collections.abc import Iterable

from tests.hostile.case import Case, photo, saved

FAMILY = "WebP"
MEMORY, SIZE = "MiB of memory", "pixels are taken"


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(*chunks: bytes) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


class Bits:
    """Bits from the lowest of each byte on, as lossless WebP has them."""

    def __init__(self) -> None:
        self.value = bytearray()
        self.bit = 0

    def add(self, value: int, number: int) -> None:
        for place in range(number):
            if self.bit % 8 == 0:
                self.value.append(0)
            self.value[-1] |= (value >> place & 1) << (self.bit % 8)
            self.bit += 1

    def code(self, symbol: int) -> None:
        """A Huffman code of one symbol, 0 or 1, which then takes no bits."""
        for bit in (1, 0, 0, symbol):
            self.add(bit, 1)

    def bytes_code(self) -> None:
        """A Huffman code in which each of 256 symbols has eight bits."""
        self.add(0, 1)  # no simple code
        self.add(15 - 4, 4)  # of the 19 lengths the first 15 in their own order: 17, 18, 0, 1, 2, …, 8
        for place in range(15):
            self.add(1 if place in (2, 11) else 0, 3)  # 0 and 8 have one bit each
        self.add(0, 1)  # all symbols follow
        for symbol in range(280):
            self.add(1 if symbol < 256 else 0, 1)


def tables(width: int, height: int) -> bytes:
    """A picture of one colour, with a set of Huffman codes for each 4×4 pixels."""
    bits = Bits()
    across, down = -(-width // 4), -(-height // 4)
    bits.add(0x2F, 8)
    bits.add(width - 1, 14)
    bits.add(height - 1, 14)
    bits.add(0, 6)  # no alpha, version 0, no transform, no colours remembered
    bits.add(1, 1)
    bits.add(0, 3)
    bits.add(0, 1)
    bits.bytes_code()  # green and red together are the number of a set
    bits.add(0, 1)
    bits.add(15 - 4, 4)
    for place in range(15):
        bits.add(1 if place in (2, 11) else 0, 3)
    bits.add(0, 1)
    for _ in range(256):
        bits.add(1, 1)
    for _ in range(3):
        bits.code(0)
    for number in range(across * down):
        for byte in (number & 255, number >> 8 & 255):
            bits.add(int(f"{byte:08b}"[::-1], 2), 8)
    for _ in range(min(across * down, 65_536)):
        for _ in range(5):
            bits.code(0)
    return riff(chunk(b"VP8L", bytes(bits.value) + bytes(64)))


def extended(width: int, height: int, flags: int, chunks: Iterable[bytes]) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(chunk(b"VP8X", bytes((flags, 0, 0, 0)) + size), *chunks)


def film(pictures: int, width: int, height: int) -> bytes:
    inner = saved(photo(16, 16), "WEBP")[12:]
    picture = chunk(b"ANMF", bytes(6) + (15).to_bytes(3, "little") * 2 + bytes(4) + inner)
    return extended(width, height, 2, [chunk(b"ANIM", bytes(6)), picture * pictures])


def flat(side: int, *, lossless: bool) -> bytes:
    from PIL import Image

    return saved(Image.new("RGB", (side, side), (200, 200, 200)), "WEBP", lossless=lossless, method=0)


def lossless_head(width: int, height: int) -> bytes:
    return riff(chunk(b"VP8L", b"\x2f" + struct.pack("<I", (height - 1) << 14 | (width - 1)) + bytes(200)))


def lossy_head(width: int, height: int) -> bytes:
    body = bytearray(saved(photo(), "WEBP"))
    body[26:30] = struct.pack("<HH", width, height)
    return bytes(body)


def hostile() -> list[Case]:
    whole = saved(photo(), "WEBP")
    return [
        Case(FAMILY, "lossless, one colour, 64 million pixels", lambda: flat(8000, lossless=True), MEMORY, quick=False),
        Case(FAMILY, "lossy, one colour, 64 million pixels", lambda: flat(8000, lossless=False), MEMORY, quick=False),
        Case(FAMILY, "lossless, one colour, 16 million pixels", lambda: flat(4000, lossless=True), quick=False),
        Case(FAMILY, "lossy, one colour, 16 million pixels", lambda: flat(4000, lossless=False), quick=False),
        Case(FAMILY, "lossless, nothing but a head of 268 million", lambda: lossless_head(16_384, 16_384), SIZE),
        Case(FAMILY, "lossless, nothing but a head of 64 million", lambda: lossless_head(8000, 8000), MEMORY),
        Case(FAMILY, "lossless, nothing but a head of 16 million", lambda: lossless_head(4000, 4000)),
        Case(FAMILY, "lossy, a head of 268 million", lambda: lossy_head(16_383, 16_383), SIZE),
        Case(FAMILY, "lossy, a head of 16 million", lambda: lossy_head(4000, 4000)),
        Case(FAMILY, "65,536 sets of codes", lambda: tables(1024, 1024), quick=False),
        Case(FAMILY, "16,384 sets of codes", lambda: tables(512, 512), quick=False),
        Case(FAMILY, "a canvas of 16 million × 16 million", lambda: extended(1 << 24, 1 << 24, 0, [whole[12:]]), SIZE),
        Case(FAMILY, "a canvas of 64 million", lambda: extended(8000, 8000, 0, [whole[12:]]), MEMORY),
        Case(FAMILY, "a film of 1,000 pictures", lambda: film(1000, 64, 64)),
        Case(FAMILY, "a film of 100,000 pictures", lambda: film(100_000, 64, 64), "chunks; save it again", quick=False),
        Case(FAMILY, "a film on 16 million pixels", lambda: film(100, 4000, 4000), quick=False),
        Case(
            FAMILY,
            "4 million empty chunks",
            lambda: riff(chunk(b"JUNK", b"") * 4_000_000, whole[12:]),
            "chunks;",
            quick=False,
        ),
        Case(FAMILY, "a size of 4 billion", lambda: whole[:4] + b"\xff" * 4 + whole[8:]),
        Case(FAMILY, "cut off", lambda: whole[: len(whole) // 2], "damaged image"),
        Case(FAMILY, "a head only", lambda: whole[:12], "damaged image|not an image"),
        Case(FAMILY, "sound", lambda: b"RIFF" + struct.pack("<I", 4000) + b"WAVE" + bytes(4000), "not an image"),
    ]


FAMILIES = (hostile,)
