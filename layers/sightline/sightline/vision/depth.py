"""How many bits of a number a camera uses, and 8 of them: the one place that decides."""

from __future__ import annotations

import numpy as np

from sightline.vision.pixels import Numbers, Pixels, UndecodableImageError

CAMERA_BITS = (8, 10, 12, 14, 16)


def used_bits(brightest: int, said: int | None = None) -> int:
    """Return how many bits the numbers of an image use, 8..16, `brightest` being the largest one.

    Most files don't say how many of 16 bits the camera uses: the fewest that hold the brightest pixel are taken.
    `said` by a tag counts if it holds that pixel, too. Raise UndecodableImageError above 16 bits.
    """
    if said is not None and brightest < 1 << said:
        return said
    for bits in CAMERA_BITS:
        if brightest < 1 << bits:
            return bits
    raise UndecodableImageError(
        f"pixels are numbers up to {brightest}, and nothing says which one is white; save the image with 8 or 16 bits"
    )


def to_8_bit(numbers: Numbers, bits: int) -> Pixels:
    """Return unsigned `numbers` of so many bits as 0..255."""
    if bits < 8:
        return (numbers.astype(np.uint16) * 255 // ((1 << bits) - 1)).astype(np.uint8)
    return np.asarray(np.minimum(numbers >> (bits - 8), 255), dtype=np.uint8)
