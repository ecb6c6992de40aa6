"""Fit an image into the model's input without changing its proportions, and bring boxes back."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from sightline.vision.decode import Pixels

Boxes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Letterbox:
    """How an image of `image_width` × `image_height` lies in an input of `width` × `height`: scaled, then shifted."""

    scale: float
    left: int
    top: int
    image_width: int
    image_height: int
    width: int
    height: int

    @classmethod
    def fit(cls, image_width: int, image_height: int, *, width: int, height: int) -> "Letterbox":
        scale = min(width / image_width, height / image_height)
        left = (width - round(image_width * scale)) // 2
        top = (height - round(image_height * scale)) // 2
        return cls(scale, left, top, image_width, image_height, width, height)

    def place(self, image: Pixels, pad_value: int) -> Pixels:
        """Image [H, W, 3] → input [height, width, 3]."""
        size = (max(1, round(self.image_width * self.scale)), max(1, round(self.image_height * self.scale)))
        if size != (self.image_width, self.image_height):
            image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
        canvas = np.full((self.height, self.width, 3), pad_value, dtype=np.uint8)
        canvas[self.top : self.top + size[1], self.left : self.left + size[0]] = image
        return canvas

    def to_input(self, boxes: Boxes) -> Boxes:
        """Boxes [n, 4] (x1, y1, x2, y2) from image pixels to input pixels."""
        shift = np.array([self.left, self.top, self.left, self.top], dtype=np.float32)
        return np.asarray(boxes * np.float32(self.scale) + shift, dtype=np.float32)

    def to_image(self, boxes: Boxes) -> Boxes:
        """Boxes [n, 4] from input pixels to image pixels, cut at the image's edges."""
        shift = np.array([self.left, self.top, self.left, self.top], dtype=np.float32)
        edges = np.array([self.image_width, self.image_height] * 2, dtype=np.float32)
        return np.asarray(np.clip((boxes - shift) / np.float32(self.scale), 0, edges), dtype=np.float32)
