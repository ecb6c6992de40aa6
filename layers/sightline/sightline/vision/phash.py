"""A perceptual hash: photos that look alike have hashes that differ in few bits.

The classic one by discrete cosine transform (Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010): 32×32 grey, the 8×8 lowest frequencies without the constant row and column, against their median.
"""

from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from sightline.vision.decode import Pixels

SIZE = 32
BITS = 8


@cache
def _cosines() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows 1..8 of the DCT-II matrix of order 32, float64 [8, 32]."""
    positions = (2 * np.arange(SIZE) + 1) / (2 * SIZE)
    return np.asarray(np.cos(np.pi * np.outer(np.arange(1, BITS + 1), positions)), dtype=np.float64)


def phash(pixels: Pixels) -> str:
    """The hash of an RGB image, uint8 [height, width, 3], as 16 hexadecimal characters."""
    small = Image.fromarray(pixels).convert("L").resize((SIZE, SIZE), Image.Resampling.BOX)
    frequencies = _cosines() @ np.asarray(small, dtype=np.float64) @ _cosines().T
    bits = (frequencies > np.median(frequencies)).flatten()
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"
