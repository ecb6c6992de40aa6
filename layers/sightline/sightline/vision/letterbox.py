"""Fitting an image of any size into the model's input without bending it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from sightline.vision.decode import MAX_PIXELS, Pixels, opened, to_8_bit

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
    h, w = image.shape[:2]
    scale, size = _fitted(h, w, height, width)
    resized = image if size == (w, h) else np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
    return Letterbox(_padded(resized, height, width), scale, (h, w))


def fit(body: bytes, height: int, width: int, max_pixels: int = MAX_PIXELS) -> Letterbox:
    """`letterbox` of an encoded image, sooner: pixels that only shrinking would average away are never decoded.

    A JPEG's own transform gives 1/2, 1/4 or 1/8 of its pixels, at least as many as the input takes; then the size is
    the letterbox's, and turning upright comes last. Without such a reduction the result is `letterbox(decode(body), …)`
    to the rounding of a turned image. Raises UndecodableImageError.
    """
    with opened(body, max_pixels) as image:
        exif = image.getexif()
        turned = exif.get(ORIENTATION, 1) >= FIRST_ON_ITS_SIDE
        w, h = image.size
        scale, size = _fitted(*((w, h) if turned else (h, w)), height, width)
        size = size[::-1] if turned else size
        drafted = image.draft(None, size)
        box = drafted[1] if drafted else None  # the part that holds the image: JPEG rounds the reduced size up
        shown = to_8_bit(image)
        shown = (shown if shown.mode == "RGB" else shown.convert("RGB")).resize(size, Image.Resampling.BILINEAR, box)
        if ORIENTATION in exif:
            shown.getexif().update(exif)
            shown = ImageOps.exif_transpose(shown)
        return Letterbox(_padded(np.asarray(shown), height, width), scale, (w, h) if turned else (h, w))


ORIENTATION = 0x0112  # EXIF
FIRST_ON_ITS_SIDE = 5  # of EXIF's eight orientations the last four exchange width and height


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
