"""Photos in a page: of any shape, with class names of any script, and boxes in any order."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reporting.pictures import LETTERS, Find, picture, thumbnail, written

FOUND = Find([4.0, 4, 12, 12], 0.9, "scratch", 3)


def drawn(size: tuple[int, int], *found: Find) -> Image.Image:
    """The picture of a black photo (width, height), decoded again."""
    uri = picture(np.zeros((size[1], size[0], 3), np.uint8), [[2, 2, 9, 9]], found)
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((450, 300), (480, 320)),
        ((300, 400), (480, 640)),
        ((64, 9000), (7, 960)),
        ((16, 2400), (6, 960)),
        ((9000, 64), (480, 3)),
    ],
)
def test_a_photo_of_any_shape_fits_into_its_picture(size: tuple[int, int], shown: tuple[int, int]) -> None:
    assert drawn(size, FOUND).size == shown


def test_corners_in_any_order_are_the_same_box() -> None:
    turned = replace(FOUND, box=[12.0, 12, 4, 4])
    assert drawn((90, 60), turned).tobytes() == drawn((90, 60), FOUND).tobytes()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scratch", "scratch 0.90"),
        ("Kratzer, tief", "Kratzer, tief 0.90"),
        ("裂纹", "3 0.90"),
        ("царапина", "3 0.90"),
        ("two\nlines", "two lines 0.90"),
        ("a name that is longer than any picture of it " * 3, "3 0.90"),
    ],
)
def test_a_name_that_cannot_be_shown_is_its_number_in_the_picture(name: str, expected: str) -> None:
    assert written(replace(FOUND, name=name), 480) == expected
    assert drawn((90, 60), replace(FOUND, name=name)).size == (480, 320)


def test_what_is_written_lies_inside_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda _, place, *rest, **given: places.append(place))
    for box in ([0.0, 0, 90, 60], [80.0, 50, 90, 60], [0.0, 0, 2, 2]):
        drawn((90, 60), replace(FOUND, box=box, name="a long name for so small a picture"))
    drawn((16, 2400), FOUND)
    assert all(left >= 0 and 0 <= top <= 960 - LETTERS for left, top in places)
    assert [place[1] for place in places[:3]] == [
        320 - LETTERS - 4,
        pytest.approx(244.7, abs=0.1),
        pytest.approx(11.7, abs=0.1),
    ]


@pytest.mark.parametrize(("size", "shown"), [((450, 300), (220, 147)), ((300, 9000), (7, 220)), ((90, 60), (90, 60))])
def test_a_thumbnail_is_small_and_never_larger_than_its_photo(size: tuple[int, int], shown: tuple[int, int]) -> None:
    uri = thumbnail(np.zeros((size[1], size[0], 3), np.uint8), [[2, 2, 9, 9]])
    assert Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).size == shown
