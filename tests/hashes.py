"""Hashes of photos that were never taken, for tests of what follows from them."""

import base64

import numpy as np

from sightline.vision.phash import LEVELS, SIDE


def photo(part: int, number: int = 0) -> str:
    """The hash of photo `number` of a part: photos of one part differ by a little noise, parts differ everywhere."""
    levels = np.random.default_rng(part).integers(0, LEVELS + 1, (SIDE, SIDE))
    noise = np.random.default_rng([part, number]).integers(-1, 2, (SIDE, SIDE)) if number else 0
    return encode(levels + noise)


def encode(levels: np.ndarray) -> str:
    """The hash whose cells have these levels, integers [SIDE, SIDE]."""
    cells = np.clip(levels, 0, LEVELS).astype(np.uint8)
    return base64.b64encode(cells[:, ::2] << 4 | cells[:, 1::2]).decode()
