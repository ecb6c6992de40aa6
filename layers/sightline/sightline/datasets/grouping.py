"""Groups of near-duplicates: photos of one part must never lie on both sides of a split.

Two photos are near-duplicates when their maps of fine detail (`sightline.vision.phash`) differ nowhere. A few photos
are a group when a chain of near-duplicates connects them; more are one only where most of them are near-duplicates, not
just the ends of two chains: among 100,000 photos some agree by chance, and chains of these would end in one group of a
fifth of all. (So between single linkage and average linkage; Sokal and Michener, "A Statistical Method for Evaluating
Systematic Relationships", 1958.) A photo that shows nothing of its own is in no group: parts without any mark can't be
told apart, and every split needs some.

Only likely pairs are compared (`sightline.datasets.likeness`), each where the photos agree least
(`sightline.datasets.agreement`).
"""

from collections.abc import Mapping

import numpy as np

from sightline.datasets.agreement import AGREEMENT, Floats, Rows, agreements, agreements_of
from sightline.datasets.likeness import beyond_chance, embeddings, likely_pairs

CHAINED = 8  # photos of a group that may be no more than a chain
WITNESSES = 4  # photos of each of two larger groups that are compared with each other
MOST = 0.5  # share of them that has to agree

TRIES = 12  # failed comparisons of a photo, after which it is compared no more
# The second looks past the neighbours that are in the group already: a burst of one part hides its other photos.
ROUNDS = 2
CLOSEST = 5000  # pairs that are compared to show that no near-duplicates lie apart
BATCH = 2048  # pairs at once, so that memory stays small


def group(hashes: Mapping[str, str]) -> dict[str, str]:
    """`{image_id: group}` for `{image_id: hash}`; the group's name is its smallest image id.

    The same images give the same groups in any order. Raises ValueError when a hash is not one of `phash`.
    """
    names = sorted(hashes)
    if not names:
        return {}
    maps, vectors = embeddings([hashes[name] for name in names])
    groups = Groups(len(names))
    alike = beyond_chance(len(names))
    tries = np.zeros(len(names), np.int64)
    for _ in range(ROUNDS):
        pairs = likely_pairs(vectors, groups.roots())
        for start in range(0, len(pairs), BATCH):
            batch = pairs[start : start + BATCH]
            open_ones = tries[batch].min(axis=1) < TRIES
            open_ones &= np.array([groups.root(a) != groups.root(b) for a, b in batch], bool)
            batch = batch[open_ones]
            agree = agreements_of(maps, batch) >= AGREEMENT
            for a, b in batch[agree]:
                apart = groups.root(a) != groups.root(b)
                if apart and _belong_together(maps, vectors, alike, groups.members(a), groups.members(b)):
                    groups.join(a, b)
            np.add.at(tries, batch[~agree], 1)
    return {name: names[groups.root(number)] for number, name in enumerate(names)}


def closest_apart(
    hashes: Mapping[str, str], sides: Mapping[str, str], most: int = CLOSEST
) -> list[tuple[str, str, float]]:
    """The likeliest pairs of images on different `sides` (splits), with their agreement, the best agreeing first.

    Those that reach AGREEMENT are near-duplicates that the split tears apart.
    """
    names = sorted(hashes)
    if not names:
        return []
    numbers = {side: number for number, side in enumerate(sorted(set(sides.values())))}
    _, vectors = embeddings([hashes[name] for name in names])
    rows = likely_pairs(vectors, np.array([numbers[sides[name]] for name in names]))[:most]
    pairs = [(names[a], names[b]) for a, b in rows]
    found = [(a, b, value) for (a, b), value in zip(pairs, agreements(hashes, pairs), strict=True)]
    return sorted(found, key=lambda entry: (-entry[2], entry[0], entry[1]))


def _belong_together(maps: Floats, vectors: Floats, alike: float, first: list[int], second: list[int]) -> bool:
    """Do two groups, of which one photo each agrees, show one part? Their photos must be `alike` on average, and
    of larger ones most must agree.
    """
    some, others = _witnesses(first), _witnesses(second)
    if vectors[some].mean(axis=0, dtype=np.float32) @ vectors[others].mean(axis=0, dtype=np.float32) < alike:
        return False
    if len(first) + len(second) <= CHAINED:
        return True
    pairs = [(a, b) for a in some for b in others]
    return bool((agreements_of(maps, np.array(pairs)) >= AGREEMENT).mean() >= MOST)


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

    def roots(self) -> Rows:
        return np.array([self.root(item) for item in range(len(self.parent))], np.int64)

    def join(self, a: int, b: int) -> None:
        """Make one group of two."""
        low, high = sorted((self.root(a), self.root(b)))
        self.parent[high] = low
        self._members[low] += self._members.pop(high)
