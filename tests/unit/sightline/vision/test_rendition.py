"""Which files the page shows as they are, and what it shows of the others."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.vision.decode import decode, upright
from sightline.vision.rendition import is_needed, rendition
from sightline.vision.shown_size import MAX_PIXELS, MAX_SIDE, shown_size
from tests.picture_files import COLOURS, tiff
from tests.picture_kinds import AS_THEY_ARE, OTHERWISE


@pytest.mark.parametrize("body", AS_THEY_ARE.values(), ids=AS_THEY_ARE)
def test_the_page_shows_the_file_itself_where_browsers_see_what_the_decoder_sees(body: bytes) -> None:
    assert not is_needed(body, upright(body))


@pytest.mark.parametrize("body", OTHERWISE.values(), ids=OTHERWISE)
def test_the_page_gets_a_rendition_of_what_browsers_would_show_otherwise(body: bytes) -> None:
    assert is_needed(body, upright(body))


def test_a_rendition_shows_the_decoded_pixels_upright() -> None:
    body = tiff(COLOURS.astype(np.uint16) << 4, tags={274: 6})
    shown = Image.open(io.BytesIO(rendition(upright(body))))
    assert (shown.format, shown.size, shown.getexif().get(0x0112)) == ("JPEG", (40, 60), None)
    assert np.abs(np.asarray(shown).astype(int) - decode(body)).mean() < 3


@pytest.mark.parametrize(
    ("size", "shown"),
    [((4000, 3000), (4000, 3000)), ((2048, 30_000), (1118, 16_384)), ((8000, 8000), (4899, 4899))],
)
def test_a_huge_image_is_shown_as_large_as_browsers_take_it(size: tuple[int, int], shown: tuple[int, int]) -> None:
    assert shown_size(*size) == shown
    assert shown[0] * shown[1] <= MAX_PIXELS * 1.001


def test_the_rendition_of_a_long_image_keeps_its_shape() -> None:
    rows: Any = np.linspace(0, 255, 2 * MAX_SIDE)[:, None].repeat(64, axis=1).astype(np.uint8)
    shown = Image.open(io.BytesIO(rendition(Image.fromarray(rows))))
    assert shown.size == (32, MAX_SIDE)
    assert np.abs(np.asarray(shown)[:, 0].astype(int) - rows[::2, 0]).max() <= 3
