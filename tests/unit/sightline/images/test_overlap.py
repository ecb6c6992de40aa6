"""How much boxes overlap, many at once: the same as one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.images.overlap import box_iou
from sightline.vision.golden import iou

corners, sides = st.integers(0, 30), st.integers(0, 30)
boxes = st.lists(
    st.tuples(corners, corners, sides, sides).map(lambda box: [*box[:2], box[0] + box[2], box[1] + box[3]]), max_size=5
)


def array(given: list[list[int]]) -> np.ndarray:
    return np.array(given, dtype=np.float64).reshape(-1, 4)


@given(boxes, boxes)
def test_many_boxes_overlap_as_each_two_of_them_do(a: list[list[int]], b: list[list[int]]) -> None:
    found = box_iou(array(a), array(b))
    assert found.shape == (len(a), len(b))
    np.testing.assert_allclose(found, np.array([[iou(one, other) for other in b] for one in a]).reshape(found.shape))


def test_a_box_without_area_overlaps_with_nothing_not_even_itself() -> None:
    np.testing.assert_array_equal(box_iou(array([[3, 3, 3, 9]]), array([[3, 3, 3, 9], [0, 0, 9, 9]])), [[0.0, 0.0]])
