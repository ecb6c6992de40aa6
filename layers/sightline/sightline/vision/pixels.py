"""What all decoders give, and what they raise."""

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.uint32]  # as files store them, which may be narrower or have a sign


class UndecodableImageError(SightlineError):
    """Bytes that are no image, one outside the limits, or one whose meaning is not sure; the message says which."""
