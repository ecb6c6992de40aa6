"""The health of a labelled set: each rule finds what it is for, and leaves a healthy set alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.datasets import quality

SIZE = (200, 100)


def box(left: int, top: int, width: int, height: int, class_id: int = 0) -> dict[str, int]:
    return {"class_id": class_id, "left": left, "top": top, "width": width, "height": height}


def test_exposure_counts_what_a_camera_can_no_longer_tell_apart() -> None:
    grey = np.full((10, 10), 128, np.uint8)
    grey[:2], grey[2] = 5, 255
    assert quality.exposure(grey) == {"dark": 0.2, "bright": 0.1}


def test_a_white_background_that_all_share_is_no_mistake_but_one_dark_image_is() -> None:
    usual: dict[str, Any] = {f"i{number}": {"dark": 0.0, "bright": 0.4} for number in range(9)}
    odd = {"black": {"dark": 0.9, "bright": 0.0}, "glare": {"dark": 0.0, "bright": 0.6}}
    assert quality.badly_exposed(usual | odd) == ["black", "glare"]
    assert quality.badly_exposed({}) == []


def test_a_blurred_copy_is_far_less_sharp_and_found_among_the_others() -> None:
    rng = np.random.default_rng(0)
    values = {f"i{number}": quality.sharpness(rng.integers(0, 255, (40, 40))) for number in range(20)}
    image = rng.integers(0, 255, (40, 40)).astype(float)
    blurry = sum(np.roll(image, (y, x), (0, 1)) for y in range(4) for x in range(4)) / 16
    assert quality.blurred(values) == []
    assert quality.blurred(values | {"blurry": quality.sharpness(blurry)}) == ["blurry"]
    assert quality.blurred({}) == []


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ([box(10, 10, 30, 30), box(100, 40, 50, 20)], []),
        ([box(10, 10, 1, 30)], ["box 1 (1×30 pixels) is tiny"]),
        ([box(0, 0, 200, 100)], ["box 1 (200×100 pixels) covers almost the whole image"]),
        ([box(170, 20, 30, 30)], ["box 1 (30×30 pixels) lies on the image's edge: is the defect cut off?"]),
        ([box(10, 10, 40, 40), box(10, 10, 40, 41)], ["boxes 1 and 2 of one class are nearly the same (IoU 0.98)"]),
        ([box(10, 10, 40, 40), box(10, 10, 40, 41, class_id=1)], []),
        ([], []),
    ],
)
def test_suspicious_boxes_are_named_with_what_is_odd(boxes: list[dict[str, int]], said: list[str]) -> None:
    assert quality.suspicious_boxes(boxes, *SIZE) == said


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        ([], [], 0.0),
        ([box(10, 10, 20, 20)], [], 1.0),
        ([box(10, 10, 20, 20)], [box(14, 12, 20, 20)], 0.0),
        ([box(10, 10, 20, 20)], [box(10, 10, 20, 20, class_id=1)], 1.0),
        ([box(10, 10, 20, 20)], [box(150, 60, 20, 20)], 1.0),
        ([box(10, 10, 20, 20), box(100, 50, 20, 20)], [box(10, 10, 20, 20)], 1 / 3),
    ],
)
def test_labels_of_twins_disagree_by_the_boxes_without_a_counterpart(first: Any, second: Any, share: float) -> None:
    assert quality.disagreement(first, second, SIZE, SIZE) == pytest.approx(share)


def test_a_twin_of_another_resolution_is_compared_by_shares() -> None:
    twice = [box(20, 20, 40, 40)]
    assert quality.disagreement([box(10, 10, 20, 20)], twice, SIZE, (400, 200)) == 0.0


@given(st.lists(st.tuples(st.integers(0, 150), st.integers(0, 60), st.integers(1, 50), st.integers(1, 40)), max_size=8))
def test_any_labels_agree_with_themselves(numbers: list[tuple[int, int, int, int]]) -> None:
    boxes = [box(*entry) for entry in numbers]
    assert quality.disagreement(boxes, boxes, SIZE, SIZE) == 0.0


def test_box_sizes_are_shares_of_their_own_image() -> None:
    sizes = quality.box_sizes([(box(0, 0, 20, 10), 200, 100), (box(0, 0, 40, 20), 400, 200)])
    assert sizes == {"area": pytest.approx([0.01] * 3), "aspect": pytest.approx([2.0] * 3)}
    assert quality.box_sizes([]) == {"area": [], "aspect": []}
