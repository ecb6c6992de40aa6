"""Augmentation that suits defects: geometry and light are varied strongly, but a defect is never erased.

Defects of other parts are pasted in (Ghiasi et al., "Simple Copy-Paste", 2021), so that the detector can't learn parts
by heart; then four images side by side (mosaic, Bochkovskiy et al., "YOLOv4", 2020), one affine map (flips, quarter
turns, scale, shift, a small turn), a change of brightness, contrast, gamma and colour, and noise.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from sightline.vision.letterbox import PAD_VALUE
from training.data import Sample

MIN_VISIBLE = 0.35  # share of a box that must still be in the picture for it to count
MIN_SIDE = 3.0  # input pixels
PASTED, PASTES = 0.5, 4  # share of images that defects are pasted into, and how many at most
MARGIN = 6  # input pixels around a pasted box, over which it fades into its new surroundings
SIMILAR = 40.0  # grey levels by which the surroundings of a pasted defect may differ, old and new
Array = np.ndarray[Any, Any]


def augment(
    samples: list[Sample], index: int, mosaic: float, rng: np.random.Generator
) -> tuple[torch.Tensor, Array, Array]:
    """One training example: image uint8 [3, H, W], boxes float32 [n, 4] in its pixels, classes int64 [n]."""
    first = with_pastes(samples[index], samples, rng)
    height, width = first.pixels.shape[:2]
    if rng.random() < mosaic:
        others = [with_pastes(samples[i], samples, rng) for i in rng.integers(0, len(samples), 3)]
        canvas, boxes, classes = _mosaic([first, *others])
        scale = rng.uniform(0.5, 1.2)
    else:
        canvas, boxes, classes = first.pixels, first.boxes, first.classes
        scale = rng.uniform(0.7, 1.6)
    matrix = _random_map(canvas.shape[:2], (height, width), scale, rng)
    image = _warp(canvas, matrix, (height, width))
    boxes, classes = _move(boxes, classes, matrix, (height, width))
    return _relight(image, rng), boxes, classes


def with_pastes(sample: Sample, samples: list[Sample], rng: np.random.Generator) -> Sample:
    """The sample with up to PASTES defects of other samples, where they fit: on free, similar ground."""
    pixels, boxes, classes = sample.pixels, list(sample.boxes), list(sample.classes)
    for _ in range(rng.integers(1, PASTES + 1) if rng.random() < PASTED else 0):
        donor = samples[rng.integers(len(samples))]
        if not len(donor.boxes):
            continue
        number = rng.integers(len(donor.boxes))
        patch, inner = _cut(donor, donor.boxes[number], rng)
        rows, columns = (sample.pixels.shape[axis] - patch.shape[axis] for axis in (0, 1))
        if rows <= 0 or columns <= 0:
            continue
        top, left = int(rng.integers(rows)), int(rng.integers(columns))
        box = inner + np.array([left, top, left, top], dtype=np.float32)
        place = np.s_[top : top + patch.shape[0], left : left + patch.shape[1]]
        difference = _border(pixels[place]) - _border(patch)
        if np.abs(difference).max() > SIMILAR or any(_touch(box, other) for other in boxes):
            continue
        pixels = pixels.copy() if pixels is sample.pixels else pixels
        fade = _fade(patch.shape[:2])
        pixels[place] = (pixels[place] * (1 - fade) + (patch + difference) * fade).clip(0, 255).astype(np.uint8)
        boxes.append(box)
        classes.append(donor.classes[number])
    if pixels is sample.pixels:
        return sample
    return replace(sample, pixels=pixels, boxes=np.stack(boxes).astype(np.float32), classes=np.array(classes))


def _cut(donor: Sample, box: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """A defect with MARGIN pixels around it, float32 [h, w, 3], flipped, turned and scaled, and its box in that
    patch.
    """
    height, width = donor.pixels.shape[:2]
    x1, y1 = np.floor(box[:2]).astype(int) - MARGIN
    x2, y2 = np.ceil(box[2:]).astype(int) + MARGIN
    x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    scale = np.exp(rng.uniform(-0.5, 0.7))
    size = max(2, round((x2 - x1) * scale)), max(2, round((y2 - y1) * scale))
    patch = np.asarray(Image.fromarray(donor.pixels[y1:y2, x1:x2]).resize(size, Image.Resampling.BILINEAR), np.float32)
    ratio = np.array([size[0] / (x2 - x1), size[1] / (y2 - y1)] * 2)
    inner = (box - np.array([x1, y1, x1, y1])) * ratio
    if rng.random() < 0.5:
        patch, inner = patch[:, ::-1], np.array([size[0] - inner[2], inner[1], size[0] - inner[0], inner[3]])
    if rng.random() < 0.5:
        patch, inner = patch[::-1], np.array([inner[0], size[1] - inner[3], inner[2], size[1] - inner[1]])
    if rng.random() < 0.5:
        patch, inner = patch.transpose(1, 0, 2), inner[[1, 0, 3, 2]]
    return patch, inner.astype(np.float32)


def _border(patch: Array) -> Array:
    """The median colour along the edge of a patch, float [3]."""
    edges = [patch[0], patch[-1], patch[:, 0], patch[:, -1]]
    return np.asarray(np.median(np.concatenate(edges), axis=0))


def _fade(shape: tuple[int, int]) -> Array:
    """How much of a patch shows, float32 [h, w, 1]: from 0 at its edge to 1 where its margin ends."""
    down, right = (
        np.minimum(1, (np.minimum(np.arange(n), np.arange(n)[::-1]) + 1) / MARGIN).astype(np.float32) for n in shape
    )
    return np.asarray(np.minimum(down[:, None], right[None, :])[..., None])


def _touch(a: Array, b: Array) -> bool:
    return bool((np.minimum(a[2:], b[2:]) > np.maximum(a[:2], b[:2])).all())


def _mosaic(samples: list[Sample]) -> tuple[Array, Array, Array]:
    """Four images in two rows, uint8 [2H, 2W, 3], and all their boxes."""
    height, width = samples[0].pixels.shape[:2]
    rows = [np.concatenate([samples[i].pixels, samples[i + 1].pixels], axis=1) for i in (0, 2)]
    offsets = [(0, 0), (width, 0), (0, height), (width, height)]
    boxes = [s.boxes + np.array([x, y, x, y], dtype=np.float32) for s, (x, y) in zip(samples, offsets, strict=True)]
    return np.concatenate(rows, axis=0), np.concatenate(boxes), np.concatenate([sample.classes for sample in samples])


def _random_map(source: tuple[int, int], target: tuple[int, int], scale: float, rng: np.random.Generator) -> Array:
    """A random affine map from canvas pixels to output pixels, float64 [2, 3]."""
    angle = math.radians(rng.uniform(-6, 6))
    stretch = math.exp(rng.uniform(-0.12, 0.12))
    sx = scale * stretch * (-1 if rng.random() < 0.5 else 1)
    sy = scale / stretch * (-1 if rng.random() < 0.5 else 1)
    if rng.random() < 0.5:  # a quarter turn; boxes stay exact, as with flips
        sx, sy, swap = sy, sx, np.array([[0, 1], [1, 0]])
    else:
        swap = np.eye(2)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.diag([sx, sy]) @ swap
    centre = np.array([source[1], source[0]]) * (0.5 + rng.uniform(-0.12, 0.12, 2) * (2 if source != target else 1))
    middle = np.array([target[1], target[0]]) / 2
    return np.concatenate([linear, (middle - linear @ centre)[:, None]], axis=1)


def _warp(canvas: Array, matrix: Array, target: tuple[int, int]) -> Image.Image:
    """Sample the canvas at the inverse of `matrix` (bilinear); grey outside."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    size, grey = (target[1], target[0]), (PAD_VALUE, PAD_VALUE, PAD_VALUE)
    return Image.fromarray(canvas).transform(
        size, Image.Transform.AFFINE, tuple(inverse.ravel()), Image.Resampling.BILINEAR, fillcolor=grey
    )


def _move(boxes: Array, classes: Array, matrix: Array, target: tuple[int, int]) -> tuple[Array, Array]:
    """The boxes around the mapped corners, clipped; those that are mostly outside are dropped."""
    if not len(boxes):
        return boxes, classes
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    whole = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    clipped = whole.clip(0, [target[1], target[0], target[1], target[0]])
    sides = clipped[:, 2:] - clipped[:, :2]
    area = np.prod(whole[:, 2:] - whole[:, :2], axis=1)
    kept = (np.prod(sides, axis=1) >= MIN_VISIBLE * area) & (sides.min(axis=1) >= MIN_SIDE)
    return clipped[kept].astype(np.float32), classes[kept]


def _relight(image: Image.Image, rng: np.random.Generator) -> torch.Tensor:
    """Other light on the same part: gamma, contrast, brightness, colour, noise. uint8 [3, H, W]."""
    # All but the noise turns each grey level into another one, so that a table of 256 levels a colour does it.
    levels = (np.arange(256) / 255) ** math.exp(rng.uniform(-0.3, 0.3))
    mean = np.dot(image.convert("L").histogram(), levels) / (image.width * image.height)
    levels = (levels - mean) * rng.uniform(0.7, 1.35) + mean + rng.uniform(-0.12, 0.12)
    table = (levels * rng.uniform(0.94, 1.06, (3, 1)) * 255).clip(0, 255)
    pixels = np.array(image.point(np.rint(table).astype(int).ravel().tolist()))
    if rng.random() < 0.3:
        noise = rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(255 * rng.uniform(0, 0.02))
        pixels = (pixels + noise).clip(0, 255).astype(np.uint8)
    return torch.from_numpy(pixels).permute(2, 0, 1)
