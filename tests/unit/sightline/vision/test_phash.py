"""The perceptual hash: fine detail stays, light and size do not matter."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sightline.vision.phash import SIDE, detail, phash


def tag(*, at: tuple[int, int] = (60, 60), size: tuple[int, int] = (300, 200)) -> np.ndarray:
    """A grey plate with one scratch, uint8 [height, width, 3]."""
    image = Image.new("RGB", (300, 200), (90, 90, 90))
    ImageDraw.Draw(image).line([at, (at[0] + 60, at[1] + 40)], fill=(200, 200, 200), width=3)
    return np.asarray(image.resize(size))


def correlation(a: str, b: str) -> float:
    return float(np.corrcoef(detail(a).ravel(), detail(b).ravel())[0, 1])


def test_a_scratch_shows_where_it_lies() -> None:
    energy = detail(phash(tag()))
    rows, columns = np.nonzero(energy > 2)
    assert rows.min() in range(60 * SIDE // 200 - 1, 60 * SIDE // 200 + 2)
    assert columns.max() in range(120 * SIDE // 300 - 1, 120 * SIDE // 300 + 2)
    assert (energy[: rows.min() - 1] == 0).all()


def test_light_and_size_hardly_matter_but_the_place_of_a_scratch_does() -> None:
    first = phash(tag())
    brighter = (tag() * 0.8 + 30).astype(np.uint8)
    assert correlation(first, phash(brighter)) > 0.95
    assert correlation(first, phash(tag(size=(600, 400)))) > 0.9
    assert correlation(first, phash(tag(at=(160, 120)))) < 0.1


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (400, 2)])
def test_any_image_has_a_hash(size: tuple[int, int]) -> None:
    assert detail(phash(np.zeros((*size, 3), np.uint8))).max() == 0


@pytest.mark.parametrize("text", ["", "ÿ", "AAAA", "0123456789abcdef"])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        detail(text)
