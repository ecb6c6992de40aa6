"""Fitting an image of any size into the model's input without bending it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from sightline.vision.decode import Pixels

PAD_VALUE = 114


@dataclass(frozen=True)
class Letterbox:
    """The image in the upper left corner of the input, the rest grey; `scale` turns its pixels into input pixels."""

    pixels: Pixels
    scale: float


def letterbox(image: Pixels, height: int, width: int) -> Letterbox:
    """Scale `image`, uint8 [h, w, 3], to fit into [height, width, 3], keeping its aspect ratio (bilinear, anti-aliased)."""
    h, w = image.shape[:2]
    scale = min(height / h, width / w)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    resized = image if size == (w, h) else np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    if size == (width, height):
        return Letterbox(resized, scale)
    canvas = np.full((height, width, 3), PAD_VALUE, dtype=np.uint8)
    canvas[: size[1], : size[0]] = resized
    return Letterbox(canvas, scale)
