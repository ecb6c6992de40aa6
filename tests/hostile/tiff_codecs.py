"""TIFF files that hold other formats' data, each of which has a decoder of its own."""

import lzma
import zlib

from PIL import Image

from tests.hostile.case import Case, photo, saved
from tests.hostile.jpeg_scans import progressive
from tests.hostile.png_chunks import zeros
from tests.hostile.tiff_layout import stripped
from tests.hostile.webp import flat

FAMILY = "TIFF codecs"
FAX3, FAX4, LZW, OLD_JPEG, JPEG, DEFLATE, PACKBITS, LZMA, ZSTD, WEBP, JPEG_2000, OLD_DEFLATE, LERC = (
    3, 4, 5, 6, 7, 8, 32773, 34925, 50000, 50001, 34712, 32946, 34887,
)  # fmt: skip


def packed_bits(size: int) -> bytes:
    return b"\x81\x00" * (size // 128 + 1)


def lzma_of(size: int, dictionary: int) -> bytes:
    filters = [
        {"id": lzma.FILTER_LZMA2, "dict_size": dictionary, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3, "nice_len": 273}
    ]
    return lzma.compress(bytes(size), format=lzma.FORMAT_XZ, check=lzma.CHECK_NONE, filters=filters)


def with_dictionary_of(body: bytes, code: int) -> bytes:
    """A file of xz that says that its dictionary has up to 4 GB."""
    head = bytearray(body)
    place = 12
    head[place + 4] = code
    size = (head[place] + 1) * 4
    head[place + size - 4 : place + size] = zlib.crc32(bytes(head[place : place + size - 4])).to_bytes(4, "little")
    return bytes(head)


def fax(side: int, compression: str) -> bytes:
    rows = Image.new("1", (side, side))
    rows.paste(Image.effect_noise((512, 512), 90).convert("1").resize((side, side), Image.Resampling.NEAREST))
    return saved(rows, "TIFF", compression=compression)


def hostile() -> list[Case]:
    scans = progressive(2000, 2000, 1900)
    made = [
        ("a JPEG of 1,900 scans", lambda: stripped(2000, 2000, 2000, JPEG, scans, 3)),
        ("an old JPEG", lambda: stripped(2000, 2000, 2000, OLD_JPEG, saved(photo(), "JPEG"))),
        ("a JPEG of another size", lambda: stripped(4000, 4000, 4000, JPEG, saved(photo(), "JPEG"))),
        ("LZMA, a dictionary of 4 GB", lambda: stripped(
            1000, 1000, 1000, LZMA, with_dictionary_of(lzma_of(3_000_000, 1 << 16), 40))),
        ("LZMA, 64 million pixels", lambda: stripped(8000, 8000, 64, LZMA, lzma_of(1_536_000, 1 << 20))),
        ("Zstandard of nothing", lambda: stripped(1000, 1000, 1000, ZSTD, bytes(100))),
        ("a WebP of 16 million pixels", lambda: stripped(4000, 4000, 4000, WEBP, flat(4000, lossless=True))),
        ("JPEG 2000 of nothing", lambda: stripped(1000, 1000, 1000, JPEG_2000, bytes(1000))),
        ("LERC of nothing", lambda: stripped(1000, 1000, 1000, LERC, bytes(1000))),
        ("LZW of nothing", lambda: stripped(8000, 8000, 64, LZW, bytes(1_000_000))),
        ("packed bits, 64 million pixels", lambda: stripped(8000, 8000, 64, PACKBITS, packed_bits(1_536_000))),
        ("old deflate, 64 million pixels", lambda: stripped(8000, 8000, 64, OLD_DEFLATE, zeros(1_536_000))),
        ("deflate of 1 GB in one row", lambda: stripped(100, 100, 1, DEFLATE, zeros(1 << 30))),
        ("fax 3 of noise, 16 million", lambda: fax(4000, "group3")),
        ("fax 4 of noise, 64 million", lambda: fax(8000, "group4")),
        ("fax 4 of nothing", lambda: stripped(8000, 8000, 8000, FAX4, bytes(1_000_000), 1)),
        ("a compression that is none", lambda: stripped(100, 100, 100, 12_345, bytes(30_000))),
    ]  # fmt: skip
    return [Case(FAMILY, name, make, quick="nothing" in name or "none" in name) for name, make in made]


FAMILIES = (hostile,)
