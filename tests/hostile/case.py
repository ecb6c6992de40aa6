"""One hostile file, and what makes them."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

LIMIT = 64_000_000  # pixels that are taken
MOST = 50 * 1024 * 1024  # bytes that are taken


@dataclass(frozen=True)
class Case:
    """`make` gives the bytes, `said` is what a refusal must say; "" where the file may be decoded, too.

    A case that is not `quick` takes more than a tenth of a second to make or to refuse; `make soak` has it.
    """

    family: str
    name: str
    make: Callable[[], bytes]
    said: str = ""
    quick: bool = True

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


def photo(width: int = 320, height: int = 240) -> Image.Image:
    """A picture with something in it, the same each time."""
    small = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
