"""Which photos may be near-duplicates: a small embedding of what is a photo's own, and its nearest neighbours.

An embedding leaves out what all photos share (the fixture, the light). Before, each photo is moved so that the shared
lies in one place, by parts of a cell too: thin marks that lie half a cell elsewhere are hardly alike otherwise. An
embedding lies in the cell of the nearest of CELLS · √N photos; its neighbours are looked for in the PROBES cells that
are nearest to it (an inverted file; Jégou et al., "Product Quantization for Nearest Neighbor Search", 2011). So the
work grows with N · √N, not with its square, however alike the photos are.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sightline.datasets.agreement import CACHED, SHIFT, VISIBLE, Floats, Rows, smooth
from sightline.vision.phash import SIDE, detail

CELLS = 4  # times the square root of the number of photos
PROBES = 100  # cells in which a photo's neighbours are looked for
NEIGHBOURS = 4  # of a photo in each of these cells
CHANCE = 0.09  # standard deviation of the cosine of the embeddings of two parts, measured: 0.1
BATCH = 2048  # photos at once, so that memory stays small
SAMPLE = 2000  # photos from which is learned what all share
POOL = 2  # cells of a side of a cell of the embedding
SIZE = (SIDE // POOL) ** 2  # numbers of an embedding
REACH = SHIFT + 1  # cells; a part may lie that much elsewhere than most do
ALIGNMENTS = 3  # times that the sample is moved to lie as its mean does
FAINT = 0.1  # square roots of grey levels; weaker detail stays weak when local contrast is made equal
OWN = 6  # cells with detail of its own, below which a photo shows nothing that tells its part from others
OTHER_LIGHT = 1.5  # detail that all photos share may be as much stronger or weaker in one of them


def embeddings(hashes: list[str]) -> tuple[Floats, Floats]:
    """Maps without their coarse part, float16 [N, SIDE, SIDE] in grey levels, and embeddings, float16 [N, SIZE].

    An embedding is what a photo shows that the others do not, of length 1, or 0 for a photo with nothing of its own.
    """
    numbers = range(len(hashes))
    chosen = numbers if len(hashes) <= SAMPLE else np.random.default_rng(0).choice(len(hashes), SAMPLE, replace=False)
    sample = np.stack([detail(hashes[number]) for number in chosen])
    roots = _roots(sample)
    place = roots.mean(axis=0)
    for _ in range(ALIGNMENTS):
        place = _moved(roots, _offsets(roots, place)).mean(axis=0)
    offsets = _offsets(roots, place)
    shared = _even(_moved(roots, offsets)).mean(axis=0)
    least, most = _common(_moved(sample, np.rint(offsets)))
    maps = np.empty((len(hashes), SIDE, SIDE), np.float16)
    vectors = np.empty((len(hashes), SIZE), np.float16)
    for start in range(0, len(hashes), BATCH):
        part = np.stack([detail(text) for text in hashes[start : start + BATCH]])
        maps[start : start + BATCH] = part - smooth(part)
        roots = _roots(part)
        offsets = _offsets(roots, place)
        own = _pooled(_even(_moved(roots, offsets)) - shared)
        moved = _moved(part, np.rint(offsets))
        own[np.count_nonzero((moved > most) | (moved < least), axis=(1, 2)) < OWN] = 0
        vectors[start : start + BATCH] = own
    return maps, vectors


def _pooled(own: Floats) -> Floats:
    """The means of POOL × POOL cells of each map, as one row of length 1, float32 [N, SIZE]."""
    rows = own.reshape(len(own), SIDE // POOL, POOL, SIDE // POOL, POOL).mean(axis=(2, 4)).reshape(len(own), SIZE)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6)))


def _common(sample: Floats) -> tuple[Floats, Floats]:
    """The least and the most detail that is no photo's own, float32 [SIDE, SIDE]: what all share, up to a cell away, in
    any light.
    """
    padded = np.pad(sample.mean(axis=0), 1, "edge")
    near = np.stack([padded[top : top + SIDE, left : left + SIDE] for top in range(3) for left in range(3)])
    light, faint = np.float32(OTHER_LIGHT), np.float32(VISIBLE)
    return near.min(axis=0) / light - faint, near.max(axis=0) * light + faint


def _roots(maps: Floats) -> Floats:
    """Square roots of the maps without their coarse part.

    The maps are blurred first: a line on the border of two cells and one within a cell look alike then, so that a map
    can be moved by a part of a cell.
    """
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), "edge")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    roots = np.sqrt((rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4)
    return np.asarray(roots - smooth(roots))


def _even(roots: Floats) -> Floats:
    """Local contrast made equal: a faint scratch counts as much as an edge."""
    return np.asarray(roots / (np.sqrt(smooth(roots * roots, 6)) + FAINT))


def _offsets(maps: Floats, place: Floats) -> Floats:
    """By how many cells, in parts of a cell too, each map lies further down and right than `place`: float32 [N, 2].

    The best of the whole cells, and the top of the parabola through it and its two neighbours.
    """
    steps = range(-REACH, REACH + 1)
    wanted = np.stack([np.roll(place - place.mean(), (down, right), (0, 1)) for down in steps for right in steps])
    fits = (maps.reshape(len(maps), -1) @ wanted.reshape(len(wanted), -1).T).reshape(-1, len(steps), len(steps))
    every = np.arange(len(maps))
    down, right = np.divmod(fits.reshape(len(maps), -1).argmax(axis=1), len(steps))
    found = [_top(fits[every, :, right], down), _top(fits[every, down, :], right)]
    return np.stack(found, axis=1) - np.float32(REACH)


def _top(fits: Floats, best: Rows) -> Floats:
    """Where between its neighbours the best of each row of `fits` has its top; at the ends the best itself."""
    every = np.arange(len(fits))
    inside = np.clip(best, 1, fits.shape[1] - 2)
    before, middle, after = (fits[every, inside + step] for step in (-1, 0, 1))
    bend = before - 2 * middle + after
    moved = np.divide((before - after) / 2, bend, out=np.zeros_like(bend), where=(bend < 0) & (inside == best))
    return np.asarray(best + np.clip(moved, -0.5, 0.5), dtype=np.float32)


def _moved(maps: Floats, offsets: Floats) -> Floats:
    """The maps moved back by their offsets; what lies between cells is interpolated."""
    margin = REACH + 1
    padded = np.pad(maps, ((0, 0), (margin, margin), (margin, margin)), "edge")
    whole = np.floor(offsets).astype(np.int64)
    part = (offsets - whole).astype(np.float32)[:, :, None, None]
    moved = np.empty_like(maps)
    for down, right in np.unique(whole, axis=0):
        chosen = np.flatnonzero((whole == (down, right)).all(axis=1))
        top, left = margin + down, margin + right
        window = padded[chosen, top : top + SIDE + 1, left : left + SIDE + 1]
        rows = window[:, :-1] + (window[:, 1:] - window[:, :-1]) * part[chosen, 0]
        moved[chosen] = rows[:, :, :-1] + (rows[:, :, 1:] - rows[:, :, :-1]) * part[chosen, 1]
    return moved


def beyond_chance(count: int) -> float:
    """The cosine of embeddings, 0..1, that a photo reaches with one of `count` photos of other parts by chance.

    About the highest of so many draws from a normal distribution: the more photos, the more alike must twins be.
    """
    return float(CHANCE * np.sqrt(2 * np.log(max(count, 1))))


def likely_pairs(vectors: Floats, roots: Rows) -> Rows:
    """Pairs of row numbers of different `roots` that may be near-duplicates, int64 [P, 2], the likeliest first."""
    least = beyond_chance(len(vectors))
    keys, likeness = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for seekers, cell in _cells(vectors):
        there = vectors[cell].astype(np.float32).T
        for start in range(0, len(seekers), CACHED):
            mine = seekers[start : start + CACHED]
            cosines = vectors[mine].astype(np.float32) @ there
            rows, columns = _best(cosines, (cosines >= least) & (roots[mine][:, None] != roots[cell][None, :]))
            first, second = mine[rows], cell[columns]
            keys.append(np.minimum(first, second) * len(vectors) + np.maximum(first, second))
            likeness.append(cosines[rows, columns])
    found, places = np.unique(np.concatenate(keys), return_index=True)
    found = found[np.argsort(-np.concatenate(likeness)[places], kind="stable")]
    return np.stack(np.divmod(found, max(1, len(vectors))), axis=1)


def _best(cosines: Floats, wanted: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Rows and columns of the `wanted` ones, of each row the best NEIGHBOURS: a burst is all alike."""
    if not wanted.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if np.count_nonzero(wanted, axis=1).max() > NEIGHBOURS:
        kept = np.zeros_like(wanted)
        ranked = np.argpartition(np.where(wanted, -cosines, np.inf), NEIGHBOURS - 1, axis=1)
        np.put_along_axis(kept, ranked[:, :NEIGHBOURS], True, axis=1)
        wanted = wanted & kept
    rows, columns = np.nonzero(wanted)
    return rows, columns


def _cells(vectors: Floats) -> Iterator[tuple[Rows, Rows]]:
    """For each of CELLS · √N photos: the row numbers that look for neighbours near it, and those that lie nearest to
    it.
    """
    rows = np.flatnonzero(vectors.any(axis=1))
    count = min(len(rows), round(CELLS * np.sqrt(len(rows))))
    if not count:
        return
    chosen = np.random.default_rng(0).choice(rows, count, replace=False)  # the same photos give the same cells
    probes = min(PROBES, count)
    centres = vectors[chosen].astype(np.float32).T
    near = np.empty((len(rows), probes), np.int32)
    nearest = np.empty(len(rows), np.int32)
    for start in range(0, len(rows), BATCH):
        cosines = vectors[rows[start : start + BATCH]].astype(np.float32) @ centres
        nearest[start : start + BATCH] = cosines.argmax(axis=1)
        near[start : start + BATCH] = np.argpartition(-cosines, probes - 1, axis=1)[:, :probes]
    seekers, ends = _by_cell(near.ravel(), count)
    members, stops = _by_cell(nearest, count)
    for cell in range(count):
        mine = np.sort(seekers[ends[cell] : ends[cell + 1]] // probes)
        yield rows[mine], rows[members[stops[cell] : stops[cell + 1]]]


def _by_cell(cells: NDArray[np.int32], count: int) -> tuple[Rows, Rows]:
    """The places of each cell's number in `cells`, one cell after the other, and where each cell's begin."""
    order = np.argsort(cells, kind="stable")
    return order, np.searchsorted(cells[order], np.arange(count + 1))
