"""Groups of near-duplicates: photos of one part must never lie on both sides of a split.

Two images are near-duplicates when their 64-bit perceptual hashes differ in at most MAX_DISTANCE bits, and groups are
what chains of such pairs connect. Pairs are found without comparing all with all: of hashes that differ in at most
d bits, at least one of d + 1 bands of bits is equal (pigeonhole), so only images that share a band are compared; and
of images with one hash, which a fixed camera makes many of, only the first is compared with others.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

HASH_BITS = 64
# Measured on 177 photos of about twenty metal tags, most with near-twins: at 10 bits no photo is left alone and there are
# 4 groups of at most 90; at 4 bits 5 photos are alone, torn from their twins; at 16 bits 131 photos are one group.
MAX_DISTANCE = 10


def distance(a: str, b: str) -> int:
    """Bits in which two hashes (16 hexadecimal characters) differ, 0..64."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


def _bands(value: int) -> Iterator[tuple[int, int]]:
    """MAX_DISTANCE + 1 pieces of nearly equal length, each with its number."""
    pieces = MAX_DISTANCE + 1
    edges = [HASH_BITS * number // pieces for number in range(pieces + 1)]
    for number in range(pieces):
        width = edges[number + 1] - edges[number]
        yield number, (value >> edges[number]) & ((1 << width) - 1)


def near_pairs(hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs of near-duplicates among `{image_id: hash}`; a pair may come more than once."""
    buckets: dict[tuple[int, int], list[str]] = defaultdict(list)
    values = {image_id: int(text, 16) for image_id, text in sorted(hashes.items())}
    first: dict[int, str] = {}
    for image_id, value in values.items():
        twin = first.setdefault(value, image_id)
        if twin != image_id:
            yield twin, image_id
            continue
        for band in _bands(value):
            for other in buckets[band]:
                if (value ^ values[other]).bit_count() <= MAX_DISTANCE:
                    yield other, image_id
            buckets[band].append(image_id)


def connect(items: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The group of each item: the smallest item that it is connected with (union-find with path halving)."""
    parent = {item: item for item in items}

    def root(item: str) -> str:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return {item: root(item) for item in parent}


def group(hashes: Mapping[str, str]) -> dict[str, str]:
    """`{image_id: group}` for `{image_id: hash}`; the group's name is its smallest image id."""
    return connect(hashes, near_pairs(hashes))
