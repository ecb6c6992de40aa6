"""Groups of near-duplicates: photos of one part must never lie on both sides of a split.

Two photos are near-duplicates when their maps of fine detail (`sightline.vision.phash`) differ nowhere. A few photos
are a group when a chain of near-duplicates connects them; more are one only where most of them are near-duplicates, not
just the ends of two chains: among 100,000 photos some agree by chance, and chains of these would end in one group of a
fifth of all. (So between single linkage and average linkage; Sokal and Michener, "A Statistical Method for Evaluating
Systematic Relationships", 1958.) A photo that shows nothing of its own is in no group: parts without any mark can't be
told apart, and every split needs some.

Only likely pairs are compared. Each photo gets a small embedding that leaves out what all photos share (the fixture,
the light) and lies in the cell of the nearest of √N photos; its neighbours are looked for in the PROBES cells that are
nearest to it (an inverted file; Jégou et al., "Product Quantization for Nearest Neighbor Search", 2011). So the work
grows with N · √N, not with its square, however alike the photos are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sightline.vision.phash import SIDE, detail

Array = np.ndarray[Any, np.dtype[Any]]

# Measured on 177 photos of about twenty metal tags, photographed again and again: from 0.55 to 0.60 every tag is one
# group (two tags with nearly the same scratch share one); at 0.45 different tags are joined, at 0.65 twins are torn
# apart.
AGREEMENT = 0.57  # correlation of a tile, -1..1
WEAKEST_TILES = 0.10  # share of the tiles that may agree less: a highlight, a hair
SHIFT = 2  # cells; a part may lie up to SHIFT / SIDE of the image's size elsewhere
BLOCK = 6  # cells; tiles are 2 × 2 blocks and overlap by half
NOISE = 0.3  # grey levels; correlation of less means nothing
VISIBLE = 1.0  # grey levels; a tile with less detail in both photos has nothing to compare

CHAINED = 8  # photos of a group that may be no more than a chain
WITNESSES = 4  # photos of each of two larger groups that are compared with each other
MOST = 0.5  # share of them that has to agree

PROBES = 16  # cells in which a photo's neighbours are looked for
NEIGHBOURS = 4  # of a photo in each of these cells
LIKELY = 0.3  # cosine of two embeddings, -1..1
TRIES = 12  # failed comparisons of a photo, after which it is compared no more
ROUNDS = (
    2  # the second looks past the neighbours that are in the group already: a burst of one part hides its other photos
)
CLOSEST = 5000  # pairs that are compared to show that no near-duplicates lie apart
BATCH = 2048  # photos or pairs at once, so that memory stays small
CACHED = 128  # pairs at once where their maps must stay in the processor's cache


def group(hashes: Mapping[str, str]) -> dict[str, str]:
    """`{image_id: group}` for `{image_id: hash}`; the group's name is its smallest image id.

    The same images give the same groups in any order. Raises ValueError when a hash is not one of `phash`.
    """
    names = sorted(hashes)
    if not names:
        return {}
    maps, vectors = _read([hashes[name] for name in names])
    groups = Groups(len(names))
    tries = np.zeros(len(names), np.int64)
    for _ in range(ROUNDS):
        pairs = _likely_pairs(vectors, groups.roots())
        for start in range(0, len(pairs), BATCH):
            batch = pairs[start : start + BATCH]
            open_ones = tries[batch].min(axis=1) < TRIES
            open_ones &= np.array([groups.root(a) != groups.root(b) for a, b in batch], bool)
            batch = batch[open_ones]
            agree = _agreements(maps, batch) >= AGREEMENT
            for a, b in batch[agree]:
                apart = groups.root(a) != groups.root(b)
                if apart and _belong_together(maps, groups.members(a), groups.members(b)):
                    groups.join(a, b)
            np.add.at(tries, batch[~agree], 1)
    return {name: names[groups.root(number)] for number, name in enumerate(names)}


def agreements(hashes: Mapping[str, str], pairs: Sequence[tuple[str, str]]) -> list[float]:
    """How well pairs of images agree where they agree least, -1..1: near-duplicates reach AGREEMENT. Equal ones: 1."""
    names = sorted({name for pair in pairs for name in pair})
    if not names:
        return []
    rows = {name: row for row, name in enumerate(names)}
    raw = np.stack([detail(hashes[name]) for name in names])
    found = _agreements(raw - _smooth(raw), np.array([(rows[a], rows[b]) for a, b in pairs]))
    return [float(value) for value in np.minimum(found, 1.0)]


def closest_apart(
    hashes: Mapping[str, str], sides: Mapping[str, Any], most: int = CLOSEST
) -> list[tuple[str, str, float]]:
    """The likeliest pairs of images on different `sides` (splits), with their agreement, the best agreeing first.

    Those that reach AGREEMENT are near-duplicates that the split tears apart.
    """
    names = sorted(hashes)
    if not names:
        return []
    numbers = {side: number for number, side in enumerate(sorted(set(sides.values())))}
    _, vectors = _read([hashes[name] for name in names])
    rows = _likely_pairs(vectors, np.array([numbers[sides[name]] for name in names]))[:most]
    pairs = [(names[a], names[b]) for a, b in rows]
    found = [(a, b, value) for (a, b), value in zip(pairs, agreements(hashes, pairs), strict=True)]
    return sorted(found, key=lambda entry: (-entry[2], entry[0], entry[1]))


def _belong_together(maps: Array, first: list[int], second: list[int]) -> bool:
    """Do two groups, of which one photo each agrees, show one part? Small ones do; of larger ones most photos must
    agree.
    """
    if len(first) + len(second) <= CHAINED:
        return True
    pairs = [(a, b) for a in _witnesses(first) for b in _witnesses(second)]
    return bool((_agreements(maps, np.array(pairs)) >= AGREEMENT).mean() >= MOST)


def _witnesses(members: list[int]) -> list[int]:
    """Some of a group, spread over the order in which it grew."""
    return members[:: -(-len(members) // WITNESSES)]


class Groups:
    """Union-find with path halving; the root of a group is its smallest member."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))
        self._members = {item: [item] for item in range(size)}

    def members(self, item: int) -> list[int]:
        return self._members[self.root(item)]

    def root(self, item: int) -> int:
        parent = self.parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def roots(self) -> Array:
        return np.array([self.root(item) for item in range(len(self.parent))], np.int64)

    def join(self, a: int, b: int) -> None:
        """Make one group of two."""
        low, high = sorted((self.root(a), self.root(b)))
        self.parent[high] = low
        self._members[low] += self._members.pop(high)


def _smooth(maps: Array, reach: int = 4) -> Array:
    """The mean of the cells within `reach` of each cell, mirrored at the edges, float32 [N, SIDE, SIDE]."""
    padded = np.pad(maps, ((0, 0), (reach, reach), (reach, reach)), "reflect")
    size = 2 * reach + 1
    rows = np.add.reduce([padded[:, offset : offset + SIDE] for offset in range(size)])
    return np.asarray(sum([rows[:, :, offset : offset + SIDE] for offset in range(size)]) / np.float32(size**2))


# ------------------------------------------------------------------------------------------------------- likely pairs
SAMPLE = 2000  # photos from which is learned what all share
POOL = 3  # cells of a side of a cell of the embedding
ALIGNMENTS = 3  # times that the sample is moved to lie as its mean does
FAINT = 0.1  # square roots of grey levels; weaker detail stays weak when local contrast is made equal
OWN = 6  # cells with detail of its own, below which a photo shows nothing that tells its part from others
OTHER_LIGHT = 1.5  # detail that all photos share may be as much stronger or weaker in one of them


def _read(hashes: list[str]) -> tuple[Array, Array]:
    """Maps without their coarse part, float16 [N, SIDE, SIDE] in grey levels, and embeddings, float32 [N, 256].

    An embedding is what a photo shows that the others do not, of length 1, or 0 for a photo with nothing of its own.
    """
    numbers = range(len(hashes))
    chosen = numbers if len(hashes) <= SAMPLE else np.random.default_rng(0).choice(len(hashes), SAMPLE, replace=False)
    sample = np.stack([detail(hashes[number]) for number in chosen])
    roots = _roots(sample)
    place = roots.mean(axis=0)
    for _ in range(ALIGNMENTS):
        place = _moved(roots, _shifts(roots, place)).mean(axis=0)
    shifts = _shifts(roots, place)
    shared = _even(_moved(roots, shifts)).mean(axis=0)
    least, most = _common(_moved(sample, shifts))
    maps = np.empty((len(hashes), SIDE, SIDE), np.float16)
    side = SIDE // POOL
    vectors = np.empty((len(hashes), side * side), np.float32)
    for start in range(0, len(hashes), BATCH):
        part = np.stack([detail(text) for text in hashes[start : start + BATCH]])
        maps[start : start + BATCH] = part - _smooth(part)
        roots = _roots(part)
        shifts = _shifts(roots, place)
        own = _even(_moved(roots, shifts)) - shared
        pooled = own.reshape(-1, side, POOL, side, POOL).mean(axis=(2, 4)).reshape(len(part), -1)
        pooled /= np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), np.float32(1e-6))
        moved = _moved(part, shifts)
        pooled[np.count_nonzero((moved > most) | (moved < least), axis=(1, 2)) < OWN] = 0
        vectors[start : start + BATCH] = pooled
    return maps, vectors


def _common(sample: Array) -> tuple[Array, Array]:
    """The least and the most detail that is no photo's own, float32 [SIDE, SIDE]: what all share, up to a cell away, in
    any light.
    """
    padded = np.pad(sample.mean(axis=0), 1, "edge")
    near = np.stack([padded[top : top + SIDE, left : left + SIDE] for top in range(3) for left in range(3)])
    light, faint = np.float32(OTHER_LIGHT), np.float32(VISIBLE)
    return near.min(axis=0) / light - faint, near.max(axis=0) * light + faint


def _roots(maps: Array) -> Array:
    roots = np.sqrt(maps)
    return np.asarray(roots - _smooth(roots))


def _even(roots: Array) -> Array:
    """Local contrast made equal: a faint scratch counts as much as an edge."""
    return np.asarray(roots / (np.sqrt(_smooth(roots * roots, 6)) + FAINT))


REACH = range(-SHIFT - 1, SHIFT + 2)
SHIFTS = [(top, left) for top in REACH for left in REACH]


def _shifts(maps: Array, place: Array) -> Array:
    """Which of SHIFTS moves each map so that it agrees best with `place`, float32 [SIDE, SIDE]: int64 [N]."""
    wanted = np.stack([np.roll(place - place.mean(), (-top, -left), (0, 1)) for top, left in SHIFTS])
    return np.asarray(np.argmax(maps.reshape(len(maps), -1) @ wanted.reshape(len(SHIFTS), -1).T, axis=1))


def _moved(maps: Array, shifts: Array) -> Array:
    moved = np.empty_like(maps)
    for number, shift in enumerate(SHIFTS):
        moved[shifts == number] = np.roll(maps[shifts == number], shift, (1, 2))
    return moved


def _likely_pairs(vectors: Array, roots: Array) -> Array:
    """Pairs of row numbers of different `roots` that may be near-duplicates, int64 [P, 2], the likeliest first."""
    keys, likeness = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for seekers, cell in _cells(vectors):
        for start in range(0, len(seekers), CACHED):
            mine = seekers[start : start + CACHED]
            cosines = vectors[mine] @ vectors[cell].T
            cosines[roots[mine][:, None] == roots[cell][None, :]] = -1.0
            few = min(NEIGHBOURS, len(cell))
            best = np.argpartition(-cosines, few - 1, axis=1)[:, :few]
            values = np.take_along_axis(cosines, best, axis=1)
            rows, columns = np.nonzero(values >= LIKELY)
            first, second = mine[rows], cell[best[rows, columns]]
            keys.append(np.minimum(first, second) * len(vectors) + np.maximum(first, second))
            likeness.append(values[rows, columns])
    found, places = np.unique(np.concatenate(keys), return_index=True)
    found = found[np.argsort(-np.concatenate(likeness)[places], kind="stable")]
    return np.stack(np.divmod(found, max(1, len(vectors))), axis=1)


def _cells(vectors: Array) -> Iterator[tuple[Array, Array]]:
    """For each of √N photos: the row numbers that look for neighbours near it, and those that lie nearest to it."""
    rows = np.flatnonzero(vectors.any(axis=1))
    count = round(np.sqrt(len(rows)))
    chosen = np.random.default_rng(0).choice(rows, count, replace=False)  # the same photos give the same cells
    probes = min(PROBES, count)
    near = np.empty((len(rows), probes), np.int32)
    for start in range(0, len(rows), BATCH):
        cosines = vectors[rows[start : start + BATCH]] @ vectors[chosen].T
        near[start : start + BATCH] = np.argsort(-cosines, axis=1, kind="stable")[:, :probes]
    nearest = near[:, 0] if count else near.ravel()
    for cell in range(count):
        yield rows[(near == cell).any(axis=1)], rows[nearest == cell]


# ------------------------------------------------------------------------------------------------------------- check
def _agreements(maps: Array, pairs: Array) -> Array:
    """The agreement of pairs of row numbers, int64 [P, 2]: float32 [P]."""
    parts = [pairs[start : start + CACHED].T for start in range(0, len(pairs), CACHED)]
    found = [_agreement(maps[a].astype(np.float32), maps[b].astype(np.float32)) for a, b in parts]
    return np.concatenate([np.empty(0, np.float32), *found])


def _agreement(first: Array, second: Array) -> Array:
    """How well the pairs of maps, float32 [P, SIDE, SIDE] each, agree where they agree least: float32 [P], -1..1 or
    inf.

    Each tile of the one is compared with the best of the places within SHIFT in the other (normalised correlation). The
    weakest tiles may differ; the agreement is that of the next one. Tiles without visible detail in both are left out;
    a pair without any other has nothing to compare: inf.
    """
    size = (SIDE - 2 * SHIFT) // BLOCK * BLOCK
    still = first[:, SHIFT : SHIFT + size, SHIFT : SHIFT + size]
    cells = (2 * BLOCK) ** 2
    noise = np.float32(cells * NOISE**2)
    still_energy = _tiles(still * still)
    best = np.full_like(still_energy, -1.0)
    energy = still_energy
    squares = second * second
    for top in range(2 * SHIFT + 1):
        rows = _row_blocks(squares[:, top : top + size])
        for left in range(2 * SHIFT + 1):
            moved = second[:, top : top + size, left : left + size]
            moved_energy = _tiles_of_rows(rows[:, :, left : left + size])
            if top == left == SHIFT:
                energy = np.maximum(still_energy, moved_energy)
            correlation = _tiles(still * moved) / np.sqrt((still_energy + noise) * (moved_energy + noise))
            np.maximum(best, correlation, out=best)
    visible = energy > cells * VISIBLE**2
    ranked = np.sort(np.where(visible, best, np.inf).reshape(len(best), -1), axis=1)
    weakest = np.floor(WEAKEST_TILES * visible.sum(axis=(1, 2))).astype(np.int64)
    return np.asarray(ranked[np.arange(len(ranked)), weakest])


def _tiles(products: Array) -> Array:
    """Sums over the tiles, float32 [P, n, n], of products float32 [P, (n + 1) * BLOCK, (n + 1) * BLOCK]."""
    return _tiles_of_rows(_row_blocks(products))


# Sums of slices: numpy adds many short runs one by one, but whole slices at once.
def _row_blocks(products: Array) -> Array:
    return np.asarray(sum([products[:, row::BLOCK] for row in range(BLOCK)]))


def _tiles_of_rows(rows: Array) -> Array:
    sums = np.asarray(sum([rows[:, :, column::BLOCK] for column in range(BLOCK)]))
    sums = sums[:, :-1] + sums[:, 1:]
    return np.asarray(sums[:, :, :-1] + sums[:, :, 1:])
