"""The pixels of an image as an array, a band of rows at a time: a second copy of all of it is never made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from PIL import Image

from sightline.vision.orientation import FIRST_ON_ITS_SIDE
from sightline.vision.pixels import Pixels

BAND_PIXELS = 1 << 18


def bands(image: Image.Image | Pixels) -> Iterator[Pixels]:
    """The rows of a grey or RGB image, from the top: uint8 [rows, width] or [rows, width, 3]."""
    width, height = size_of(image)
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        bottom = min(height, top + step)
        yield np.asarray(image.crop((0, top, width, bottom))) if isinstance(image, Image.Image) else image[top:bottom]


def size_of(image: Image.Image | Pixels) -> tuple[int, int]:
    """Return width and height."""
    return image.size if isinstance(image, Image.Image) else (image.shape[1], image.shape[0])


def channels_of(image: Image.Image | Pixels) -> int:
    """Return 1 for a grey image, 3 for an RGB one."""
    if isinstance(image, Image.Image):
        return len(image.getbands())
    return 1 if image.ndim == 2 else image.shape[2]


def as_image(image: Image.Image | Pixels) -> Image.Image:
    return image if isinstance(image, Image.Image) else Image.fromarray(image)


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


def image_upright(size: tuple[int, int], way: int, rows: Iterable[Pixels]) -> Image.Image:
    """Return an image upright, RGB or grey as its rows are, which are stored in `size` and orientation `way`."""
    width, height = size
    image, top = None, 0
    for band in rows:
        count = len(band)
        turned = Image.fromarray(put_upright((width, count), way, band.ndim == 3, [band]))
        if image is None:
            image = Image.new(turned.mode, (height, width) if way >= FIRST_ON_ITS_SIDE else size)
        along = height - top - count if way in (3, 4, 6, 7) else top
        image.paste(turned, (along, 0) if way >= FIRST_ON_ITS_SIDE else (0, along))
        top += count
    assert image is not None
    return image


def _stored(pixels: Pixels, way: int) -> Pixels:
    """Return a view of upright pixels in the order in which they are stored."""
    if way in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if way in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels.swapaxes(0, 1) if way >= FIRST_ON_ITS_SIDE else pixels
