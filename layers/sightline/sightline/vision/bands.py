"""The pixels of an image as an array, a band of rows at a time: a second copy of all of it is never made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from sightline.vision.orientation import FIRST_ON_ITS_SIDE
from sightline.vision.pixels import Pixels

BAND_PIXELS = 1 << 18


def bands(image: Image.Image) -> Iterator[Pixels]:
    """The rows of a grey or RGB image, from the top: uint8 [rows, width] or [rows, width, 3]."""
    width, height = image.size
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        yield np.asarray(image.crop((0, top, width, min(height, top + step))))


def put_upright(size: tuple[int, int], way: int, colours: bool, rows: Iterable[Pixels]) -> Pixels:
    """Return an image upright, RGB [height, width, 3] or grey [height, width], whose rows are stored in `size` (width,
    height) and orientation `way`, 1..8. Grey rows may be asked for in `colours`.
    """
    width, height = size
    shape = (width, height) if way >= FIRST_ON_ITS_SIDE else (height, width)
    pixels = np.empty((*shape, 3) if colours else shape, np.uint8)
    place, top = _stored(pixels, way), 0
    for band in rows:
        place[top : top + len(band)] = band[..., None] if colours and band.ndim == 2 else band
        top += len(band)
    return pixels


def _stored(pixels: Pixels, way: int) -> Pixels:
    """Return a view of upright pixels in the order in which they are stored."""
    if way in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if way in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels.swapaxes(0, 1) if way >= FIRST_ON_ITS_SIDE else pixels
