"""How well two photos agree: where their maps of fine detail (`sightline.vision.phash`) agree least.

Near-duplicates reach AGREEMENT. Each tile of the one map is compared with the places near it in the other, since a part
may lie a little elsewhere.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.vision.phash import SIDE, detail

Floats = NDArray[np.float16 | np.float32]  # maps: [N, SIDE, SIDE], grey levels; float16 where many are kept
Rows = NDArray[np.int64]

# Measured on 177 photos of about twenty metal tags, photographed again and again: from 0.55 to 0.60 every tag is one
# group (two tags with nearly the same scratch share one); at 0.45 different tags are joined, at 0.65 twins are torn
# apart.
AGREEMENT = 0.57  # correlation of a tile, -1..1
WEAKEST_TILES = 0.10  # share of the tiles that may agree less: a highlight, a hair
SHIFT = 2  # cells; a part may lie up to SHIFT / SIDE of the image's size elsewhere
BLOCK = 6  # cells; tiles are 2 × 2 blocks and overlap by half
NOISE = 0.3  # grey levels; correlation of less means nothing
VISIBLE = 1.0  # grey levels; a tile with less detail in both photos has nothing to compare
CACHED = 128  # pairs at once where their maps must stay in the processor's cache


def agreements(hashes: Mapping[str, str], pairs: Sequence[tuple[str, str]]) -> list[float]:
    """How well pairs of images agree where they agree least, -1..1: near-duplicates reach AGREEMENT. Equal ones: 1."""
    names = sorted({name for pair in pairs for name in pair})
    if not names:
        return []
    rows = {name: row for row, name in enumerate(names)}
    raw = np.stack([detail(hashes[name]) for name in names])
    found = agreements_of(raw - smooth(raw), np.array([(rows[a], rows[b]) for a, b in pairs]))
    return [float(value) for value in np.minimum(found, 1.0)]


def smooth(maps: Floats, reach: int = 4) -> Floats:
    """The mean of the cells within `reach` of each cell, mirrored at the edges, float32 [N, SIDE, SIDE]."""
    padded = np.pad(maps, ((0, 0), (reach, reach), (reach, reach)), "reflect")
    size = 2 * reach + 1
    rows = np.add.reduce([padded[:, offset : offset + SIDE] for offset in range(size)])
    return np.asarray(sum([rows[:, :, offset : offset + SIDE] for offset in range(size)]) / np.float32(size**2))


def agreements_of(maps: Floats, pairs: Rows) -> Floats:
    """The agreement of pairs of row numbers, int64 [P, 2]: float32 [P]."""
    parts = [pairs[start : start + CACHED].T for start in range(0, len(pairs), CACHED)]
    found = [_agreement(maps[a].astype(np.float32), maps[b].astype(np.float32)) for a, b in parts]
    return np.concatenate([np.empty(0, np.float32), *found])


def _agreement(first: Floats, second: Floats) -> Floats:
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


def _tiles(products: Floats) -> Floats:
    """Sums over the tiles, float32 [P, n, n], of products float32 [P, (n + 1) * BLOCK, (n + 1) * BLOCK]."""
    return _tiles_of_rows(_row_blocks(products))


# Sums of slices: numpy adds many short runs one by one, but whole slices at once.
def _row_blocks(products: Floats) -> Floats:
    return np.asarray(sum([products[:, row::BLOCK] for row in range(BLOCK)]))


def _tiles_of_rows(rows: Floats) -> Floats:
    sums = np.asarray(sum([rows[:, :, column::BLOCK] for column in range(BLOCK)]))
    sums = sums[:, :-1] + sums[:, 1:]
    return np.asarray(sums[:, :, :-1] + sums[:, :, 1:])
