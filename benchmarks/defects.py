"""A drawn set of several defect types on textured parts, to learn whether the defaults suit more than one kind of
photo.

    python -m benchmarks.defects DIR [--parts N] [--seed N]

Writes `DIR/images/*.jpg` (480×360) and `DIR/labels.json` (COCO). A part is photographed two to four times, moved a
little and in other light; a quarter of the parts has no defect. `part` of a COCO image is the truth about groups: split
by it. The same seed gives the same files. Everything is drawn; no photo is in it.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 480, 360
MARGIN = 6  # pixels by which a part is larger than its photo on each side: photos are moved within it, as in a fixture
PARTS = 84  # some 250 photos
DEFECT_FREE = 0.25  # of the parts
SEEN = 0.22  # of a defect's strongest change: where it is weaker a person no longer draws the box around it
FINE = 4  # thin things are drawn that much larger and reduced, so that their edges are soft

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


# ---------------------------------------------------------------------------------------------------------- backgrounds
def noise(shape: tuple[int, int], cell: tuple[float, float], rng: Rng) -> Array:
    """Smooth noise of mean 0 and deviation 1, float [h, w]; `cell` is its grain (height, width) in pixels."""
    size = [max(2, round(side / grain) + 2) for side, grain in zip(shape, cell, strict=True)]
    coarse = Image.fromarray(rng.normal(0, 1, size).astype(np.float32))
    fine = np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC))
    return np.asarray((fine - fine.mean()) / max(float(fine.std()), 1e-6))


def tinted(grey: Array, colour: Array) -> Array:
    """A grey picture [h, w] around 1.0 in a colour [3]: float [h, w, 3]."""
    return grey[..., None] * colour


def brushed_metal(shape: tuple[int, int], rng: Rng) -> Array:
    lines = noise(shape, (1, 90), rng) * 0.05 + noise(shape, (2, 300), rng) * 0.04
    if rng.random() < 0.5:
        lines = np.asarray(Image.fromarray(lines.T).resize(shape[::-1]))
    colour = rng.uniform(135, 185) * np.array([1.0, rng.uniform(0.97, 1.0), rng.uniform(0.93, 1.02)])
    return tinted(1 + lines + noise(shape, (160, 160), rng) * 0.06, colour)


def wood_grain(shape: tuple[int, int], rng: Rng) -> Array:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(float)
    angle = rng.normal(0, 0.2) + (np.pi / 2 if rng.random() < 0.5 else 0)
    across = x * np.sin(angle) + y * np.cos(angle) + noise(shape, (120, 120), rng) * 9 + noise(shape, (40, 60), rng) * 2
    rings = np.sin(across / rng.uniform(3, 6)) * 0.05 + np.sin(across / rng.uniform(14, 22)) * 0.07
    colour = np.array([rng.uniform(165, 205), rng.uniform(120, 150), rng.uniform(75, 105)])
    return tinted(1 + rings + noise(shape, (2, 2), rng) * 0.025, colour)


def woven_fabric(shape: tuple[int, int], rng: Rng) -> Array:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(float)
    period = rng.uniform(5, 9)
    bent = noise(shape, (90, 90), rng) * 1.2
    across, down = np.sin((x + bent) * 2 * np.pi / period), np.sin((y + bent) * 2 * np.pi / period)
    weave = np.where(across * down > 0, across, down) * 0.10
    return tinted(
        1 + weave + noise(shape, (2, 2), rng) * 0.05 + noise(shape, (70, 70), rng) * 0.03, rng.uniform(95, 190, 3)
    )


def concrete(shape: tuple[int, int], rng: Rng) -> Array:
    octaves = sum(
        noise(shape, (grain, grain), rng) * weight for grain, weight in ((70, 0.05), (18, 0.04), (5, 0.04), (1.5, 0.04))
    )
    return tinted(
        1 + np.asarray(octaves), rng.uniform(125, 180) * np.array([1.0, rng.uniform(0.97, 1), rng.uniform(0.92, 0.99)])
    )


def printed_pattern(shape: tuple[int, int], rng: Rng) -> Array:
    """Rows of one printed sign on paper: what repeats is no defect."""
    paper, ink = rng.uniform(195, 235, 3), rng.uniform(70, 165, 3)
    period, radius = int(rng.integers(34, 58)), rng.uniform(7, 11)
    picture = Image.new("L", (shape[1] * 2, shape[0] * 2))
    pen, corners = ImageDraw.Draw(picture), int(rng.integers(3, 7))
    for row, y in enumerate(range(0, shape[0] + period, period)):
        for x in range(-period, shape[1] + period, period):
            place = (2 * (x + (row % 2) * period / 2), 2 * y)
            pen.regular_polygon((*place, 2 * radius), corners, rotation=int(rng.integers(0, 4)), fill=255)
    sign = np.asarray(picture.resize(shape[::-1], Image.Resampling.BOX), dtype=float)[..., None] / 255
    return (paper * (1 - sign) + ink * sign) * (1 + noise(shape, (3, 3), rng) * 0.02)[..., None]


BACKGROUNDS: tuple[Callable[[tuple[int, int], Rng], Array], ...] = (
    brushed_metal, wood_grain, woven_fabric, concrete, printed_pattern,
)  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- defects
@dataclass(frozen=True)
class Change:
    """What a defect does to a square of pixels: its `cover` 0..1 [s, s] of `colour`, and `light` [s, s] that is
    added.
    """

    cover: Array
    colour: Array
    light: Array


def drawn(side: int, draw: Callable[[ImageDraw.ImageDraw], None], blur: float = 0.4) -> Array:
    """What `draw` draws in white on a square of `side` · FINE pixels, reduced: float [side, side] in 0..1."""
    picture = Image.new("L", (side * FINE, side * FINE))
    draw(ImageDraw.Draw(picture))
    soft = picture.resize((side, side), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(soft, dtype=float) / 255


def path(start: Array, angle: float, length: float, bend: float, step: float, rng: Rng) -> Array:
    """A line that turns by chance, float [n, 2] in pixels."""
    angles = angle + np.cumsum(rng.normal(0, bend, max(2, int(length / step))))
    return np.vstack([start, start + np.cumsum(step * np.stack([np.cos(angles), np.sin(angles)], axis=1), axis=0)])


def stroke(pen: ImageDraw.ImageDraw, points: Array, width: float) -> None:
    pen.line(
        [(float(x) * FINE, float(y) * FINE) for x, y in points],
        fill=255,
        width=max(1, round(width * FINE)),
        joint="curve",
    )


def centred(points: Array, side: int) -> Array:
    return np.asarray(points - (points.min(axis=0) + points.max(axis=0)) / 2 + side / 2)


def scratch(rng: Rng) -> Change:
    """A nearly straight bright groove with a dark side."""
    length = rng.uniform(40, 100)
    side = int(length) + 24
    points = centred(path(np.zeros(2), rng.uniform(0, 2 * np.pi), length, 0.02, 4, rng), side)
    width = rng.uniform(1.3, 2.4)
    groove = drawn(side, lambda pen: stroke(pen, points, width))
    shade = drawn(side, lambda pen: stroke(pen, points + width * 0.8, width))
    return Change(groove * rng.uniform(0.65, 0.95), np.full(3, 245.0), -shade * rng.uniform(30, 60) * (1 - groove))


def crack(rng: Rng) -> Change:
    """A dark line that turns sharply and branches."""
    length = rng.uniform(50, 95)
    side = int(length) + 40
    angle = rng.uniform(0, 2 * np.pi)
    lines = [path(np.zeros(2), angle, length, 0.5, 6, rng)]
    # The branches leave the trunk towards either side.
    for turn in rng.choice([-1, 1]) * np.array([1, -1])[: int(rng.integers(1, 3))]:
        start = lines[0][int(rng.integers(2, len(lines[0]) - 2))]
        lines.append(path(start, angle + turn * rng.uniform(0.6, 1.1), length * rng.uniform(0.25, 0.45), 0.4, 5, rng))
    split = np.cumsum([len(line) for line in lines])[:-1]
    placed = np.split(centred(np.vstack(lines), side), split)
    widths = [rng.uniform(1.4, 2.4), *rng.uniform(0.9, 1.5, len(placed) - 1)]

    def lines_of(pen: ImageDraw.ImageDraw) -> None:
        for line, width in zip(placed, widths, strict=True):
            stroke(pen, line, width)

    cover = drawn(side, lines_of)
    return Change(cover * rng.uniform(0.7, 0.95), np.full(3, 28.0), np.zeros_like(cover))


def pits(rng: Rng) -> Change:
    """A handful of small dark craters, each with a lit rim."""
    spread = rng.uniform(9, 20)
    side = int(2 * spread) + 20
    places = side / 2 + rng.uniform(-1, 1, (int(rng.integers(5, 10)), 2)) * spread
    radii = rng.uniform(1.5, 3.4, len(places))

    def dots(pen: ImageDraw.ImageDraw, move: float) -> None:
        for (x, y), radius in zip(places + move, radii, strict=True):
            pen.ellipse([(v * FINE) for v in (x - radius, y - radius, x + radius, y + radius)], fill=255)

    cover, lit = drawn(side, lambda pen: dots(pen, 0)), drawn(side, lambda pen: dots(pen, 1.3))
    return Change(cover * rng.uniform(0.6, 0.9), np.full(3, 35.0), lit * (1 - cover) * rng.uniform(25, 50))


def stain(rng: Rng) -> Change:
    """A soft blot of another colour, with a darker border as a drop leaves it when it dries."""
    radius = rng.uniform(14, 32)
    side = int(radius * 3.2)
    y, x = np.mgrid[0:side, 0:side] - side / 2
    squeeze, angle = rng.uniform(0.75, 1.3), rng.uniform(0, np.pi)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    distance = np.hypot(u * squeeze, v / squeeze) / radius + noise((side, side), (12, 12), rng) * 0.09
    inside = 1 / (1 + np.exp((distance - 1) * 16))
    border = np.exp(-(((distance - 0.95) / 0.09) ** 2))
    colour = np.array([[92, 60, 30], [40, 62, 105], [60, 88, 42], [70, 66, 60]][int(rng.integers(0, 4))], dtype=float)
    return Change((inside * rng.uniform(0.3, 0.5) + border * 0.18).clip(0, 1), colour, np.zeros((side, side)))


def dent(rng: Rng) -> Change:
    """A hollow: lit on one side, in shadow on the other."""
    radius = rng.uniform(13, 26)
    side = int(radius * 3.6)
    y, x = np.mgrid[0:side, 0:side] - side / 2
    squeeze, light = rng.uniform(0.8, 1.25), rng.uniform(0, 2 * np.pi)
    slope = (x * np.cos(light) + y * np.sin(light)) / radius
    hollow = slope * np.exp(-((x * squeeze) ** 2 + (y / squeeze) ** 2) / radius**2)
    return Change(np.zeros((side, side)), np.zeros(3), hollow / np.abs(hollow).max() * rng.uniform(55, 85))


def hole(rng: Rng) -> Change:
    """A round piece torn out: black, with a bright ragged rim on one side."""
    radius = rng.uniform(6, 13)
    side = int(radius * 2) + 16
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ragged = radius * (1 + rng.normal(0, 0.07, len(angles)))
    edge = np.stack([np.cos(angles), np.sin(angles)], axis=1) * ragged[:, None] + side / 2
    move = rng.uniform(0, 2 * np.pi)

    def outline(pen: ImageDraw.ImageDraw, points: Array) -> None:
        pen.polygon([(float(x) * FINE, float(y) * FINE) for x, y in points], fill=255)

    cover = drawn(side, lambda pen: outline(pen, edge))
    rim = drawn(side, lambda pen: outline(pen, edge + 2.2 * np.array([np.cos(move), np.sin(move)])))
    return Change(cover * 0.93, np.full(3, rng.uniform(8, 28)), rim * (1 - cover) * rng.uniform(40, 70))


DEFECTS: dict[str, Callable[[Rng], Change]] = {
    "scratch": scratch, "crack": crack, "pits": pits, "stain": stain, "dent": dent, "hole": hole,
}  # fmt: skip


# ----------------------------------------------------------------------------------------------------- parts and photos
@dataclass(frozen=True)
class Part:
    """A part's surface, float [h, w, 3], and its defects as (type, (x1, y1, x2, y2) in pixels of the surface)."""

    surface: Array
    defects: list[tuple[str, tuple[int, int, int, int]]]


def make_part(kinds: list[str], background: int, rng: Rng) -> Part:
    """A part with a defect of each of `kinds`, none touching another and all inside every photo."""
    surface = BACKGROUNDS[background]((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN), rng)
    placed: list[tuple[str, tuple[int, int, int, int]]] = []
    for kind in kinds:
        change = DEFECTS[kind](rng)
        strength = change.cover * 100 + np.abs(change.light)
        rows, columns = (np.flatnonzero((strength > strength.max() * SEEN).any(axis=axis)) for axis in (1, 0))
        top, left, side = int(rows[0]), int(columns[0]), len(strength)
        height, width = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
        for _ in range(50):
            x1 = int(rng.integers(2 * MARGIN + 4, WIDTH - width - 4))
            y1 = int(rng.integers(2 * MARGIN + 4, HEIGHT - height - 4))
            if all(
                x1 > box[2] + 8 or x1 + width < box[0] - 8 or y1 > box[3] + 8 or y1 + height < box[1] - 8
                for _, box in placed
            ):
                _apply(surface, change, x1 - left, y1 - top, side)
                placed.append((kind, (x1, y1, x1 + width, y1 + height)))
                break
    return Part(surface, placed)


def _apply(surface: Array, change: Change, x: int, y: int, side: int) -> None:
    """Change the square of `side` at (x, y), which may reach over the surface's edge where nothing is seen of the
    defect.
    """
    height, width = surface.shape[:2]
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + side, width), min(y + side, height)
    inner = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    cover = change.cover[inner][..., None]
    area = surface[y0:y1, x0:x1]
    surface[y0:y1, x0:x1] = area * (1 - cover) + change.colour * cover + change.light[inner][..., None]


def photograph(part: Part, rng: Rng) -> tuple[Image.Image, list[tuple[str, list[int]]]]:
    """One photo, moved and in its own light, and its boxes as (type, [x, y, width, height])."""
    x, y = (int(value) for value in rng.integers(0, 2 * MARGIN + 1, 2))
    pixels = part.surface[y : y + HEIGHT, x : x + WIDTH]
    across, down = np.linspace(-0.5, 0.5, WIDTH), np.linspace(-0.5, 0.5, HEIGHT)
    light = rng.uniform(0.85, 1.15) * (1 + rng.normal(0, 0.12) * across[None, :] + rng.normal(0, 0.12) * down[:, None])
    pixels = pixels * light[..., None] + rng.normal(0, rng.uniform(1.5, 3.5), pixels.shape)
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(rng.uniform(0, 0.6))
    )
    boxes = [(kind, [x1 - x, y1 - y, x2 - x1, y2 - y1]) for kind, (x1, y1, x2, y2) in part.defects]
    return picture, boxes


def kinds_of(parts: int, rng: Rng) -> list[list[str]]:
    """The defect types of each part: each type equally often, one to three on a part that has any."""
    defective = parts - round(parts * DEFECT_FREE)
    numbers = [1 + number % 3 for number in range(defective)]
    pool = [kind for _ in range(sum(numbers) // len(DEFECTS) + 1) for kind in rng.permutation(list(DEFECTS))]
    chosen: list[list[str]] = [[str(pool.pop()) for _ in range(number)] for number in numbers]
    chosen += [[] for _ in range(parts - defective)]
    return [chosen[number] for number in rng.permutation(parts)]


class CocoImage(TypedDict):
    """A photo in the set's COCO file."""

    id: int
    file_name: str
    width: int
    height: int
    part: int  # which part it shows; COCO has no such field


class CocoAnnotation(TypedDict):
    """A defect in the set's COCO file."""

    id: int
    image_id: int
    category_id: int
    bbox: list[int]  # left, top, width, height in pixels
    area: int
    iscrowd: int


def generate(folder: Path, parts: int = PARTS, seed: int = 0) -> Path:
    """Write the set; answers the path of its COCO file."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    numbers = {kind: number for number, kind in enumerate(DEFECTS, start=1)}
    images: list[CocoImage] = []
    annotations: list[CocoAnnotation] = []
    for number, kinds in enumerate(kinds_of(parts, np.random.default_rng([seed, 0]))):
        rng = np.random.default_rng([seed, 1, number])
        part = make_part(kinds, number % len(BACKGROUNDS), rng)
        for shot in range(int(rng.integers(2, 5))):
            picture, boxes = photograph(part, rng)
            name = f"part-{number:03d}-{shot}.jpg"
            picture.save(folder / "images" / name, "JPEG", quality=92)
            images.append({"id": len(images) + 1, "file_name": name, "width": WIDTH, "height": HEIGHT, "part": number})
            annotations += [
                {
                    "id": len(annotations) + place,
                    "image_id": len(images),
                    "category_id": numbers[kind],
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
                for place, (kind, box) in enumerate(boxes, start=1)
            ]
    categories = [{"id": number, "name": kind} for kind, number in numbers.items()]
    labels = folder / "labels.json"
    labels.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}, indent=1))
    return labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder for images/ and labels.json")
    parser.add_argument("--parts", type=int, default=PARTS, help=f"default: {PARTS}, some 250 photos")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same files")
    given = parser.parse_args()
    coco = json.loads(generate(given.folder, given.parts, given.seed).read_text())
    print(
        f"{len(coco['images'])} photos of {given.parts} parts with {len(coco['annotations'])} boxes in {given.folder}"
    )


if __name__ == "__main__":
    main()
