"""Fitting an image of any size into the model's input without bending it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from sightline.vision.alpha import without_alpha
from sightline.vision.bands import bands, put_upright
from sightline.vision.decode import MAX_PIXELS, Pixels, opened, upright
from sightline.vision.orientation import FIRST_ON_ITS_SIDE, UPRIGHT, orientation

PAD_VALUE = 114


@dataclass(frozen=True)
class Letterbox:
    """The image in the upper left corner of the input, the rest grey.

    `scale` turns the image's pixels into input pixels; `size` is the image's own (height, width).
    """

    pixels: Pixels
    scale: float
    size: tuple[int, int]

    @property
    def shown(self) -> Pixels:
        """The image as the model sees it, uint8 [h, w, 3] without padding."""
        h, w = (max(1, round(side * self.scale)) for side in self.size)
        return self.pixels[:h, :w]


def letterbox(image: Pixels, height: int, width: int) -> Letterbox:
    """Scale `image`, uint8 [h, w, 3], to fit into [height, width, 3], keeping its aspect ratio (bilinear,
    anti-aliased).
    """
    return _letterbox(Image.fromarray(image), height, width)


def _letterbox(image: Image.Image, height: int, width: int) -> Letterbox:
    """`letterbox` of a grey or RGB image of Pillow; a grey one takes a third of the memory of its pixels in RGB."""
    w, h = image.size
    scale, size = _fitted(h, w, height, width)
    resized = image if size == (w, h) else image.resize(size, Image.Resampling.BILINEAR)
    pixels = put_upright(size, UPRIGHT, True, bands(resized))
    return Letterbox(_padded(pixels, height, width), scale, (h, w))


def fit(body: bytes, height: int, width: int, max_pixels: int = MAX_PIXELS) -> Letterbox:
    """`letterbox(decode(body), …)`, sooner for a large JPEG: pixels that only shrinking would average away are never
    decoded.

    A JPEG's own transform gives 1/2, 1/4 or 1/8 of its pixels, at least as many as the input takes; then the size is
    the letterbox's, and turning upright comes last. Raise UndecodableImageError.
    """
    with opened(body, max_pixels) as image:
        if image is not None:
            way = orientation(image)
            on_its_side = way >= FIRST_ON_ITS_SIDE
            w, h = image.size
            scale, size = _fitted(*((w, h) if on_its_side else (h, w)), height, width)
            size = size[::-1] if on_its_side else size
            drafted = image.draft(None, size)
            if drafted and image.size != (w, h):
                shown = without_alpha(image).resize(size, Image.Resampling.BILINEAR, drafted[1])
                pixels = put_upright(shown.size, way, True, bands(shown))
                return Letterbox(_padded(pixels, height, width), scale, (w, h) if on_its_side else (h, w))
    return _letterbox(upright(body, max_pixels), height, width)


def _fitted(h: int, w: int, height: int, width: int) -> tuple[float, tuple[int, int]]:
    """The scale that fits [h, w] into [height, width], and the (width, height) that it gives."""
    scale = min(height / h, width / w)
    return scale, (max(1, round(w * scale)), max(1, round(h * scale)))


def _padded(pixels: Pixels, height: int, width: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    canvas = np.full((height, width, 3), PAD_VALUE, dtype=np.uint8)
    canvas[: pixels.shape[0], : pixels.shape[1]] = pixels
    return canvas
