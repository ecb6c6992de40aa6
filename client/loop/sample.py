"""A sample set of its own: drawn photos of metal tags with scratches, their truth known, reproducible by the seed.

Each tag is photographed several times, a little shifted and in other light, as on a real line: the near-twins that a
split must not tear apart.
"""

import json
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from client.annotate import read_coco
from client.loop.photos import Photos, Truth

CLASSES = ("scratch",)
SEEN, UNSEEN = 120, 24  # photos of a run
WIDTH, HEIGHT = 450, 300
PHOTOS = 4  # of each tag, on average
CLEAN = 0.4  # share of tags without a scratch
SCALE = 2  # drawn larger, then reduced: smooth edges
CLEARANCE, TRIES = 4 * SCALE, 30  # around a scratch, in pixels of the drawing; places that are tried for one

Array = np.ndarray[Any, Any]
Box = tuple[float, float, float, float]  # left, top, right, bottom


class CocoImage(TypedDict):
    """An image of a COCO file; sizes in pixels."""

    id: int
    file_name: str
    width: int
    height: int


class CocoAnnotation(TypedDict):
    """A box of a COCO file: x, y, width and height in pixels."""

    id: int
    image_id: int
    category_id: int
    bbox: list[int]
    area: int
    iscrowd: int


def drawn(work: Path) -> Photos:
    """Draw what a run works with into `work`."""
    truth: Truth = {}
    for name, count, seed in (("seen", SEEN, 1), ("unseen", UNSEEN, 3)):
        truth |= read_coco(draw(work / name, count, seed=seed))
    seen, unseen = (sorted((work / name).glob("*.jpg")) for name in ("seen", "unseen"))
    return Photos(seen, unseen, truth, expected=len(seen))


def draw(folder: Path, count: int = 120, seed: int = 0) -> Path:
    """Write `count` JPEG photos and their truth into `folder`. Return the path of `labels.json` (COCO)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    images: list[CocoImage] = []
    annotations: list[CocoAnnotation] = []
    tag = 0
    while len(images) < count:
        plate, scratches = _tag(rng)
        for photo in range(int(rng.integers(PHOTOS - 1, PHOTOS + 2))):
            if len(images) == count:
                break
            picture, boxes = _photograph(plate, scratches, rng)
            name = f"tag-{seed:02d}-{tag:03d}-{photo}.jpg"
            picture.save(folder / name, quality=88)
            images.append({"id": len(images) + 1, "file_name": name, "width": WIDTH, "height": HEIGHT})
            for x, y, w, h in boxes:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": len(images),
                        "category_id": 1,
                        "bbox": [x, y, w, h],
                        "area": w * h,
                        "iscrowd": 0,
                    }
                )
        tag += 1
    labels = folder / "labels.json"
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": CLASSES[0]}]}
    labels.write_text(json.dumps(coco, indent=1))
    return labels


def _tag(rng: np.random.Generator) -> tuple[Image.Image, list[Array]]:
    """One physical tag on its table, and its scratches as polylines, each float [n, 2] in pixels of the drawing."""
    size = (WIDTH * SCALE, HEIGHT * SCALE)
    table = _noise(size, rng, coarse=60) * 26 + rng.uniform(40, 95)
    image = Image.fromarray(np.stack([table * c for c in (1.0, 0.98, 0.94)], axis=-1).clip(0, 255).astype(np.uint8))
    left, top = rng.uniform(20, 90, 2) * SCALE
    right, bottom = size[0] - rng.uniform(20, 90) * SCALE, size[1] - rng.uniform(18, 70) * SCALE
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle([left, top, right, bottom], radius=rng.uniform(10, 40) * SCALE, fill=255)
    image.paste(_brushed(size, rng), mask=mask)
    taken = _engrave(ImageDraw.Draw(image), (left, top, right, bottom), rng)
    scratches = []
    for _ in range(int(rng.integers(1, 4)) if rng.random() >= CLEAN else 0):
        line = _free_scratch((left, top, right, bottom), taken, rng)
        if line is not None:
            _draw_scratch(image, line, rng)
            scratches.append(line)
            taken.append((*line.min(axis=0), *line.max(axis=0)))
    return image, scratches


def _noise(size: tuple[int, int], rng: np.random.Generator, coarse: int) -> Array:
    """Smooth noise in 0..1, float [height, width]; `coarse` is the size of its features in pixels."""
    small = rng.random((max(2, size[1] // coarse), max(2, size[0] // coarse)))
    scaled = Image.fromarray((small * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(scaled, dtype=np.float64) / 255


def _brushed(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Brushed metal: fine lines along one direction, a broad reflection across."""
    lines = rng.normal(0, 1, (size[1], size[0] // 40 + 1))
    streaks = np.asarray(
        Image.fromarray(((lines + 4) * 31).clip(0, 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    )
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    angle = rng.uniform(0, np.pi)
    along = (x / size[0] - 0.5) * np.cos(angle) + (y / size[1] - 0.5) * np.sin(angle)
    shine = np.exp(-(((along - rng.uniform(-0.35, 0.35)) / rng.uniform(0.12, 0.35)) ** 2))
    grey = rng.uniform(120, 160) + (streaks.astype(np.float64) - 124) * 0.16 + shine * rng.uniform(25, 70)
    grey += (_noise(size, rng, 160) - 0.5) * 36
    tint = rng.uniform(0.95, 1.0, 3)
    return Image.fromarray(np.stack([grey * c for c in tint], axis=-1).clip(0, 255).astype(np.uint8))


def _engrave(pen: ImageDraw.ImageDraw, edges: Box, rng: np.random.Generator) -> list[Box]:
    """Draw holes and stamped text, which a model must not take for a scratch. Return where they are."""
    left, top, right, bottom = edges
    radius = rng.uniform(9, 16) * SCALE
    middle = (top + bottom) / 2
    taken: list[Box] = []
    for x in [left + 2.2 * radius, right - 2.2 * radius][: int(rng.integers(1, 3))]:
        pen.ellipse(
            [x - radius, middle - radius, x + radius, middle + radius],
            fill=(38, 36, 34),
            outline=(205, 204, 200),
            width=3,
        )
        taken.append((x - radius, middle - radius, x + radius, middle + radius))
    text = "".join(rng.choice(list("ABCDEFGHKLMNPRSTUVXYZ23456789"), int(rng.integers(4, 8))))
    place = (left + (right - left) * rng.uniform(0.25, 0.4), top + (bottom - top) * rng.uniform(0.15, 0.6))
    font = ImageFont.load_default(size=int(rng.uniform(26, 44)) * SCALE)
    pen.text((place[0] + 2, place[1] + 2), text, fill=(215, 214, 210), font=font)
    pen.text(place, text, fill=(72, 70, 68), font=font)
    return [*taken, pen.textbbox(place, text, font=font)]


def _free_scratch(edges: Box, taken: list[Box], rng: np.random.Generator) -> Array | None:
    """A scratch beside what is there already: from two dozen tags nobody learns what a scratch across letters looks
    like.

    None where there is no room for one.
    """
    for _ in range(TRIES):
        line = _scratch(edges, rng)
        (x1, y1), (x2, y2) = line.min(axis=0) - CLEARANCE, line.max(axis=0) + CLEARANCE
        if not any(x1 < right and left < x2 and y1 < bottom and top < y2 for left, top, right, bottom in taken):
            return line
    return None


def _scratch(edges: Box, rng: np.random.Generator) -> Array:
    """A slightly bent line inside the tag, float [12, 2]."""
    left, top, right, bottom = edges
    length = rng.uniform(40, 110) * SCALE
    angle = rng.uniform(0, np.pi)
    margin = 12 * SCALE
    reach = np.abs([np.cos(angle), np.sin(angle)]) * length / 2 + margin
    low, high = np.array([left, top]) + reach, np.array([right, bottom]) - reach
    centre = rng.uniform(np.minimum(low, high), np.maximum(low, high))
    along = np.linspace(-0.5, 0.5, 12)
    bend = rng.uniform(-0.3, 0.3) * (along**2 - 0.25) * 4
    direction, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    return np.asarray(centre + length * (along[:, None] * direction + bend[:, None] * across))


def _draw_scratch(image: Image.Image, line: Array, rng: np.random.Generator) -> None:
    """A bright groove with a dark side, fading at its ends."""
    layer = Image.new("RGBA", image.size)
    pen = ImageDraw.Draw(layer)
    strength = rng.uniform(0.75, 1.0)
    width = rng.uniform(1.6, 3.0) * SCALE
    for number in range(len(line) - 1):
        fade = min(number + 1, len(line) - 1 - number, 2) / 2
        alpha = int(255 * strength * fade)
        start, end = (tuple(float(v) for v in point) for point in line[number : number + 2])
        shadow = [(start[0] + width * 0.7, start[1] + width * 0.7), (end[0] + width * 0.7, end[1] + width * 0.7)]
        pen.line(shadow, fill=(30, 28, 26, int(alpha * 0.75)), width=round(width))
        pen.line([start, end], fill=(250, 248, 244, alpha), width=round(width))
    image.paste(layer.filter(ImageFilter.GaussianBlur(0.8)), mask=layer.filter(ImageFilter.GaussianBlur(0.8)))


def _photograph(
    plate: Image.Image, scratches: list[Array], rng: np.random.Generator
) -> tuple[Image.Image, list[list[int]]]:
    """One photo of a tag: a little moved and turned, in its own light; and the scratches' boxes x, y, width, height."""
    angle = np.radians(rng.uniform(-1.5, 1.5))
    shift = rng.uniform(-5, 5, 2) * SCALE
    middle = np.array(plate.size) / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # Pillow asks for the way back: from the photo's pixels to the plate's.
    offset = middle - turn.T @ (middle + shift)
    data = (*turn.T[0], offset[0], *turn.T[1], offset[1])
    moved = plate.transform(plate.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=(70, 69, 66))
    pixels = np.asarray(moved.resize((WIDTH, HEIGHT), Image.Resampling.BOX), dtype=np.float64)
    pixels = (pixels - 128) * rng.uniform(0.9, 1.1) + 128 + rng.uniform(-14, 14) + rng.normal(0, 2.5, pixels.shape)
    boxes = []
    for line in scratches:
        points = ((line - middle) @ turn.T + middle + shift) / SCALE
        low = np.floor(points.min(axis=0) - 2).clip(0, [WIDTH - 2, HEIGHT - 2]).astype(int)
        high = np.ceil(points.max(axis=0) + 3).clip(low + 1, [WIDTH, HEIGHT]).astype(int)
        boxes.append([int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])])
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), boxes
