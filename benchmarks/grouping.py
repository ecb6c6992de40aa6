"""Groups of near-duplicates at scale: seconds, memory, and how many pairs are found, on synthetic parts whose truth
is known.

    python -m benchmarks.grouping [--images N …] [--seeds N …] [--tags DIR]

Each part is drawn with marks of its own in a fixture that all share, and photographed 1 to 8 times: moved, in other
light, with other noise; every tenth part has no mark and is photographed once more and more (such photos belong to no
group). The hashes are those of the drawn pixels. Each size runs in a process of its own on one thread, as in Lambda. On
the metal tags, where they are at hand, what is counted is pairs of near-duplicates that a split tears apart. "Pairs
right" is the share of the pairs in one group that show one part (precision), "pairs found" the share of such pairs that
are in one group (recall). Each seed draws other parts and photos; the method was tuned on seed 0
alone. Which changes of a photo hide that it shows the same part is counted one by one: pairs of a plain photo and one
with the change, among the photos of seed 0.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from rich.table import Table

from benchmarks.common import ROOT, TAGS, finish, table
from client.annotate import read_coco
from sightline.datasets import agreement, grouping, splits
from sightline.images import image
from sightline.images.box import Box
from sightline.vision.decode import decode
from sightline.vision.phash import phash

SIZES = [1_000, 10_000, 100_000]
SEEDS = [0, 1, 2]
AMONG = 10_000  # photos, among which pairs with one change are looked for
CHANGED = 150  # such pairs of each kind
SIDE = 192  # pixels
PHOTOS = 8  # of a part, at most
BLANK = 10  # every tenth part has no mark
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def _shaded(plate: Image.Image) -> Image.Image:
    shade = np.linspace(-30, 30, SIDE, dtype=np.float32)
    return Image.fromarray((np.asarray(plate, np.float32) + shade).clip(0, 255).astype(np.uint8))


def _turned(plate: Image.Image, degrees: float) -> Image.Image:
    return plate.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=90)


def _nearer(plate: Image.Image, share: float) -> Image.Image:
    edge = SIDE * share / 2
    return plate.resize(plate.size, Image.Resampling.BICUBIC, (edge, edge, SIDE - edge, SIDE - edge))


# What is done to a part before it is photographed as all are: moved, in other light, with other noise.
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "no more than all": lambda plate: plate,
    "shade from left to right, 60 grey levels": _shaded,
    "out of focus, 1 pixel": lambda plate: plate.filter(ImageFilter.GaussianBlur(1)),
    "turned by 1°": lambda plate: _turned(plate, 1),
    "turned by 2°": lambda plate: _turned(plate, 2),
    "2% nearer": lambda plate: _nearer(plate, 0.02),
    "4% nearer": lambda plate: _nearer(plate, 0.04),
}


def part(number: int, seed: int) -> Image.Image:
    """A part in the fixture that all share: grain and scratches of its own, unless it is a blank one."""
    rng = np.random.default_rng([1 + 2 * seed, number])
    image = Image.new("L", (SIDE, SIDE), 90)
    pen = ImageDraw.Draw(image)
    pen.rectangle([14, 20, 178, 172], fill=150, outline=215, width=2)
    for x in (28, 164):
        pen.ellipse([x - 7, 89, x + 7, 103], fill=40, outline=205)
    if number % BLANK:
        for _ in range(int(rng.integers(3, 9))):
            start = rng.uniform([24, 30], [168, 162])
            angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(15, 60)
            end = start + length * np.array([np.cos(angle), np.sin(angle)])
            shade = int(rng.choice([40, 70, 225, 245]))
            pen.line([*start, *end.clip([18, 24], [174, 168])], fill=shade, width=int(rng.integers(1, 3)))
    return image


def photograph(plate: Image.Image, seed: list[int]) -> str:
    """The hash of one photo: moved by up to 4 pixels, brighter or darker, noisy."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(-4, 5, 2)
    moved = np.roll(np.asarray(plate, dtype=np.float32), (int(y), int(x)), (0, 1))
    pixels = (moved - 128) * rng.uniform(0.85, 1.15) + 128 + rng.uniform(-15, 15)
    pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * 2
    return phash(np.repeat(pixels.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))


def photos_of(number: int, seed: int) -> list[tuple[int, str]]:
    """`(part, hash)` of each photo of a part; a blank part counts as another one in each photo, since nothing tells."""
    plate = part(number, seed)
    seeds = [[2 + 2 * seed, number, photo] for photo in range(1 + number % PHOTOS)]
    if number % BLANK:
        return [(number, photograph(plate, each)) for each in seeds]
    return [(-number * PHOTOS - photo - 1, photograph(plate, each)) for photo, each in enumerate(seeds)]


def draw(count: int, seed: int) -> tuple[list[int], list[str]]:
    """Part and hash of `count` photos; the same ones each time."""
    parts, hashes = [], []
    with ProcessPoolExecutor() as pool:
        for photos in pool.map(photos_of, range(count), [seed] * count, chunksize=64):
            for number, text in photos:
                parts.append(number)
                hashes.append(text)
            if len(parts) >= count:
                pool.shutdown(cancel_futures=True)
                break
    return parts[:count], hashes[:count]


def changed() -> dict[str, float]:
    """The share of pairs of a plain and a changed photo of one part that are in one group, by kind of change."""
    hashes = {f"{number:06}": text for number, text in enumerate(draw(AMONG, 0)[1])}
    pairs = {kind: [f"{kind} {number}" for number in range(CHANGED)] for kind in CHANGES}
    marked = (number for number in range(AMONG, 2 * AMONG) if number % BLANK)
    for kind, names in pairs.items():
        for name, number in zip(names, marked, strict=False):
            plate = part(number, 0)
            hashes[f"{name} plain"] = photograph(plate, [2, number, 0])
            hashes[name] = photograph(CHANGES[kind](plate), [2, number, 1])
    groups = grouping.group(hashes)
    return {
        kind: round(sum(groups[name] == groups[f"{name} plain"] for name in names) / CHANGED, 3)
        for kind, names in pairs.items()
    }


class Grouped(TypedDict):
    """Drawn images that were grouped."""

    seed: NotRequired[int]
    images: int
    parts: int
    groups: int
    processor_seconds: float
    peak_mib: int
    pair_precision: float  # 0..1, like the recall
    pair_recall: float
    drawing_seconds: NotRequired[float]


class Tags(TypedDict):
    """The tags, split as a dataset is."""

    images: int
    groups: int
    likely_pairs_across_splits: int
    closest_agreement: float | None  # 0..1
    twin_pairs_across_splits: int


class Groupings(TypedDict):
    """benchmarks/results/grouping.json."""

    simulated: bool
    sizes: list[Grouped]
    changed_pairs_found: dict[str, float]  # 0..1, by kind of change
    tags: Tags | None  # None where the photos are not at hand


def pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def measure(folder: Path) -> Grouped:
    """Group the hashes in `folder`: seconds, the highest memory of this process in MiB, precision and recall of
    pairs.
    """
    parts = json.loads((folder / "parts.json").read_text())
    hashes = dict(enumerate((folder / "hashes.txt").read_text().split()))
    named = {f"{number:06d}": text for number, text in hashes.items()}
    del hashes
    used = time.process_time()
    groups = list(grouping.group(named).values())
    processor = time.process_time() - used
    both = pairs(Counter(zip(parts, groups, strict=True)).values())
    found, true = pairs(Counter(groups).values()), pairs(Counter(parts).values())
    return {
        "images": len(parts),
        "parts": len(set(parts)),
        "groups": len(set(groups)),
        "processor_seconds": round(processor, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "pair_precision": round(both / found, 5) if found else 1.0,
        "pair_recall": round(both / true, 5) if true else 1.0,
    }


def labelled(name: str, boxes: list[Box]) -> image.Image:
    """An image as the ledger has it, as far as splits look at it."""
    return image.Image(name, image.ImageStatus.APPROVED, "", name, 0, "", "upload", annotations=tuple(boxes))


def on_tags(folder: Path) -> Tags:
    """The project's own splits of the tags: how many likely pairs across splits there are, and how many are
    near-twins.
    """
    boxes = read_coco(folder / "labels.json")
    images = [labelled(name, boxes[name]) for name in sorted(boxes)]
    hashes = {name: phash(decode((folder / "images" / name).read_bytes())) for name in sorted(boxes)}
    groups = grouping.group(hashes)
    closest = grouping.closest_apart(hashes, splits.assign(images, groups))
    return {
        "images": len(images),
        "groups": len(set(groups.values())),
        "likely_pairs_across_splits": len(closest),
        "closest_agreement": round(closest[0][2], 3) if closest else None,
        "twin_pairs_across_splits": sum(value >= agreement.AGREEMENT for _, _, value in closest),
    }


def run(count: int, seed: int) -> Grouped:
    """Draw, and measure in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start = time.perf_counter()
        parts, hashes = draw(count, seed)
        drawing = round(time.perf_counter() - start, 1)
        (folder / "parts.json").write_text(json.dumps(parts))
        (folder / "hashes.txt").write_text("\n".join(hashes))
        command = [sys.executable, "-m", "benchmarks.grouping", "--measure", str(folder)]
        environment = os.environ | ONE_THREAD
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    measured: Grouped = json.loads(done.stdout)
    return {**measured, "seed": seed, "drawing_seconds": drawing}


def shown(result: Groupings) -> list[Table | str]:
    head = (
        "seed",
        "images",
        "parts",
        "groups",
        "processor seconds",
        "peak MiB",
        "pairs right",
        "pairs found",
    )
    sizes = table(*head)
    for entry in result["sizes"]:
        counts = (entry["seed"], entry["images"], entry["parts"], entry["groups"])
        used = (entry["processor_seconds"], entry["peak_mib"])
        shares = (f"{entry['pair_precision']:.2%}", f"{entry['pair_recall']:.2%}")
        sizes.add_row(*map(str, (*counts, *used)), *shares)
    kinds = table("change between two photos", "pairs found")
    for kind, share in result["changed_pairs_found"].items():
        kinds.add_row(kind, f"{share:.1%}")
    tags = result["tags"]
    if not tags:
        return [sizes, kinds, "Tags: not on this machine, not measured."]
    apart = (
        f"Tags: {tags['images']} images in {tags['groups']} groups; {tags['twin_pairs_across_splits']} pairs of "
        "near-twins "
        f"across splits, the closest of {tags['likely_pairs_across_splits']} agrees by {tags['closest_agreement']} "
        f"(near-twins: {agreement.AGREEMENT})."
    )
    return [sizes, kinds, apart]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="*", default=SIZES, help="how many images")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS, help="which parts and photos are drawn")
    parser.add_argument("--tags", type=Path, default=TAGS, help="folder with images/ and labels.json")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    tags = on_tags(given.tags) if (given.tags / "labels.json").is_file() else None
    sizes = [run(count, seed) for count in given.images for seed in given.seeds]
    result: Groupings = {"simulated": True, "sizes": sizes, "changed_pairs_found": changed(), "tags": tags}
    finish("grouping", result, shown)


if __name__ == "__main__":
    main()
