"""Decoding of uploaded images under limits. What comes from outside is hostile until it has gone through here.

Upload, page, training, evaluation, device, `predict` and batches all decode here: they see the same pixels the same
way round. docs/reference/images.md says what becomes of each kind of file.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, UnidentifiedImageError

from sightline.vision import png, tiff
from sightline.vision.alpha import without_alpha
from sightline.vision.kinds import FORMATS, Kind, kind_of
from sightline.vision.orientation import orientation, turned
from sightline.vision.pixels import Pixels, UndecodableImageError

__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "Pixels", "UndecodableImageError", "decode", "opened", "upright"]

MAX_BYTES = 50 * 1024 * 1024
MAX_PIXELS = 64_000_000
MIN_SIDE = 16
BAND_PIXELS = 1 << 20  # converted at one time


def decode(body: bytes, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode an image to RGB, uint8 [height, width, 3], upright.

    Raise UndecodableImageError for what is no image, is cut off, has too many bytes or pixels, is smaller than 16
    pixels on a side, or has pixels whose meaning is not sure. The size is checked before the pixels are decoded.
    """
    return as_rgb(upright(body, max_pixels))


def upright(body: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode an image to a grey or RGB one of 8 bits, upright. Raise UndecodableImageError as `decode` does."""
    with _refusing():
        kind = _kind(body)
        if kind is Kind.TIFF:
            page = tiff.page_of(body)
            _check_size(*page.size, max_pixels)
            return turned(tiff.decoded(body, page), tiff.orientation_of(page))
        with _of_pillow(body, kind, max_pixels) as image:
            head = png.header(body) if kind is Kind.PNG else None
            if head and head.bits == 16:
                return turned(*png.decoded(body, head))
            image.load()  # a PNG may say its orientation after its pixels
            return turned(without_alpha(image), orientation(image))


@contextmanager
def opened(body: bytes, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image | None]:
    """A JPEG whose size is checked and whose pixels are not decoded yet, None for another image; whatever then goes
    wrong is said as UndecodableImageError.
    """
    with _refusing():
        kind = _kind(body)
        if kind is not Kind.JPEG:
            yield None
            return
        with _of_pillow(body, kind, max_pixels) as image:
            yield image


def as_rgb(image: Image.Image) -> Pixels:
    """Return a grey or RGB image as an array, without a second copy of all of it in Pillow's form."""
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        band = np.asarray(image.crop((0, top, width, min(height, top + step))))
        pixels[top : top + step] = band[..., None] if band.ndim == 2 else band
    return pixels


@contextmanager
def _of_pillow(body: bytes, kind: Kind, max_pixels: int) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(body), formats=[kind.name]) as image:
            _check_size(*image.size, max_pixels)
            yield image


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except UndecodableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UndecodableImageError("damaged image: its header can't be read; a JPEG must have 8 bits") from error
    except Exception as error:  # decoders raise many kinds for damaged files; all mean the same here
        raise UndecodableImageError(f"damaged image: {type(error).__name__}: {error}") from error


def _kind(body: bytes) -> Kind:
    if len(body) > MAX_BYTES:
        raise UndecodableImageError(f"{len(body)} bytes; at most {MAX_BYTES} are taken for one image")
    return kind_of(body)


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UndecodableImageError(f"{width}×{height} pixels; at most {max_pixels} pixels are taken")
    if min(width, height) < MIN_SIDE:
        raise UndecodableImageError(f"{width}×{height} pixels; at least {MIN_SIDE} on each side are needed")
