"""A perceptual hash: pictures that look alike get hashes that differ in few bits.

The DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010).
"""

import numpy as np
from PIL import Image

from sightline.vision.decode import Pixels

SIDE = 32  # pixels of the shrunk image
KEPT = 8  # lowest frequencies kept in each direction

_angle = np.pi * (2 * np.arange(SIDE) + 1) / (2 * SIDE)
_BASIS = np.cos(np.arange(KEPT)[:, None] * _angle[None, :])  # DCT-II, [KEPT, SIDE]


def phash(image: Pixels | Image.Image) -> str:
    """64 bits as 16 hex characters, of RGB uint8 [H, W, 3] or a Pillow image."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    small = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    frequencies = (_BASIS @ small @ _BASIS.T).ravel()
    frequencies[0] = 0.0  # brightness of the whole; it would outweigh all others
    bits = frequencies > np.median(frequencies[1:])
    return np.packbits(bits).tobytes().hex()


def distance(one: str, other: str) -> int:
    """Bits in which two hashes differ: 0 (alike) to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
