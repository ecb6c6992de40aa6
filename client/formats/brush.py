"""Masks of Label Studio's brush: run lengths over the red, green, blue and alpha of each pixel, row by row.

The bytes are a string of bits: 32 with the number of values, 5 with the bits of a value less one, four times 4 with
the bits of a length less one. Then blocks follow: a bit for "all the same", 2 for which of the four lengths is meant,
the length less one, and the value or the values.
"""

from collections.abc import Iterator

from client.formats import checks
from client.formats.checks import check
from client.formats.shapes import Upright

CHANNELS, ALPHA = 4, 3


class _Bits:
    """Numbers of some bits each, the highest bit first."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def read(self, count: int) -> int:
        end = self.place + count
        check(end <= 8 * len(self.content), "a brush mask that is cut off")
        first, last = self.place // 8, (end + 7) // 8
        self.place = end
        return int.from_bytes(self.content[first:last], "big") >> (8 * last - end) & ((1 << count) - 1)


def box(values: object, size: tuple[int, int]) -> Upright:
    """Return the box around the pixels of a mask that are not transparent. Raise BadLabelError."""
    width, height = size
    left, top, right, bottom = width, height, -1, -1
    for start, end in _opaque(_bytes(values), CHANNELS * width * height):
        rows, columns = (start // width, end // width), (start % width, end % width)
        whole = rows[0] != rows[1]
        left, right = min(left, 0 if whole else columns[0]), max(right, width - 1 if whole else columns[1])
        top, bottom = min(top, rows[0]), max(bottom, rows[1])
    check(right >= 0, "a brush mask without a pixel")
    return Upright(left, top, right - left + 1, bottom - top + 1)


def _bytes(values: object) -> bytes:
    numbers = [number for number in checks.entries(values) if isinstance(number, int) and 0 <= number < 256]
    check(len(numbers) == len(checks.entries(values)), "a brush mask that is not a list of bytes")
    return bytes(numbers)


def _opaque(content: bytes, expected: int) -> Iterator[tuple[int, int]]:
    """Give the first and the last pixel of each run that is not transparent. Raise BadLabelError."""
    bits = _Bits(content)
    total, word = bits.read(32), bits.read(5) + 1
    check(total == expected, "a brush mask that does not fit the image")
    lengths = [bits.read(4) + 1 for _ in range(4)]
    place = 0
    while place < total:
        same, length = bits.read(1), bits.read(lengths[bits.read(2)]) + 1
        check(place + length <= total, "a brush mask that does not fit the image")
        for _ in range(1 if same else length):
            count = length if same else 1
            if bits.read(word):
                first, last = (place - ALPHA + CHANNELS - 1) // CHANNELS, (place + count - 1 - ALPHA) // CHANNELS
                if last >= first:
                    yield max(0, first), last
            place += count
