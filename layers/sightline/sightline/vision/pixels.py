"""What all decoders give, and what they raise."""

import math
import mmap

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.uint32]  # as files store them, which may be narrower or have a sign


class UndecodableImageError(SightlineError):
    """Bytes that are no image, one outside the limits, or one whose meaning is not sure; the message says which."""


def blank(shape: tuple[int, ...]) -> Pixels:
    """Return pixels to be written, whose memory can be given back in parts. Raise MemoryError."""
    try:
        memory = mmap.mmap(-1, math.prod(shape), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(str(error)) from error
    return np.frombuffer(memory, np.uint8).reshape(shape)


def forget(pixels: object, size: int) -> None:
    """Give back the memory of the first `size` bytes of what `blank` has made; they are 0 then. Others stay."""
    memory = pixels
    while isinstance(memory, np.ndarray):
        memory = memory.base
    memory = memory.obj if isinstance(memory, memoryview) else memory
    whole = size // mmap.PAGESIZE * mmap.PAGESIZE
    if isinstance(memory, mmap.mmap) and whole:
        memory.madvise(mmap.MADV_DONTNEED, 0, whole)
