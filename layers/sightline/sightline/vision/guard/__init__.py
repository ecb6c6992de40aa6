"""What keeps a hostile image cheap: looks at the head of a file, and says whether and where it may be decoded.

`is_bounded` refuses by the head what would cost too much, before anything is decoded. What is left has a known cost, or
its decoder can't be bounded by the head; then it is decoded in a process of its own with limits (`guard.worker`,
`apart`).
"""

from __future__ import annotations

from sightline.vision.guard import bmp, jpeg, png, webp
from sightline.vision.kinds import Kind

__all__ = ["is_bounded"]

# In a TIFF any byte may be anywhere, and each compression is a decoder of its own: none is bounded.
HEADS = {Kind.JPEG: jpeg.is_bounded, Kind.PNG: png.is_bounded, Kind.BMP: bmp.is_bounded, Kind.WEBP: webp.is_bounded}


def is_bounded(kind: Kind, body: bytes, max_pixels: int) -> bool:
    """Whether decoding costs no more than the head of the file says, so that it needs no process of its own.

    Raise UndecodableImageError for what costs too much by its head. Only the head is looked at: a file that is damaged
    further on is for the decoder to refuse.
    """
    return kind in HEADS and HEADS[kind](body, max_pixels)
