"""A block of EXIF: Pillow reads every entry of its directory, wherever it points to."""

from __future__ import annotations

import struct

from sightline.vision.guard.limits import MAX_EXIF
from sightline.vision.pixels import UndecodableImageError

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
ENTRY = 12


def check_exif(block: bytes) -> None:
    """Raise UndecodableImageError for a block that is too large, or takes more memory than it has bytes.

    What is no EXIF is let through: it is not read.
    """
    if len(block) > MAX_EXIF:
        raise UndecodableImageError(f"EXIF data of {len(block)} bytes; at most {MAX_EXIF} are taken")
    block = block[6:] if block[:6] == b"Exif\0\0" else block
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return
    (start,) = struct.unpack_from(order + "I", block, 4)
    if start + 2 > len(block):
        return
    (count,) = struct.unpack_from(order + "H", block, start)
    total = 0
    for place in range(start + 2, min(start + 2 + ENTRY * count, len(block) - ENTRY + 1), ENTRY):
        _, kind, number = struct.unpack_from(order + "HHI", block, place)
        size = SIZES.get(kind, 0) * number
        total += size if 4 < size <= len(block) else 0
    if total > 2 * len(block) + 4096:
        raise UndecodableImageError(f"EXIF data whose entries lie on top of each other: {total} in {len(block)} bytes")
