"""Reading a channel: manifest lines and images, fitted into the model's input. What can't be used is said by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.names import LABEL_ATTRIBUTE
from sightline.vision.decode import Pixels, UndecodableImageError, decode
from sightline.vision.letterbox import letterbox
from training.inputs import Problem, file_name, is_number, read_manifest

MIN_BOX = 1.0  # pixels of the original image
EDGES = ("left", "top", "width", "height")
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Sample:
    """One labelled image in the model's input size.

    `pixels` uint8 [H, W, 3]; `boxes` float32 [n, 4] (x1, y1, x2, y2 in input pixels); `classes` int64 [n]; `scale`
    turns pixels of the original image into input pixels; `original` is (height, width) before fitting.
    """

    name: str
    group: str
    pixels: Pixels
    boxes: np.ndarray[Any, np.dtype[np.float32]]
    classes: np.ndarray[Any, np.dtype[np.int64]]
    scale: float
    original: tuple[int, int]


@dataclass(frozen=True)
class Labelled:
    """One image of a split as it was photographed, with its labels.

    `boxes` float32 [n, 4] (x1, y1, x2, y2 in pixels of the image, inside of it); `classes` int64 [n].
    """

    name: str
    group: str
    body: bytes
    pixels: Pixels
    boxes: Array
    classes: Array


class Split:
    """The labelled images of a manifest, one after the other, the same for training and evaluation.

    What can't be used is in `problems`: the records at once, images and boxes as they are come to.
    """

    def __init__(self, manifest: Path, images: Path, classes: int) -> None:
        self.images = images
        self.records, self.problems = read_manifest(manifest, classes)

    def __iter__(self) -> Iterator[Labelled]:
        for record in self.records:
            name = file_name(record)
            try:
                body = (self.images / name).read_bytes()
                pixels = decode(body)
            except (OSError, ValueError, UndecodableImageError) as error:  # ValueError: a name that no file can have
                reason = (isinstance(error, OSError) and error.strerror) or str(error)
                self.problems.append(Problem(name, reason, decoded=False))
                continue
            boxes, classes, faults = usable_boxes(record, *pixels.shape[:2])
            self.problems += [Problem(name, fault) for fault in faults]
            group = str(record.get("group-id", record.get("image-id", name)))
            yield Labelled(name, group, body, pixels, boxes, classes)


def usable_boxes(record: dict[str, Any], height: int, width: int) -> tuple[Array, Array, list[str]]:
    """The boxes of a label record clipped to its image, float32 [n, 4] (x1, y1, x2, y2), their classes, int64 [n], and
    a sentence for each box that can't be used.
    """
    boxes, classes, faults = [], [], []
    for number, box in enumerate(record[LABEL_ATTRIBUTE]["annotations"], start=1):
        fault = _box_fault(box, height, width)
        if fault:
            shown = ", ".join(f"{edge} {box.get(edge)!r:.30}" for edge in EDGES)
            faults.append(f"box {number} ({shown}) {fault}")
            continue
        boxes.append([box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]])
        classes.append(box["class_id"])
    corners = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    clipped = corners.clip(0, [width, height, width, height]).astype(np.float32)
    return clipped, np.array(classes, dtype=np.int64), faults


def _box_fault(box: dict[str, Any], height: int, width: int) -> str:
    """Why a box can't be used; empty when it can."""
    if not all(is_number(box.get(edge)) for edge in EDGES):
        return f"must have finite numbers as {', '.join(EDGES)}"
    if min(box["width"], box["height"]) < MIN_BOX:
        return f"is less than {MIN_BOX:g} pixel wide or high"
    for start, side, limit in (("left", "width", width), ("top", "height", height)):
        inside = min(box[start] + box[side], limit) - max(box[start], 0)
        if round(inside, 6) < MIN_BOX:  # edges may have been fractions
            return f"lies outside the image of {width}×{height}"
    return ""


def input_size(records: list[dict[str, Any]], longer: int) -> tuple[int, int]:
    """Height and width of the model's input: `longer` on the longer side, the median aspect ratio, multiples of 32."""
    sizes = [record[LABEL_ATTRIBUTE]["image_size"][0] for record in records]
    return fitting_size(float(np.median([size["width"] / size["height"] for size in sizes])), longer)


def fitting_size(ratio: float, longer: int) -> tuple[int, int]:
    """Height and width for images whose width is `ratio` times their height."""
    shorter = max(32, round(longer * min(ratio, 1 / ratio) / 32) * 32)
    return (shorter, longer) if ratio >= 1 else (longer, shorter)


def load(manifest: Path, images: Path, size: tuple[int, int], classes: int) -> tuple[list[Sample], list[str]]:
    """The samples of a channel, and a sentence for each image or box that can't be used."""
    split, samples = Split(manifest, images, classes), []
    for image in split:
        fitted = letterbox(image.pixels, *size)
        boxes = image.boxes * np.float32(fitted.scale)
        original = image.pixels.shape[0], image.pixels.shape[1]
        samples.append(Sample(image.name, image.group, fitted.pixels, boxes, image.classes, fitted.scale, original))
    return samples, [str(problem) for problem in split.problems]
