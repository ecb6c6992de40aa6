"""Decoding: images as they come, and bytes that are meant to hurt."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightline.vision import decode as decoding
from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.letterbox import fit, letterbox


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
        (b"GIF89a" + b"\0" * 40, "but GIF"),
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


TEXTURE = Image.fromarray(
    np.random.default_rng(0).integers(0, 255, (30, 45, 3), dtype=np.uint8)
).resize((600, 400), Image.Resampling.BICUBIC)  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_fitting_the_bytes_is_fitting_the_decoded_image(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = encoded(TEXTURE, kind, exif=exif)
    sooner, plain = fit(body, 320, 480), letterbox(decode(body), 320, 480)
    assert (sooner.scale, sooner.size, sooner.pixels.shape) == (plain.scale, plain.size, plain.pixels.shape)
    assert int(np.abs(sooner.pixels.astype(int) - plain.pixels).max()) <= 1


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("size", [(1800, 1200), (4001, 2999), (3000, 517)])
def test_a_large_jpeg_is_decoded_coarsely_and_nothing_moves(size: tuple[int, int], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = encoded(TEXTURE.resize(size, Image.Resampling.BICUBIC), "JPEG", exif=exif)
    sooner, plain = fit(body, 320, 480), letterbox(decode(body), 320, 480)
    assert (sooner.scale, sooner.size) == (plain.scale, plain.size)
    assert float(np.abs(sooner.pixels.astype(int) - plain.pixels).mean()) < 2


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_of_other_colours_are_fitted_too(mode: str) -> None:
    body = encoded(TEXTURE.resize((3600, 2400)).convert(mode), "JPEG")
    assert float(np.abs(fit(body, 320, 480).pixels.astype(int) - letterbox(decode(body), 320, 480).pixels).mean()) < 2


def test_what_cannot_be_decoded_cannot_be_fitted_either() -> None:
    for body in (b"no image", encoded(TEXTURE, "JPEG")[:900]):
        with pytest.raises(UndecodableImageError):
            fit(body, 320, 480)


def test_more_bytes_than_an_image_may_have_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_BYTES", 10)
    with pytest.raises(UndecodableImageError, match="11 bytes; at most 10 are taken"):
        decode(b"x" * 11)
