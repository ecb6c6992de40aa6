"""How much boxes overlap, many at once."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32 | np.float64]


def box_iou(a: Array, b: Array) -> Array:
    """Return the intersection over union, 0..1, of boxes [n, 4] and [m, 4] (x1, y1, x2, y2): [n, m]."""
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.clip(bottom_right - top_left, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (a, b)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-9))
