"""What the numbers of a line of YOLO text are: a box, an outline, or a box with a score, a track or keypoints.

The line does not say. `kpt_shape` in the YAML file, how many numbers there are and their ranges do: a tool writes all
lines of one number of values alike, so that each of them can rule a reading out. A line that can still be two different
boxes is refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from client.formats.checks import BadLabelError, check
from client.formats.shapes import Upright

Values = Sequence[float]
Reading = Callable[[Values], Upright | None]  # the box of a line, in parts of the image; None where it can't be

SLACK = 0.01  # in parts of the image: how far rounding puts a value outside
MARGIN = 0.1  # in parts of the box: how far beside it keypoints lie
SAME = 2e-3  # in parts of the image: boxes that differ less are one
PIXELS = 2.0  # a value from here on is in pixels
DEEPEST = 2  # the visibility of a keypoint is 0, 1 or 2

SCORE = "the score of a box"
TRACK = "the track of a box"
POINTS = "the keypoints of a box"
OUTLINE = "the outline of a box (its upright box is taken)"
RESTS: tuple[tuple[str, ...], ...] = ((), (SCORE,), (TRACK,), (SCORE, TRACK))  # what a line may end in


@dataclass(frozen=True)
class Layout:
    """One thing that the numbers of a line may be."""

    name: str
    read: Reading
    lost: tuple[str, ...] = ()  # what is not taken over of it
    is_box: bool = True  # its first numbers are a box's centre and size
    constant: int = 0  # how many numbers each line has before score and track, where all must have the same

    @property
    def told(self) -> str:
        ends = " and ".join(lost.split()[1] for lost in self.lost if lost in (SCORE, TRACK))
        return f"{self.name}{' with a ' if ends else ''}{ends}"


@dataclass
class Layouts:
    """The layouts that all lines seen so far leave possible, by how many numbers a line has."""

    keypoints: tuple[int, int] | None  # what the file of names says of them; (0, 0) for "none"
    possible: dict[int, list[Layout]] = field(default_factory=dict)
    fitted: set[int] = field(default_factory=set)  # how many numbers lines have that are something

    def see(self, values: Values) -> None:
        count = len(values)
        known = self.possible.setdefault(count, _layouts(count, self.keypoints))
        if count in self.fitted and len(known) == 1:
            return
        if fitting := [one for one in known if one.read(values) is not None]:  # what nothing fits rules nothing out
            self.possible[count] = fitting
            self.fitted.add(count)

    def read(self, values: Values, size: tuple[int, int]) -> tuple[Upright, Layout]:
        """Return a line's box in pixels of an image of this size, and what the line is. Raise BadLabelError."""
        known = [one for one in self.possible.get(len(values), []) if self._fits_all(one)]
        check(bool(known), f"{len(values) + 1} numbers, which is no box, outline or pose")
        check(max(values) < PIXELS or len(values) > 4, "numbers over 1: pixels, where parts of the image should be")
        fitting = [(found, one) for one in known if (found := one.read(values)) is not None]
        check(bool(fitting), f"its numbers are not those of {' or '.join(one.told for one in known)}")
        box, layout = fitting[0]
        if not all(_alike(box, other) for other, _ in fitting[1:]):
            names = " or ".join(dict.fromkeys(one.told for _, one in fitting))
            raise BadLabelError(
                f"it can be {names}; say `kpt_shape: [points, 2]` in data.yaml, or `kpt_shape: []` for none"
            )
        if layout.is_box:  # in pixels before it is halved: a half of a pixel stays one
            across, down, width, height = (value * size[axis % 2] for axis, value in enumerate(values[:4]))
            return Upright(across - width / 2, down - height / 2, width, height), layout
        return box.scaled(*size), layout

    @property
    def scored(self) -> bool:
        """Whether a model has written some of the lines."""
        return any(SCORE in one.lost for known in self.possible.values() for one in known[:1])

    def _fits_all(self, layout: Layout) -> bool:
        """Say whether all lines may have as many keypoints as those of this layout."""
        seen = (self.possible[count] for count in self.fitted)
        return not layout.constant or all(any(one.constant == layout.constant for one in known) for known in seen)


def _layouts(count: int, keypoints: tuple[int, int] | None) -> list[Layout]:
    """Return what a line of so many numbers (without its class) may be, the likeliest first."""
    if count == 4:
        return [Layout("a box", _plain)]
    found: list[Layout] = []
    for rest in RESTS:
        body = count - len(rest)
        if keypoints and keypoints[0]:
            if body == 4 + keypoints[0] * keypoints[1]:
                found.append(replace(_posed(keypoints[1], keypoints[0], rest), constant=0))
            continue
        if body == 4:
            found.append(Layout("a box", partial(_ended, rest=rest, read=_plain), rest))
        if body >= 6 and body % 2 == 0:
            outline = partial(_ended, rest=rest, read=_outline)
            found.append(Layout("an outline", outline, (OUTLINE, *rest), is_box=False))
        for dimensions in () if keypoints else (2, 3):
            points, over = divmod(body - 4, dimensions)
            if points > 0 and not over:
                found.append(_posed(dimensions, points, rest))
    return found


def _posed(dimensions: int, points: int, rest: tuple[str, ...]) -> Layout:
    pose = partial(_ended, rest=rest, read=partial(_pose, dimensions=dimensions, points=points))
    return Layout("a box with keypoints", pose, (POINTS, *rest), constant=4 + points * dimensions)


def _plain(values: Values) -> Upright | None:
    across, down, width, height = values[:4]
    return Upright(across - width / 2, down - height / 2, width, height)


def _inside(values: Iterable[float]) -> bool:
    return all(-SLACK <= value <= 1 + SLACK for value in values)


def _ended(values: Values, rest: tuple[str, ...], read: Reading) -> Upright | None:
    """Read a line that ends in a score, the number of a track, both or nothing."""
    body = len(values) - len(rest)
    for kind, value in zip(rest, values[body:], strict=True):
        if not (0 <= value <= 1 if kind == SCORE else value >= 1 and value == int(value)):
            return None
    return read(values[:body])


def _outline(values: Values) -> Upright | None:
    if not _inside(values):
        return None
    found = Upright.around(zip(values[::2], values[1::2], strict=True))
    return found if found.width > 0 and found.height > 0 else None


def _pose(values: Values, dimensions: int, points: int) -> Upright | None:
    """Read a box whose keypoints lie in it, or at 0, 0 where they are not seen."""
    box = _plain(values)
    if box is None or not _inside((box.left, box.top, box.right, box.bottom)) or min(box.width, box.height) <= 0:
        return None
    if len(values) == 8 and _is_turned_box(values):
        return None
    aside, above = MARGIN * box.width + SAME, MARGIN * box.height + SAME
    for start in range(4, 4 + points * dimensions, dimensions):
        across, down = values[start], values[start + 1]
        seen = values[start + 2] if dimensions == 3 else 2
        if seen not in range(DEEPEST + 1):
            return None
        near = box.left - aside <= across <= box.right + aside and box.top - above <= down <= box.bottom + above
        if not near and (across, down) != (0, 0) and seen != 0:
            return None
    return box


def _is_turned_box(values: Values) -> bool:
    """Say whether four points are the corners of a turned box: both diagonals have one middle."""
    return all(abs(values[i] + values[i + 4] - values[i + 2] - values[i + 6]) <= SAME for i in (0, 1))


def _alike(one: Upright, other: Upright) -> bool:
    return all(
        abs(a - b) <= SAME
        for a, b in zip(
            (one.left, one.top, one.right, one.bottom), (other.left, other.top, other.right, other.bottom), strict=True
        )
    )
