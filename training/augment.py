"""Augmentation that suits defects: geometry and light are varied strongly, but a defect is never erased.

Four images side by side (mosaic, Bochkovskiy et al., "YOLOv4", 2020), then one affine map (flips, scale, shift, a small
turn) and a change of brightness, contrast, gamma and colour, then noise.
"""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from sightline.vision.letterbox import PAD_VALUE
from training.data import Sample

MIN_VISIBLE = 0.35  # share of a box that must still be in the picture for it to count
MIN_SIDE = 3.0  # input pixels
Array = np.ndarray[Any, Any]


def augment(
    samples: list[Sample], index: int, mosaic: float, rng: np.random.Generator
) -> tuple[torch.Tensor, Array, Array]:
    """One training example: image uint8 [3, H, W], boxes float32 [n, 4] in its pixels, classes int64 [n]."""
    first = samples[index]
    height, width = first.pixels.shape[:2]
    if rng.random() < mosaic:
        canvas, boxes, classes = _mosaic([first, *(samples[i] for i in rng.integers(0, len(samples), 3))])
        scale = rng.uniform(0.45, 1.0)
    else:
        canvas, boxes, classes = first.pixels, first.boxes, first.classes
        scale = rng.uniform(0.7, 1.35)
    matrix = _random_map(canvas.shape[:2], (height, width), scale, rng)
    image = _warp(canvas, matrix, (height, width))
    boxes, classes = _move(boxes, classes, matrix, (height, width))
    return _relight(image, rng), boxes, classes


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
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.diag([sx, sy])
    centre = np.array([source[1], source[0]]) * (0.5 + rng.uniform(-0.12, 0.12, 2) * (2 if source != target else 1))
    middle = np.array([target[1], target[0]]) / 2
    return np.concatenate([linear, (middle - linear @ centre)[:, None]], axis=1)


def _warp(canvas: Array, matrix: Array, target: tuple[int, int]) -> torch.Tensor:
    """Sample the canvas at the inverse of `matrix` (bilinear): float32 [3, H, W] in 0..255, grey outside."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    height, width = canvas.shape[:2]
    # From output coordinates in -1..1 to canvas coordinates in -1..1, as grid_sample wants them.
    to_pixels = np.array([[target[1] / 2, 0, target[1] / 2], [0, target[0] / 2, target[0] / 2], [0, 0, 1]])
    to_unit = np.array([[2 / width, 0, -1], [0, 2 / height, -1], [0, 0, 1]])
    theta = (to_unit @ np.vstack([inverse, [0, 0, 1]]) @ to_pixels)[:2]
    grid = F.affine_grid(torch.from_numpy(theta).float()[None], [1, 3, *target], align_corners=False)
    pixels = torch.from_numpy(canvas.copy()).permute(2, 0, 1)[None].float() - PAD_VALUE
    return F.grid_sample(pixels, grid, mode="bilinear", align_corners=False)[0] + PAD_VALUE


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


def _relight(image: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Other light on the same part: gamma, contrast, brightness, colour, noise. uint8 [3, H, W]."""
    image = (image / 255).clamp(0, 1) ** math.exp(rng.uniform(-0.3, 0.3))
    mean = image.mean()
    image = (image - mean) * rng.uniform(0.7, 1.35) + mean + rng.uniform(-0.12, 0.12)
    image = image * torch.from_numpy(rng.uniform(0.94, 1.06, (3, 1, 1))).float()
    if rng.random() < 0.3:
        image = image + torch.from_numpy(rng.normal(0, rng.uniform(0, 0.02), image.shape)).float()
    return (image * 255).clamp(0, 255).to(torch.uint8)
