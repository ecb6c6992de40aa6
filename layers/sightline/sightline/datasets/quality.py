"""The health of a labelled set: what a person should look at before training on it. Plain rules over numbers, no images
kept.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.images.box import Box
from sightline.images.overlap import box_iou

Array = NDArray[np.float64]

DARK, BRIGHT = 5, 250  # grey levels at which an 8-bit camera shows nothing any more
CLIPPED = 0.10  # share of pixels, beyond what is usual in the set: a white background is no mistake
DUPLICATE = 0.9  # IoU of two boxes of one class
TINY = 0.01  # side of a box as a share of the image's; also anything below TINY_PIXELS
TINY_PIXELS = 4
WHOLE = 0.9  # share of the image that a box covers
OUTLIER = 4.0  # robust standard deviations
MOVED = 0.05  # share of the image's size by which near-twins may lie apart
DISAGREEMENT = 0.5  # share of the boxes of two near-twins without a counterpart


def exposure(grey: Array) -> dict[str, float]:
    """The share of pixels of a grey image, uint8 [height, width], that is clipped: `dark` and `bright`."""
    return {"dark": float((grey <= DARK).mean()), "bright": float((grey >= BRIGHT).mean())}


def badly_exposed(exposure_of: Mapping[str, dict[str, float]]) -> list[str]:
    """Names of images with CLIPPED more of their pixels clipped, dark or bright, than the set's median; the worst
    first.
    """
    excess: dict[str, float] = {}
    for side in ("dark", "bright"):
        usual = float(np.median([shares[side] for shares in exposure_of.values()])) if exposure_of else 0.0
        for name, shares in exposure_of.items():
            excess[name] = max(excess.get(name, 0.0), shares[side] - usual)
    return sorted((name for name, value in excess.items() if value > CLIPPED), key=lambda name: -excess[name])


def sharpness(grey: Array) -> float:
    """The variance of the Laplacian of a grey image [height, width] (Pech-Pacheco et al., 2000); blur lowers it."""
    g = grey.astype(np.float32)
    laplacian = g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:] - 4 * g[1:-1, 1:-1]
    return float(laplacian.var()) if laplacian.size else 0.0


def blurred(sharpness_of: Mapping[str, float]) -> list[str]:
    """Names of images far less sharp than the set's others, the worst first.

    By the set's own distribution, on a logarithmic scale: below the median by OUTLIER robust standard deviations
    (1.4826 times the median absolute deviation), and by half at least, so that a set of very equal images has none.
    """
    if not sharpness_of:
        return []
    logs = {name: float(np.log(value + 1e-3)) for name, value in sharpness_of.items()}
    middle = float(np.median(list(logs.values())))
    spread = 1.4826 * float(np.median([abs(value - middle) for value in logs.values()]))
    limit = middle - max(OUTLIER * spread, float(np.log(2)))
    return sorted((name for name, value in logs.items() if value < limit), key=lambda name: logs[name])


def suspicious_boxes(boxes: Sequence[Box], width: int, height: int) -> list[str]:
    """What is odd about the labels of one image of `width` × `height` pixels, a sentence each."""
    found = []
    for number, box in enumerate(boxes, start=1):
        sides = (box["width"] / width, box["height"] / height)
        size = f"box {number} ({box['width']}×{box['height']} pixels)"
        if min(sides) < TINY or min(box["width"], box["height"]) < TINY_PIXELS:
            found.append(f"{size} is tiny")
        if sides[0] * sides[1] > WHOLE:
            found.append(f"{size} covers almost the whole image")
        elif _on_edge(box, width, height):
            found.append(f"{size} lies on the image's edge: is the defect cut off?")
    edges = _corners(boxes)
    overlaps = box_iou(edges, edges)
    for a, b in itertools.combinations(range(len(boxes)), 2):
        if boxes[a]["class_id"] == boxes[b]["class_id"] and overlaps[a, b] > DUPLICATE:
            found.append(f"boxes {a + 1} and {b + 1} of one class are nearly the same (IoU {overlaps[a, b]:.2f})")
    return found


def _on_edge(box: Box, width: int, height: int) -> bool:
    right, bottom = box["left"] + box["width"], box["top"] + box["height"]
    return box["left"] <= 0 or box["top"] <= 0 or right >= width or bottom >= height


def _corners(boxes: Sequence[Box]) -> Array:
    edges = [[b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]] for b in boxes]
    return np.array(edges, dtype=np.float64).reshape(-1, 4)


def disagreement(
    first: Sequence[Box], second: Sequence[Box], first_size: tuple[int, int], second_size: tuple[int, int]
) -> float:
    """Share of the boxes of two near-twins (sizes: width, height) that have no counterpart of their class, 0..1.

    Twins show one part, a little moved: boxes are counterparts when they overlap once both are widened by MOVED.
    """
    if not first and not second:
        return 0.0
    sides = []
    for boxes, (width, height) in ((first, first_size), (second, second_size)):
        sides.append(_corners(boxes) / np.array([width, height, width, height]) + np.array([-1, -1, 1, 1]) * MOVED / 2)
    overlaps = box_iou(*sides)
    same = np.array([[a["class_id"] == b["class_id"] for b in second] for a in first], dtype=bool)
    overlaps = np.where(same.reshape(overlaps.shape), overlaps, 0.0)
    pairs = 0
    while overlaps.size and overlaps.max() > 0:
        row, column = np.unravel_index(np.argmax(overlaps), overlaps.shape)
        overlaps[row], overlaps[:, column] = 0, 0
        pairs += 1
    return 1 - 2 * pairs / (len(first) + len(second))


def box_sizes(boxes: Sequence[tuple[Box, int, int]]) -> dict[str, list[float]]:
    """10 %, 50 % and 90 % of boxes `(box, image width, image height)` by `area` (share of the image) and `aspect`
    (width : height).
    """
    if not boxes:
        return {"area": [], "aspect": []}
    areas = [box["width"] * box["height"] / (width * height) for box, width, height in boxes]
    aspects = [box["width"] / box["height"] for box, _, _ in boxes]
    return {
        name: [float(value) for value in np.percentile(values, [10, 50, 90])]
        for name, values in (("area", areas), ("aspect", aspects))
    }
