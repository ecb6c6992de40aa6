"""Images of any size in the model's input: nothing bent, nothing cut off, the same by either way."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sightline.vision.decode import UndecodableImageError
from sightline.vision.letterbox import PAD_VALUE, fit, letterbox

SIDES = st.integers(1, 90)


def grey(height: int, width: int, level: int = 200) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@given(SIDES, SIDES, SIDES, SIDES)
def test_an_image_fills_one_side_of_the_input_and_the_rest_is_padded(h: int, w: int, height: int, width: int) -> None:
    fitted = letterbox(grey(h, w), height, width)
    assert (fitted.pixels.shape, fitted.pixels.dtype, fitted.size) == ((height, width, 3), np.uint8, (h, w))
    shown = fitted.shown
    assert height == shown.shape[0] or width == shown.shape[1]
    assert abs(shown.shape[0] - max(1, h * fitted.scale)) <= 0.5
    assert abs(shown.shape[1] - max(1, w * fitted.scale)) <= 0.5
    assert set(shown.ravel().tolist()) == {200}
    assert np.count_nonzero(fitted.pixels != PAD_VALUE) == shown.size


@pytest.mark.parametrize(
    ("size", "scale", "shown"),
    [
        ((64, 96), 1.0, (64, 96)),
        ((128, 192), 0.5, (64, 96)),
        ((32, 48), 2.0, (64, 96)),
        ((128, 64), 0.5, (64, 32)),
        ((16, 9600), 0.01, (1, 96)),  # a line stays a line
    ],
)
def test_an_image_is_scaled_the_same_in_both_directions(
    size: tuple[int, int], scale: float, shown: tuple[int, int]
) -> None:
    fitted = letterbox(grey(*size), 64, 96)
    assert (fitted.scale, fitted.shown.shape) == (scale, (*shown, 3))


def test_an_image_of_the_size_of_the_input_is_not_touched() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    np.testing.assert_array_equal(letterbox(pixels, 64, 96).pixels, pixels)


@pytest.mark.parametrize("orientation", [None, 1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("size", [(64, 96), (200, 40), (31, 77)])
def test_bytes_are_fitted_as_their_upright_pixels_are(size: tuple[int, int], orientation: int | None) -> None:
    ramp = np.linspace(0, 255, size[0] * size[1]).reshape(size).astype(np.uint8)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    body = encoded(np.stack([ramp] * 3, axis=2), exif=exif.tobytes())
    upright = np.asarray(_upright(body))
    expected, found = letterbox(upright, 64, 96), fit(body, 64, 96)
    assert (found.scale, found.size) == (expected.scale, expected.size)
    assert np.abs(found.pixels.astype(int) - expected.pixels.astype(int)).max() <= 2


def _upright(body: bytes) -> Image.Image:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    image = Image.open(io.BytesIO(body))
    turn = turns.get(image.getexif().get(0x0112, 1))
    return image if turn is None else image.transpose(turn)


@pytest.mark.parametrize("size", [(1200, 1600), (1201, 1607), (640, 2000)])
def test_a_large_jpeg_whose_reduction_is_decoded_shows_the_same(size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: size[0], : size[1]]
    smooth = (127 + 120 * np.sin(rows / 150) * np.cos(columns / 200)).astype(np.uint8)
    body = encoded(np.stack([smooth] * 3, axis=2), "JPEG", quality=95)
    expected, found = letterbox(np.asarray(Image.open(io.BytesIO(body))), 96, 128), fit(body, 96, 128)
    assert (found.scale, found.size) == (expected.scale, size)
    assert np.abs(found.pixels.astype(int) - expected.pixels.astype(int)).max() <= 6


def test_an_image_with_more_pixels_than_asked_for_is_refused() -> None:
    body = encoded(grey(20, 30))
    assert fit(body, 64, 96, max_pixels=600).size == (20, 30)
    with pytest.raises(UndecodableImageError, match="pixels"):
        fit(body, 64, 96, max_pixels=599)


def test_an_image_that_is_cut_off_is_refused() -> None:
    with pytest.raises(UndecodableImageError):
        fit(encoded(grey(200, 300), "JPEG")[:-300], 64, 96)
