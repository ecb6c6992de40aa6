"""Photos inside a page, as JPEG data URIs: what is labelled in green, what was found in red with its score."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from sightline.images.box import Box
from sightline.models.evaluation import DetectionMeasured
from sightline.vision.decode import Pixels

LABEL, FOUND = (26, 152, 80), (214, 56, 45)  # the colours of the two kinds of boxes
PICTURE_WIDTH, PICTURE_QUALITY = 480, 80  # pixels; JPEG quality
THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 220, 72
LETTERS = 18  # pixels, in pictures that the page shows at about half their size

Corners = Sequence[float]  # x1, y1, x2, y2 in pixels


@dataclass(frozen=True, slots=True)
class Find:
    """A box to draw in red, with its score (0..1), and with the name and number of its class where they are known."""

    box: Corners
    score: float
    name: str = ""
    number: int | None = None


def finds(detections: Iterable[DetectionMeasured]) -> list[Find]:
    """Return detections as `picture` draws them."""
    return [Find(found["box"], found["score"], found["class"], found["class_id"]) for found in detections]


def corners(boxes: Iterable[Box]) -> list[Corners]:
    """Return the corners of labels."""
    return [[box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]] for box in boxes]


@dataclass(frozen=True, slots=True)
class Named:
    """A label to draw in green with the name of its class, or with its number where the name can't be shown."""

    box: Corners
    name: str
    number: int


def picture(pixels: Pixels, labels: Iterable[Corners], found: Iterable[Find], width: int = PICTURE_WIDTH) -> str:
    """Return a photo with its labels and finds, at most `width` wide and twice as high."""
    image = Image.fromarray(pixels)
    scale = min(width / image.width, 2 * width / image.height)
    image = image.resize(_scaled(image, scale))
    draw = ImageDraw.Draw(image)
    for box in labels:
        draw.rectangle(_sorted(box, scale), outline=LABEL, width=2)
    for find in found:
        _draw_find(draw, find, scale, image)
    return _data_uri(image, PICTURE_QUALITY)


def named_picture(pixels: Pixels, labels: Iterable[Named]) -> str:
    """Return a photo with its labels and their classes, at most `PICTURE_WIDTH` wide and twice as high."""
    image = Image.fromarray(pixels)
    scale = min(PICTURE_WIDTH / image.width, 2 * PICTURE_WIDTH / image.height)
    image = image.resize(_scaled(image, scale))
    draw = ImageDraw.Draw(image)
    for label in labels:
        _draw_named(draw, label.box, scale, _short(label.name, "", label.number, image.width), LABEL, image)
    return _data_uri(image, PICTURE_QUALITY)


def thumbnail(pixels: Pixels, labels: Iterable[Corners]) -> str:
    """Return a small picture of a photo with its labels. A small photo is not enlarged."""
    image = Image.fromarray(pixels)
    scale = min(1.0, THUMBNAIL_SIDE / max(image.size))
    image = image.resize(_scaled(image, scale), Image.Resampling.BOX)
    draw = ImageDraw.Draw(image)
    for box in labels:
        draw.rectangle(_sorted(box, scale), outline=LABEL, width=2)
    return _data_uri(image, THUMBNAIL_QUALITY)


def _scaled(image: Image.Image, scale: float) -> tuple[int, int]:
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _data_uri(image: Image.Image, quality: int) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _sorted(box: Corners, scale: float) -> list[float]:
    """Return a box in pixels of the scaled picture, its upper left corner first, whichever a model answers first."""
    x1, y1, x2, y2 = (edge * scale for edge in box)
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def _draw_find(draw: ImageDraw.ImageDraw, find: Find, scale: float, image: Image.Image) -> None:
    _draw_named(draw, find.box, scale, written(find, image.width), FOUND, image)


def _draw_named(
    draw: ImageDraw.ImageDraw,
    corners: Corners,
    scale: float,
    text: str,
    colour: tuple[int, int, int],
    image: Image.Image,
) -> None:
    box = _sorted(corners, scale)
    draw.rectangle(box, outline=colour, width=2)
    line = LETTERS + 4
    # Inside the picture, also for a box at its right edge or one as high as the picture.
    left = max(0, min(box[0] + 1, image.width - _font().getlength(text)))
    top = max(0, min(box[1] - line if box[1] >= line else box[3] + 1, image.height - line))
    draw.rectangle(draw.textbbox((left, top), text, _font()), fill=colour)
    draw.text((left, top), text, fill=(255, 255, 255), font=_font())


def written(find: Find, room: int) -> str:
    """Return what is written at a find, in one line: its class and score.

    A name that the font can't show, or that is longer than `room` pixels, is only its number there: the caption has the
    name.
    """
    return _short(find.name, f"{find.score:.2f}", find.number, room)


def _short(name: str, score: str, number: int | None, room: int) -> str:
    name = " ".join(name.split())
    if not all(_shows(sign) for sign in name) or _font().getlength(f"{name} {score}") > room:
        name = "" if number is None else str(number)
    return f"{name} {score}".strip()


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(LETTERS)


@cache
def _shows(sign: str) -> bool:
    """Return whether the font has this letter: where it lacks one, it draws the same box as for what is no letter."""
    return bytes(_font().getmask(sign)) != bytes(_font().getmask("\U0010ffff"))
