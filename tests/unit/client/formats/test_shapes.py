"""Boxes around what other tools draw, compared with the library that made the format of masks."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from client.formats import shapes
from client.formats.checks import BadLabelError
from client.formats.shapes import Upright


def rounded(box: Upright) -> tuple[float, ...]:
    return tuple(round(value, 6) for value in (box.left, box.top, box.width, box.height))


@given(st.data())
def test_a_mask_has_the_box_around_its_pixels_packed_or_not(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    bits = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width).filter(any))
    pixels = np.asfortranarray(np.array(bits, np.uint8).reshape(height, width))
    rows, columns = np.nonzero(pixels)
    expected = (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    packed = coco.encode(pixels)["counts"]
    flat = pixels.flatten(order="F")
    edges = [0, *(np.flatnonzero(np.diff(flat)) + 1), len(flat)]
    runs = [int(run) for run in np.diff(edges)]
    if flat[0]:
        runs = [0, *runs]
    for counts in (packed.decode(), runs):
        assert rounded(shapes.mask(counts, [height, width])) == expected


@pytest.mark.parametrize(
    ("counts", "size", "said"),
    [
        ([0, 5], [2, 2], "does not fit its size"),
        ([4], [2, 2], "without a pixel"),
        ([-1, 5], [2, 2], "does not fit its size"),
        ([10**9], [1, 1], "does not fit its size"),
        ("\x00", [2, 2], "a sign that is none"),
        ("p" * 400, [2, 2], "a sign that is none"),
        ("P", [2, 2], "ends in a number"),
        ([1], [2], "without its size"),
        ([1], None, "something else stands in its place"),
        (None, [2, 2], "something else stands in its place"),
    ],
)
def test_a_mask_that_can_not_be_is_refused(counts: Any, size: Any, said: str) -> None:
    with pytest.raises(BadLabelError, match=said):
        shapes.mask(counts, size)


@given(
    st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 99), st.floats(1, 99), st.floats(-400, 400)
)  # fmt: skip
def test_a_turned_box_lies_in_the_upright_one_around_it(
    left: float, top: float, width: float, height: float, degrees: float
) -> None:
    box = Upright(left, top, width, height)
    around = box.turned(degrees)
    assert around.width * around.height >= width * height - 1e-6
    middle = (around.left + around.width / 2, around.top + around.height / 2)
    assert middle == pytest.approx((left + width / 2, top + height / 2), abs=1e-6)
    diagonal = math.hypot(width, height)
    assert max(around.width, around.height) <= diagonal + 1e-6
    assert rounded(box.turned(180)) == rounded(box)
    assert rounded(box.turned(90)) == pytest.approx(
        (left + (width - height) / 2, top - (width - height) / 2, height, width), abs=1e-5
    )


def test_a_box_is_turned_clockwise_about_the_point_that_is_given() -> None:
    assert rounded(Upright(225, 150, 90, 30).turned(90, (225, 150))) == (195, 150, 30, 90)
    assert rounded(Upright(225, 150, 90, 30).turned(-90, (225, 150))) == (225, 60, 30, 90)


def test_the_box_around_an_ellipse_touches_it_on_all_sides() -> None:
    assert rounded(shapes.ellipse(50, 40, 10, 5, 0)) == (40, 35, 20, 10)
    assert rounded(shapes.ellipse(50, 40, 10, 5, 90)) == (45, 30, 10, 20)
    turned = shapes.ellipse(0, 0, 10, 5, 30)
    along = [(math.cos(a / 500), math.sin(a / 500)) for a in range(3142)]
    points = [
        (10 * x * math.cos(math.pi / 6) - 5 * y * math.sin(math.pi / 6)) for x, y in along
    ]  # fmt: skip
    assert turned.width == pytest.approx(max(points) - min(points), abs=0.01)


@pytest.mark.parametrize("values", [[], [1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, "x"], None])
def test_an_outline_has_three_points_at_least(values: Any) -> None:
    with pytest.raises(BadLabelError):
        shapes.outline(values)
