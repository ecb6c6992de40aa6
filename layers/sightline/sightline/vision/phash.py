"""A perceptual hash that keeps where the fine detail lies: photos of one part agree in it, photos of different parts do
not.

Classic hashes of 64 bits keep an image's lowest frequencies. On an inspection line those show the fixture and the
light, which all photos share; what tells two parts apart is fine: a scratch, a print, the grain. So this hash is a
small map of the energy of the fine detail, SIDE × SIDE cells of 4 bits. `sightline.datasets.grouping` says what makes
two maps near-duplicates.
"""

import base64

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.vision.decode import Pixels

SIDE = 48  # cells
FINE = 4  # pixels of a cell: the image is looked at in SIDE * FINE pixels, whatever its size and aspect ratio
STRONGEST = 20.0  # grey levels of 255; stronger detail (an edge, a reflection) counts as this
LEVELS = 15

Map = NDArray[np.float32]


def phash(pixels: Pixels) -> str:
    """The hash of an RGB image, uint8 [height, width, 3], as 1,536 base64 characters."""
    return phash_of(Image.fromarray(pixels))


def phash_of(image: Image.Image) -> str:
    """The hash of a grey or RGB image."""
    grey = image.convert("L").resize((SIDE * FINE, SIDE * FINE), Image.Resampling.BOX).convert("F")
    coarse = grey.reduce(FINE).resize(grey.size, Image.Resampling.BICUBIC)
    fine = np.minimum(np.abs(np.asarray(grey) - np.asarray(coarse)), STRONGEST)
    energy = fine.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    # Square roots before rounding: the faint detail of a scratch needs more levels than an edge does.
    levels = np.rint(np.sqrt(energy / STRONGEST) * LEVELS).astype(np.uint8)
    return base64.b64encode(levels[:, ::2] << 4 | levels[:, 1::2]).decode()


def detail(text: str) -> Map:
    """The map of a hash, float32 [SIDE, SIDE] in grey levels. Raises ValueError for anything that is no hash."""
    packed = np.frombuffer(base64.b64decode(text, validate=True), dtype=np.uint8).reshape(SIDE, SIDE // 2)
    levels = np.stack([packed >> 4, packed & LEVELS], axis=2).reshape(SIDE, SIDE)
    return np.asarray((levels / LEVELS) ** 2 * STRONGEST, dtype=np.float32)
