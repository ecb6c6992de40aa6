"""Upright boxes around what other tools draw: turned boxes, outlines, ellipses and masks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from client.formats import checks
from client.formats.checks import BadLabelError, check

Point = tuple[float, float]  # from the left and the top edge


@dataclass(frozen=True, slots=True)
class Upright:
    """A box whose sides are level with those of the image, in the unit of the points that it is around."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @classmethod
    def around(cls, points: Iterable[Point]) -> "Upright":
        """Return the smallest one that holds all points. Raise BadLabelError where there is none."""
        across, down = zip(*points, strict=True) if (points := list(points)) else ((), ())
        check(bool(across), "a shape without a point")
        left, top = min(across), min(down)
        return cls(left, top, max(across) - left, max(down) - top)

    def scaled(self, across: float, down: float) -> "Upright":
        return Upright(self.left * across, self.top * down, self.width * across, self.height * down)

    def shifted(self, across: float, down: float) -> "Upright":
        return Upright(self.left + across, self.top + down, self.width, self.height)

    def turned(self, degrees: float, about: Point | None = None) -> "Upright":
        """Return the upright box around this one, turned clockwise about a point, its centre where none is given."""
        x, y = about or (self.left + self.width / 2, self.top + self.height / 2)
        cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        corners = [(a, b) for a in (self.left, self.right) for b in (self.top, self.bottom)]
        return Upright.around(
            (x + (a - x) * cosine - (b - y) * sine, y + (a - x) * sine + (b - y) * cosine) for a, b in corners
        )


def ellipse(x: float, y: float, across: float, down: float, degrees: float) -> Upright:
    """Return the box around an ellipse of these half axes, turned clockwise about its centre."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    wide, high = math.hypot(across * cosine, down * sine), math.hypot(across * sine, down * cosine)
    return Upright(x - wide, y - high, 2 * wide, 2 * high)


def outline(values: object) -> Upright:
    """Return the box around a list of x, y, x, y, … as COCO has it. Raise BadLabelError."""
    numbers = [checks.number(value, "a number of an outline") for value in checks.entries(values)]
    check(len(numbers) >= 6 and len(numbers) % 2 == 0, "an outline of fewer than three points, or of half a point")
    return Upright.around(zip(numbers[::2], numbers[1::2], strict=True))


def mask(counts: object, size: object) -> Upright:
    """Return the box around COCO's mask: how many pixels, column by column, are off and on in turn. `size` is
    [height, width]. Raise BadLabelError.
    """
    sides = checks.entries(size)
    check(len(sides) == 2, "a mask without its size")
    width, height = checks.size(sides[1], sides[0])
    runs = _unpacked(counts) if isinstance(counts, str) else _runs(counts)
    left, top, right, bottom = width, height, -1, -1
    start = 0
    for number, run in enumerate(runs):
        check(run >= 0 and start + run <= width * height, "a mask that does not fit its size")
        if number % 2 and run:
            first, last = divmod(start, height), divmod(start + run - 1, height)
            left, right = min(left, first[0]), max(right, last[0])
            whole = first[0] != last[0]
            top, bottom = min(top, 0 if whole else first[1]), max(bottom, height - 1 if whole else last[1])
        start += run
    check(right >= 0, "a mask without a pixel")
    return Upright(left, top, right - left + 1, bottom - top + 1)


def _runs(counts: object) -> Sequence[int]:
    return [checks.whole(run, "a number of a mask") for run in checks.entries(counts)]


def _unpacked(counts: str) -> list[int]:
    """Return the runs of COCO's packed mask: each number in signs of 5 bits with a sign for "more", from the third on
    as the difference to the one before the last. Raise BadLabelError.
    """
    runs: list[int] = []
    value = shift = 0
    for sign in counts:
        bits = ord(sign) - 48
        check(0 <= bits < 64 and shift < 60, "a packed mask with a sign that is none")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise BadLabelError("a packed mask that ends in a number")
    return runs
