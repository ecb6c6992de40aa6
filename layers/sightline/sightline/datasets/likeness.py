"""Which photos may be near-duplicates: a small embedding of what is a photo's own, and its nearest neighbours.

An embedding leaves out what all photos share (the fixture, the light). It lies in the cell of the nearest of √N photos;
its neighbours are looked for in the PROBES cells that are nearest to it (an inverted file; Jégou et al., "Product
Quantization for Nearest Neighbor Search", 2011). So the work grows with N · √N, not with its square, however alike the
photos are.
"""

from collections.abc import Iterator

import numpy as np

from sightline.datasets.agreement import CACHED, SHIFT, VISIBLE, Floats, Rows, smooth
from sightline.vision.phash import SIDE, detail

PROBES = 16  # cells in which a photo's neighbours are looked for
NEIGHBOURS = 4  # of a photo in each of these cells
LIKELY = 0.3  # cosine of two embeddings, -1..1
BATCH = 2048  # photos at once, so that memory stays small
SAMPLE = 2000  # photos from which is learned what all share
POOL = 3  # cells of a side of a cell of the embedding
ALIGNMENTS = 3  # times that the sample is moved to lie as its mean does
FAINT = 0.1  # square roots of grey levels; weaker detail stays weak when local contrast is made equal
OWN = 6  # cells with detail of its own, below which a photo shows nothing that tells its part from others
OTHER_LIGHT = 1.5  # detail that all photos share may be as much stronger or weaker in one of them


def embeddings(hashes: list[str]) -> tuple[Floats, Floats]:
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
        maps[start : start + BATCH] = part - smooth(part)
        roots = _roots(part)
        shifts = _shifts(roots, place)
        own = _even(_moved(roots, shifts)) - shared
        pooled = own.reshape(-1, side, POOL, side, POOL).mean(axis=(2, 4)).reshape(len(part), -1)
        pooled /= np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), np.float32(1e-6))
        moved = _moved(part, shifts)
        pooled[np.count_nonzero((moved > most) | (moved < least), axis=(1, 2)) < OWN] = 0
        vectors[start : start + BATCH] = pooled
    return maps, vectors


def _common(sample: Floats) -> tuple[Floats, Floats]:
    """The least and the most detail that is no photo's own, float32 [SIDE, SIDE]: what all share, up to a cell away, in
    any light.
    """
    padded = np.pad(sample.mean(axis=0), 1, "edge")
    near = np.stack([padded[top : top + SIDE, left : left + SIDE] for top in range(3) for left in range(3)])
    light, faint = np.float32(OTHER_LIGHT), np.float32(VISIBLE)
    return near.min(axis=0) / light - faint, near.max(axis=0) * light + faint


def _roots(maps: Floats) -> Floats:
    roots = np.sqrt(maps)
    return np.asarray(roots - smooth(roots))


def _even(roots: Floats) -> Floats:
    """Local contrast made equal: a faint scratch counts as much as an edge."""
    return np.asarray(roots / (np.sqrt(smooth(roots * roots, 6)) + FAINT))


REACH = range(-SHIFT - 1, SHIFT + 2)
SHIFTS = [(top, left) for top in REACH for left in REACH]


def _shifts(maps: Floats, place: Floats) -> Rows:
    """Which of SHIFTS moves each map so that it agrees best with `place`, float32 [SIDE, SIDE]: int64 [N]."""
    wanted = np.stack([np.roll(place - place.mean(), (-top, -left), (0, 1)) for top, left in SHIFTS])
    return np.asarray(np.argmax(maps.reshape(len(maps), -1) @ wanted.reshape(len(SHIFTS), -1).T, axis=1))


def _moved(maps: Floats, shifts: Rows) -> Floats:
    moved = np.empty_like(maps)
    for number, shift in enumerate(SHIFTS):
        moved[shifts == number] = np.roll(maps[shifts == number], shift, (1, 2))
    return moved


def likely_pairs(vectors: Floats, roots: Rows) -> Rows:
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


def _cells(vectors: Floats) -> Iterator[tuple[Rows, Rows]]:
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
