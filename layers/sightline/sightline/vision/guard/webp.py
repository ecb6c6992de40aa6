"""The head of a WebP: its size, for which libwebp takes much memory."""

from __future__ import annotations

import struct

from sightline.vision.guard.exif import check_exif
from sightline.vision.guard.limits import check_memory, check_size
from sightline.vision.pixels import UndecodableImageError

PIXEL = 22  # bytes in all copies that libwebp and Pillow make of it
MAX_CHUNKS = 2000


def is_bounded(body: bytes, max_pixels: int) -> bool:
    size = _size(body)
    if size:
        check_size(*size, max_pixels)
        check_memory(PIXEL * size[0] * size[1], f"a WebP of {size[0]}×{size[1]} pixels")
    _check_chunks(body)
    return False


def _size(body: bytes) -> tuple[int, int] | None:
    """Width and height by the first chunk; None where it says none."""
    head = body[12:30].ljust(18, b"\0")
    if head.startswith(b"VP8X"):
        return int.from_bytes(head[12:15], "little") + 1, int.from_bytes(head[15:18], "little") + 1
    if head.startswith(b"VP8L"):
        (bits,) = struct.unpack_from("<I", head, 9)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head.startswith(b"VP8 "):
        width, height = struct.unpack_from("<HH", head, 14)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _check_chunks(body: bytes) -> None:
    place = 12
    for _ in range(MAX_CHUNKS):
        if place + 8 > len(body):
            return
        name, size = struct.unpack_from("<4sI", body, place)
        if name == b"EXIF":
            check_exif(body[place + 8 : place + 8 + size])
        place += 8 + size + size % 2
    raise UndecodableImageError(f"a WebP with more than {MAX_CHUNKS} chunks; save it again as one picture")
