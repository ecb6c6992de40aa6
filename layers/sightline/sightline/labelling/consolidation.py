"""One label from the answers of several annotators: boxes matched by overlap, median corners, a score of agreement.

Agreement of two annotators is the panoptic quality of one against the other (Kirillov et al., Panoptic Segmentation,
CVPR 2019): the sum of the overlaps of matched boxes of one class, divided by the mean number of boxes. It is the same
in both directions, 1 for identical answers and for "no defect" by both, 0 when only one of them saw a defect. For more
than two it is the mean over all pairs: the observed agreement of Fleiss (1971), not corrected for chance, which one
image can't tell.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

from sightline.images.box import Box

Plain = tuple[int, int, int, int, int]  # class, left, top, width, height: hashable, and ordered

MIN_OVERLAP = 0.5  # intersection over union from which two boxes mean one defect
MAX_NEIGHBOURS = 64  # boxes compared with one box; only answers with dozens of boxes in one place have more


@dataclass(frozen=True, slots=True)
class Consolidated:
    """What the annotators of one image say together. `agreement` in 0..1."""

    annotations: list[Box]
    agreement: float


def consolidate(answers: list[list[Box]]) -> Consolidated:
    """Return one label from the boxes of each annotator.

    A box is kept when at least half of them drew it: with an even number a tie keeps it, for whoever verifies sees a
    box too many, but hardly one that is missing. Its class is the one most gave (a tie: the lowest), each of its edges
    the median. The order of the annotators does not matter; boxes come from top to bottom, those of a single annotator
    as they are.
    """
    if not answers:
        raise ValueError("no answers to consolidate")
    if len(answers) == 1:
        return Consolidated(list(answers[0]), 1.0)
    # In an order that comes from the boxes alone, so that whoever answered first has no more say than the others.
    plain = sorted(sorted(_plain(box) for box in answer) for answer in answers)
    defects = _match(plain)
    kept = [_together(list(drawn.values())) for drawn in defects if 2 * len(drawn) >= len(answers)]
    kept.sort(key=lambda box: (box["top"], box["left"], box["height"], box["width"], box["class_id"]))
    return Consolidated(kept, _agreement([len(answer) for answer in plain], defects))


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union, 0..1."""
    return _overlap(_plain(a), _plain(b))


def _plain(box: Box) -> Plain:
    return (box["class_id"], box["left"], box["top"], box["width"], box["height"])


def _overlap(a: Plain, b: Plain) -> float:
    width = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    height = min(a[2] + a[4], b[2] + b[4]) - max(a[2], b[2])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a[3] * a[4] + b[3] * b[4] - shared)


def _match(answers: list[list[Plain]]) -> list[dict[int, Plain]]:
    """The defects that were seen: for each, which annotator (by number) drew which box, at most one.

    Identical boxes belong together; then pairs do, those of one class first, the best overlap first, as long as no
    annotator would have two boxes of one defect.
    """
    same: dict[tuple[Plain, int], dict[int, Plain]] = {}
    for annotator, answer in enumerate(answers):
        seen: Counter[Plain] = Counter()
        for box in answer:
            same.setdefault((box, seen[box]), {})[annotator] = box
            seen[box] += 1
    defects = list(same.values())
    boxes = [box for box, _ in same]
    joined = list(range(len(defects)))  # in which defect each is now

    def home(number: int) -> int:
        while joined[number] != number:
            joined[number] = number = joined[joined[number]]
        return number

    pairs = [(boxes[a][0] != boxes[b][0], -_overlap(boxes[a], boxes[b]), a, b) for a, b in _neighbours(boxes)]
    for _, minus_overlap, a, b in sorted(pairs):
        first, second = home(a), home(b)
        if -minus_overlap >= MIN_OVERLAP and first != second and not defects[first].keys() & defects[second].keys():
            defects[first] |= defects[second]
            joined[second] = first
    return [defect for number, defect in enumerate(defects) if joined[number] == number]


def _neighbours(boxes: list[Plain]) -> Iterator[tuple[int, int]]:
    """Pairs of numbers of boxes that may overlap by half, each pair once.

    Such boxes differ by at most a factor of two in width and height, and their centres by at most a sixth of the sum of
    both: so a box finds the other one in its grid of cells half as large as the next power of two, in the same cell or
    beside it.
    """
    cells: dict[tuple[int, int, int, int], list[int]] = {}
    for number, (_, left, top, width, height) in enumerate(boxes):
        across, down = width.bit_length(), height.bit_length()
        found = 0
        for x, y in product(range(across - 1, across + 2), range(down - 1, down + 2)):
            column, row = (2 * left + width) >> x, (2 * top + height) >> y
            for i, j in product((column, column - 1, column + 1), (row, row - 1, row + 1)):
                for other in cells.get((x, y, i, j), [])[: MAX_NEIGHBOURS - found]:
                    found += 1
                    yield other, number
        cell = (across, down, (2 * left + width) >> across, (2 * top + height) >> down)
        cells.setdefault(cell, []).append(number)


def _together(boxes: list[Plain]) -> Box:
    """One box: the class most gave, the median of each edge."""
    votes = Counter(box[0] for box in boxes)
    class_id = min(votes, key=lambda number: (-votes[number], number))
    left, top = (_median([box[axis] for box in boxes]) for axis in (1, 2))
    right, bottom = (_median([box[axis] + box[axis + 2] for box in boxes]) for axis in (1, 2))
    return {"class_id": class_id, "left": left, "top": top, "width": right - left, "height": bottom - top}


def _median(values: list[int]) -> int:
    """Between two middle values the half is rounded down, for every edge alike: so no box shrinks to nothing."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


def _agreement(drawn: list[int], defects: list[dict[int, Plain]]) -> float:
    """The mean panoptic quality of all pairs of annotators; `drawn` is how many boxes each drew."""
    shared: defaultdict[tuple[int, int], float] = defaultdict(float)
    for defect in defects:
        for (a, box_a), (b, box_b) in combinations(sorted(defect.items()), 2):
            if box_a[0] == box_b[0]:
                shared[a, b] += _overlap(box_a, box_b)
    pairs = list(combinations(range(len(drawn)), 2))
    quality = [2 * shared[a, b] / (drawn[a] + drawn[b]) if drawn[a] + drawn[b] else 1.0 for a, b in pairs]
    return min(1.0, sum(quality) / len(quality))
