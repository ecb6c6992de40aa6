"""The head of a BMP: its size, and whether its pixels are in the file."""

from __future__ import annotations

import struct

from sightline.vision.guard.limits import check_memory, check_size, cut_off
from sightline.vision.pixels import UndecodableImageError

OLD_HEAD = 12
PLAIN = (0, 3)  # compressions whose pixels lie as they are; the others are runs
MAX_RUNS = 4 << 20  # bytes of them, as Pillow goes through runs in Python
MAX_RUN_PIXELS = 16_000_000
TOP_DOWN = 1 << 31


def is_bounded(body: bytes, max_pixels: int) -> bool:
    if len(body) < 54:
        raise cut_off()
    offset, head = struct.unpack_from("<II", body, 10)
    if head == OLD_HEAD:
        width, height, _, bits = struct.unpack_from("<HHHH", body, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<IIHHI", body, 18)
        height = (1 << 32) - height if height >= TOP_DOWN else height
    check_size(width, height, max_pixels)
    if compression not in PLAIN:
        if len(body) - offset > MAX_RUNS or width * height > MAX_RUN_PIXELS:
            raise UndecodableImageError("a BMP of runs (RLE) that takes too long to decode; save it as PNG")
        return False
    check_memory(4 * width * height, f"a BMP of {width}×{height} pixels")
    if offset + (width * bits + 31) // 32 * 4 * height > len(body):
        raise cut_off(f"{len(body)} bytes are too few for {width}×{height} pixels of {bits} bits")
    return True
