"""A brush mask of Label Studio has the box around its pixels, however its runs are packed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.formats import brush
from client.formats.checks import BadLabelError


def packed(values: list[int], runs: list[tuple[bool, int]], lengths: tuple[int, ...] = (2, 4, 8, 16)) -> list[int]:
    """Return values as the brush packs them: each run is all the same, or value by value."""
    bits = f"{len(values):032b}{8 - 1:05b}" + "".join(f"{length - 1:04b}" for length in lengths)
    start = 0
    for same, length in runs:
        kind = next(number for number, size in enumerate(lengths) if length - 1 < 1 << size)
        bits += f"{same:b}{kind:02b}{length - 1:0{lengths[kind]}b}"
        bits += "".join(f"{value:08b}" for value in values[start : start + (1 if same else length)])
        start += length
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


@settings(max_examples=40)
@given(st.data())
def test_the_box_is_around_the_pixels_that_are_not_transparent(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    opaque = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width).filter(any))
    colour = data.draw(st.integers(0, 255))
    values = [value for pixel in opaque for value in (colour, colour, 9, 255 if pixel else 0)]
    if data.draw(st.booleans()):  # as converters write masks: one value in all channels
        values = [255 if pixel else 0 for pixel in opaque for _ in range(4)]
    runs: list[tuple[bool, int]] = []
    at = 0
    while at < len(values):
        same = next((n for n in range(at, len(values)) if values[n] != values[at]), len(values)) - at
        take = data.draw(st.integers(1, same))
        runs.append((take > 1 or data.draw(st.booleans()), take))
        at += take
    rows, columns = np.nonzero(np.array(opaque).reshape(height, width))
    box = brush.box(packed(values, runs), (width, height))
    assert (box.left, box.top) == (columns.min(), rows.min())
    assert (box.width, box.height) == (np.ptp(columns) + 1, np.ptp(rows) + 1)


FULL = packed([255] * 16, [(True, 16)])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "cut off"),
        ([0, 1, 2], "cut off"),
        (FULL[:-1], "cut off"),
        (packed([255] * 20, [(True, 20)]), "does not fit the image"),
        (packed([255] * 16, [(True, 20)]), "does not fit the image"),
        (packed([0] * 16, [(True, 16)]), "without a pixel"),
        ([255] * 100, "does not fit the image"),
        ([256], "not a list of bytes"),
        ([-1], "not a list of bytes"),
        (["1"], "not a list of bytes"),
        ("AAAA", "something else stands in its place"),
        (None, "something else stands in its place"),
    ],
)
def test_a_mask_that_can_not_be_is_refused(values: Any, said: str) -> None:
    assert brush.box(FULL, (2, 2)).width == 2
    with pytest.raises(BadLabelError, match=said):
        brush.box(values, (2, 2))
