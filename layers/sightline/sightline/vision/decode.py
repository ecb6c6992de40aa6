"""Decoding of uploaded images under limits. What comes from outside is hostile until it has gone through here.

Upload, page, training, evaluation, device, `predict` and batches all decode here: they see the same pixels the same
way round. docs/reference/images.md says what becomes of each kind of file.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from sightline.vision import png, tiff
from sightline.vision.alpha import without_alpha
from sightline.vision.bands import as_image, bands, channels_of, put_upright, size_of
from sightline.vision.guard import is_bounded
from sightline.vision.guard.limits import MAX_BYTES, MAX_PIXELS, check_size
from sightline.vision.guard.worker import DecoderMissingError, Worker
from sightline.vision.kinds import FORMATS, Kind, kind_of
from sightline.vision.orientation import UPRIGHT, orientation
from sightline.vision.pixels import Pixels, UndecodableImageError

__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "Pixels", "UndecodableImageError", "decode", "opened", "upright"]

worker = Worker()


def decode(body: bytes, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode an image to RGB, uint8 [height, width, 3], upright.

    Raise UndecodableImageError for what is no image, is cut off, has too many bytes or pixels, is smaller than 16
    pixels on a side, has pixels whose meaning is not sure, or costs more memory or time than `guard.limits` gives.
    """
    with _refusing():
        if not _is_bounded(body, max_pixels):
            return worker.decode(body, max_pixels)
        image, way = stored(body, max_pixels)
        return put_upright(size_of(image), way, True, bands(image))


def upright(body: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode an image to a grey or RGB one of 8 bits, upright. Raise UndecodableImageError as `decode` does."""
    with _refusing():
        if not _is_bounded(body, max_pixels):
            return worker.upright(body, max_pixels)
        image, way = stored(body, max_pixels)
        if way == UPRIGHT:
            return as_image(image)
        pixels = put_upright(size_of(image), way, channels_of(image) > 1, bands(image))
        del image  # two pictures and an array at one time are too much
        return Image.fromarray(pixels)


def stored(body: bytes, max_pixels: int) -> tuple[Image.Image | Pixels, int]:
    """Decode an image in this process to grey or RGB of 8 bits as it is stored. Return its orientation, too.

    Raise UndecodableImageError, and MemoryError where a limit of memory is reached.
    """
    with _refusing():
        kind = kind_of(body)
        if kind is Kind.TIFF:
            page = tiff.page_of(body)
            check_size(*page.size, max_pixels)
            return tiff.decoded(body, page), tiff.orientation_of(page)
        with _of_pillow(body, kind, max_pixels) as image:
            head = png.header(body) if kind is Kind.PNG else None
            if head and head.bits == 16:
                return png.decoded(body, head)
            image.load()  # a PNG may say its orientation after its pixels
            return without_alpha(image), orientation(image)


@contextmanager
def opened(body: bytes, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image | None]:
    """A JPEG whose size is checked and whose pixels are not decoded yet, None for another image; whatever then goes
    wrong is said as UndecodableImageError.
    """
    with _refusing():
        if not _is_bounded(body, max_pixels) or kind_of(body) is not Kind.JPEG:
            yield None
            return
        with _of_pillow(body, Kind.JPEG, max_pixels) as image:
            yield image


@contextmanager
def _of_pillow(body: bytes, kind: Kind, max_pixels: int) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(body), formats=[kind.name]) as image:
            check_size(*image.size, max_pixels)
            yield image


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (UndecodableImageError, DecoderMissingError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UndecodableImageError("damaged image: its header can't be read; a JPEG must have 8 bits") from error
    except Exception as error:  # decoders raise many kinds for damaged files; all mean the same here
        raise UndecodableImageError(f"damaged image: {type(error).__name__}: {error}") from error


def _is_bounded(body: bytes, max_pixels: int) -> bool:
    """Whether an image may be decoded in this process. Raise UndecodableImageError for what may be nowhere."""
    if len(body) > MAX_BYTES:
        raise UndecodableImageError(f"{len(body)} bytes; at most {MAX_BYTES} are taken for one image")
    return is_bounded(kind_of(body), body, max_pixels)
