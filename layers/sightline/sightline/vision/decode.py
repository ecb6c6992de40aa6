"""Decoding of images that strangers send, under limits."""

import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps

from sightline.errors import SightlineError

Pixels = npt.NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "BMP")
MAX_BYTES = 32 * 1024 * 1024
MAX_PIXELS = 50_000_000  # 150 MB as RGB, which a function of 512 MB can hold


class UndecodableImageError(SightlineError):
    """The bytes are no image that Sightline takes."""


def decode(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Pixels:
    """The image in `data` as RGB, uint8 [H, W, 3], upright (EXIF orientation applied).

    Raises UndecodableImageError, in one line, for anything but a whole JPEG, PNG or BMP within the limits.
    The size is read from the header and checked before a pixel is decoded.
    """
    if not data:
        raise UndecodableImageError("the file is empty; upload it again")
    if len(data) > max_bytes:
        raise UndecodableImageError(f"the file has {len(data)} bytes, at most {max_bytes} are taken; make it smaller")
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("PIL.ImageFile.LOAD_TRUNCATED_IMAGES is set, so cut-off images would pass; unset it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels decides
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return _pixels(image, max_pixels)
    except UndecodableImageError:
        raise
    except Image.UnidentifiedImageError:
        raise UndecodableImageError(f"not a {', '.join(FORMATS)} image; convert it or remove it") from None
    except Image.DecompressionBombError:
        raise UndecodableImageError(f"more than {max_pixels} pixels; make the image smaller") from None
    except Exception as error:  # Pillow's decoders raise many types (OSError, SyntaxError, struct.error, …)
        reason = " ".join(str(error).split())[:120]
        raise UndecodableImageError(f"the image is damaged ({reason}); upload it again") from error


def read(path: Path) -> Pixels:
    """Decode the file at `path`; the error names the file."""
    try:
        return decode(path.read_bytes())
    except UndecodableImageError as error:
        raise UndecodableImageError(f"{path.name}: {error}") from error


def _pixels(image: Image.Image, max_pixels: int) -> Pixels:
    width, height = image.size
    if width * height > max_pixels:
        raise UndecodableImageError(
            f"the image has {width}×{height} pixels, at most {max_pixels} are taken; make it smaller"
        )
    image.load()
    upright = ImageOps.exif_transpose(image)
    return np.asarray(_eight_bit(upright).convert("RGB"), dtype=np.uint8)


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8 bits; Pillow's own conversion would clip it to white."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
