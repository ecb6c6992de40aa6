"""Which way up: one rule for all formats and all places where a file can say it."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.vision.decode import decode
from sightline.vision.orientation import of_exif, of_xmp
from tests.picture_files import COLOURS, encoded, exif, png16, png_chunk, stored, tiff, with_chunk, xmp

ALL = range(1, 9)
LOSSLESS = {"lossless": True, "exact": True}
XMP_TEXT = b"XML:com.adobe.xmp\0\0\0\0\0"


def raw_profile(block: bytes) -> bytes:
    """Return the text that ImageMagick writes into a PNG."""
    return b"Raw profile type exif\0\nexif\n" + b"%8d\n" % len(block) + block.hex().encode() + b"\n"


def say_in(way: str, pixels: np.ndarray, orientation: int) -> bytes:
    if way == "TIFF tag":
        return tiff(pixels, tags={274: orientation})
    if way == "XMP in a TIFF":
        return tiff(pixels, tags={700: xmp(orientation)})
    if way == "TIFF tag of a page that Pillow decodes":
        return encoded(pixels, "TIFF", compression="tiff_lzw", tiffinfo={274: orientation})
    if way.endswith("WebP"):
        said = {"exif": exif(orientation)} if way == "EXIF in a WebP" else {"xmp": xmp(orientation)}
        return encoded(pixels, "WEBP", **LOSSLESS, **said)
    if way == "EXIF in a PNG of 16 bits":
        return png16(pixels.astype(np.uint16) * 257, png_chunk(b"eXIf", exif(orientation)[6:]))
    body = encoded(pixels)
    if way == "raw profile of a PNG":
        return with_chunk(body, b"tEXt", raw_profile(exif(orientation)))
    if way == "XMP in a PNG":
        return with_chunk(body, b"iTXt", XMP_TEXT + xmp(orientation))
    return with_chunk(body, b"eXIf", exif(orientation)[6:], last=way == "EXIF after the pixels of a PNG")


WAYS = [
    "EXIF in a PNG",
    "EXIF after the pixels of a PNG",
    "EXIF in a PNG of 16 bits",
    "raw profile of a PNG",
    "XMP in a PNG",
    "EXIF in a WebP",
    "XMP in a WebP",
    "TIFF tag",
    "TIFF tag of a page that Pillow decodes",
    "XMP in a TIFF",
]


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("way", WAYS)
def test_a_picture_comes_upright_wherever_the_file_says_how(way: str, orientation: int) -> None:
    body = say_in(way, stored(COLOURS, orientation), orientation)
    np.testing.assert_array_equal(decode(body), COLOURS)


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("said", ["exif", "xmp"])
def test_a_jpeg_comes_upright_too(said: str, orientation: int) -> None:
    block = exif(orientation) if said == "exif" else xmp(orientation)
    body = encoded(stored(COLOURS, orientation), "JPEG", quality=95, subsampling=0, **{said: block})
    assert np.abs(decode(body).astype(int) - COLOURS).mean() < 3


INVALID = {
    "0": exif(0),
    "9": exif(9),
    "99": exif(99),
    "65535": exif(65535),
    "a text": exif(b"6\0\0\0", kind=2, count=2),
    "a number of 32 bits": exif(struct.pack(">I", 6), kind=4),
    "two numbers": exif(struct.pack(">HH", 6, 6), count=2),
    "a fraction": exif(struct.pack(">I", 8), kind=5),
    "no EXIF": b"Exif\0\0" + b"X" * 24,
    "EXIF that is cut off": exif(6)[:18],
    "EXIF whose directory is elsewhere": b"Exif\0\0MM\0*\xff\xff\xff\xf0" + bytes(20),
}


@pytest.mark.parametrize("block", INVALID.values(), ids=INVALID)
def test_what_is_no_valid_orientation_is_as_if_it_were_not_there(block: bytes) -> None:
    for body in (
        with_chunk(encoded(COLOURS), b"eXIf", block[6:]),
        with_chunk(encoded(COLOURS), b"tEXt", raw_profile(block)),
        encoded(COLOURS, "WEBP", **LOSSLESS, exif=block),
    ):
        np.testing.assert_array_equal(decode(body), COLOURS)
    jpeg = encoded(COLOURS, "JPEG", exif=block)
    np.testing.assert_array_equal(decode(jpeg), decode(encoded(COLOURS, "JPEG")))


@pytest.mark.parametrize("said", [0, 9, 99, 65535, (6, 6), b"6\0", b"\6"])
def test_an_invalid_tag_of_a_tiff_is_as_if_it_were_not_there(said: int | tuple[int, ...] | bytes) -> None:
    np.testing.assert_array_equal(decode(tiff(COLOURS, tags={274: said})), COLOURS)


def test_exif_counts_before_xmp_and_xmp_where_exif_says_nothing_valid() -> None:
    turned = stored(COLOURS, 6)
    np.testing.assert_array_equal(decode(encoded(turned, "WEBP", **LOSSLESS, exif=exif(6), xmp=xmp(3))), COLOURS)
    np.testing.assert_array_equal(decode(encoded(turned, "WEBP", **LOSSLESS, exif=exif(99), xmp=xmp(6))), COLOURS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<tiff:Orientation>6</tiff:Orientation>", 6),
        ("<a tiff:Orientation = '8'/>", 8),
        ('<a tiff:Orientation="0"/>', None),
        ('<a tiff:Orientation="66"/>', None),
        ("<tiff:Orientation/>", None),
        ("", None),
    ],
)
def test_both_ways_to_write_xmp_are_read(text: str, found: int | None) -> None:
    assert of_xmp(text) == of_xmp(text.encode()) == found


@given(st.binary(max_size=80), st.integers(0, 40))
def test_no_exif_brings_the_reader_down(noise: bytes, place: int) -> None:
    block = bytearray(exif(6))
    block[place : place + len(noise)] = noise
    assert of_exif(bytes(block)) in (None, *ALL)
