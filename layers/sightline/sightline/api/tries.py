"""How often one address may try in vain. A stranger who guesses keeps out nobody but themself."""

import time
from collections import OrderedDict, deque

from sightline.api.http import RequestError

MOST = 30  # tries in vain of one address
SECONDS = 60
ADDRESSES = 10_000  # that are remembered


class Tries:
    """Tries in vain by address, in the memory of this container: whoever asks too often costs a millisecond."""

    def __init__(self) -> None:
        self._vain: OrderedDict[str, deque[float]] = OrderedDict()  # the address that was last here comes last

    def check(self, address: str) -> None:
        """Raise RequestError for an address that has tried too often."""
        vain = self._vain.get(address)
        while vain and vain[0] <= time.monotonic() - SECONDS:
            vain.popleft()
        if vain and len(vain) >= MOST:
            raise RequestError(f"too many tries in vain; wait {SECONDS} seconds", 429)

    def note(self, address: str) -> None:
        """Remember a try in vain."""
        self._vain.setdefault(address, deque(maxlen=MOST)).append(time.monotonic())
        self._vain.move_to_end(address)
        if len(self._vain) > ADDRESSES:
            self._vain.popitem(last=False)
