"""Decoding: images as they come, and bytes that are meant to hurt."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.letterbox import letterbox


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


GRADIENT = Image.fromarray(np.linspace(0, 255, 40 * 60).reshape(40, 60).astype(np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
def test_each_format_becomes_rgb(kind: str) -> None:
    pixels = decode(encoded(GRADIENT.convert("RGB"), kind))
    assert (pixels.shape, pixels.dtype) == ((40, 60, 3), np.uint8)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_a_grey_image_of_more_bits_keeps_its_contrast(bits: int) -> None:
    deep = Image.fromarray(np.asarray(GRADIENT).astype(np.uint16) << (bits - 8))
    np.testing.assert_array_equal(decode(encoded(deep, "PNG"))[..., 0], np.asarray(GRADIENT))


def test_an_image_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(GRADIENT.convert("RGB"), "JPEG", exif=exif)).shape == (60, 40, 3)


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 40,000 × 40,000 pixels."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    chunks = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not an image"),
        (b"hello", "not an image"),
        (b"GIF89a" + b"\0" * 40, "not an image"),
        (encoded(GRADIENT, "JPEG")[:300], "damaged image"),
        (encoded(GRADIENT.resize((8, 8)), "PNG"), "at least 16 on each side"),
        (bomb(), "pixels"),
    ],
)
def test_what_is_no_usable_image_is_refused_in_one_line(body: bytes, said: str) -> None:
    with pytest.raises(UndecodableImageError, match=said) as refused:
        decode(body)
    assert "\n" not in str(refused.value)


@given(st.binary(max_size=200), st.integers(0, 600))
def test_no_damage_brings_the_decoder_down(noise: bytes, place: int) -> None:
    body = bytearray(encoded(GRADIENT, "JPEG"))
    body[place : place + len(noise)] = noise
    try:
        assert decode(bytes(body)).ndim == 3
    except UndecodableImageError as refused:
        assert str(refused)


def test_a_letterboxed_image_keeps_its_aspect_ratio() -> None:
    fitted = letterbox(np.full((100, 400, 3), 200, dtype=np.uint8), 64, 128)
    assert fitted.scale == 0.32
    assert (fitted.pixels[:32] == 200).all()
    assert (fitted.pixels[32:] == 114).all()
