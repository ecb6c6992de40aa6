"""Decoding of uploaded images under limits. What comes from outside is hostile until it has gone through here."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sightline.errors import SightlineError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
MAX_BYTES = 50 * 1024 * 1024
MAX_PIXELS = 64_000_000
MIN_SIDE = 16
CAMERA_BITS = (8, 10, 12, 14, 16)

Pixels = NDArray[np.uint8]


class UndecodableImageError(SightlineError):
    """Bytes that are no image, or one outside the limits; the message says which."""


def decode(body: bytes) -> Pixels:
    """Decode an image to RGB, uint8 [height, width, 3], turned upright as its EXIF orientation says.

    Raises UndecodableImageError for what is no image, is cut off, has too many bytes or pixels, or is smaller than
    16 pixels on a side. The size is checked before the pixels are decoded.
    """
    with opened(body) as image:
        return np.asarray(ImageOps.exif_transpose(to_8_bit(image)).convert("RGB"))


@contextmanager
def opened(body: bytes, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """An image whose size is checked and whose pixels are not decoded yet; whatever then goes wrong with them is said
    as UndecodableImageError.
    """
    if len(body) > MAX_BYTES:
        raise UndecodableImageError(f"{len(body)} bytes; at most {MAX_BYTES} are taken for one image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=FORMATS) as image:
                _check_size(*image.size, max_pixels)
                yield image
    except UndecodableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UndecodableImageError(f"not an image in one of the formats {', '.join(FORMATS)}") from error
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files; all mean the same here
        raise UndecodableImageError(f"damaged image: {type(error).__name__}: {error}") from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise UndecodableImageError(f"{width}×{height} pixels; at most {max_pixels} pixels are taken")
    if min(width, height) < MIN_SIDE:
        raise UndecodableImageError(f"{width}×{height} pixels; at least {MIN_SIDE} on each side are needed")


def to_8_bit(image: Image.Image) -> Image.Image:
    """Bring grey images of more bits to 8; Pillow's own conversion would clip them to white.

    Files don't say how many of 16 bits the camera uses: the fewest that hold the brightest pixel are taken. Nothing
    says where white is in an image of floating-point numbers: UndecodableImageError.
    """
    if image.mode == "F":
        raise UndecodableImageError("pixels are floating-point numbers; save the image with 8 or 16 bits a pixel")
    if image.mode.startswith("I"):
        values = np.asarray(image).clip(0)
        depth = next((bits for bits in CAMERA_BITS if values.max() < 1 << bits), CAMERA_BITS[-1])
        return Image.fromarray((values >> (depth - 8)).clip(0, 255).astype(np.uint8))
    return image
