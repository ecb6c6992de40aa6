"""What one image may cost. The numbers are the same wherever images are decoded."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from sightline.vision.pixels import UndecodableImageError

MIB = 1 << 20
MAX_BYTES = 50 * MIB
MAX_PIXELS = 64_000_000
MIN_SIDE, MAX_SIDE = 16, 1_000_000
MAX_MEMORY = 416 * MIB  # for decoding, with the file; less than 512 MiB with both processes and the pixels
MIN_MEMORY = 64 * MIB
OTHER_PROCESS = 48 * MIB  # what the process that decodes has without an image
STATM = Path("/proc/self/statm")  # its second number: pages of memory that this process has
MAX_SECONDS = 1.6  # of processor time in a process of its own; a slow machine is given more
MAX_WAIT_SECONDS = 20.0  # of any clock, for a decoder that stands still
MAX_EXIF = 1 << 20  # bytes


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise UndecodableImageError for a size that is not taken."""
    if width * height > max_pixels:
        raise UndecodableImageError(f"{width}×{height} pixels; at most {max_pixels} pixels are taken")
    if min(width, height) < MIN_SIDE:
        raise UndecodableImageError(f"{width}×{height} pixels; at least {MIN_SIDE} on each side are needed")
    if max(width, height) > MAX_SIDE:
        raise UndecodableImageError(f"{width}×{height} pixels; at most {MAX_SIDE} on each side are taken")


def check_memory(needed: int, what: str) -> None:
    """Raise UndecodableImageError where decoding `what` needs more memory than is given."""
    if needed > (given := max_memory()):
        raise UndecodableImageError(
            f"{what} needs {needed // MIB} MiB of memory to be decoded; at most {given // MIB} are given."
            " Save the image smaller, or in another format"
        )


def max_memory() -> int:
    """Return the bytes that decoding may take here: MAX_MEMORY, or what a small function of Lambda has left."""
    whole = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if not whole.isdecimal() or not STATM.exists():
        return MAX_MEMORY
    own = int(STATM.read_text().split()[1]) * resource.getpagesize()
    return max(MIN_MEMORY, min(MAX_MEMORY, int(whole) * MIB - own - OTHER_PROCESS))


def cut_off(said: str = "the file is cut off") -> UndecodableImageError:
    return UndecodableImageError(f"damaged image: {said}")
