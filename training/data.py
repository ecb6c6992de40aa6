"""Reading a channel: manifest lines and images, fitted into the model's input. What can't be used is said by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.models.metrics import Truth
from sightline.names import called
from sightline.vision.decode import Pixels, UndecodableImageError, decode
from sightline.vision.letterbox import letterbox
from training.inputs import LabelRecord, Problem, is_number, read_dataset, read_manifest

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
            name = record.name
            try:
                body = (self.images / name).read_bytes()
                pixels = decode(body)
            except (OSError, ValueError, UndecodableImageError) as error:  # ValueError: a name that no file can have
                reason = (isinstance(error, OSError) and error.strerror) or str(error)
                self.problems.append(Problem(name, reason, decoded=False))
                continue
            boxes, classes, faults = usable_boxes(record.boxes, *pixels.shape[:2])
            self.problems += [Problem(name, fault) for fault in faults]
            yield Labelled(name, record.group, body, pixels, boxes, classes)


class Images:
    """The usable images and labels of one split; the others are named in the log and in `problems`."""

    def __init__(self, dataset: Path, folder: Path, split: str) -> None:
        self.split, self.names, self.bodies = split, [], []
        self.truths: list[Truth] = []
        self.groups: list[str] = []
        read = Split(dataset / f"{split}.manifest", folder, len(read_dataset(dataset).classes))
        for image in read:
            self.names.append(image.name)
            self.bodies.append(image.body)
            self.truths.append(Truth(image.boxes, image.classes))
            self.groups.append(image.group)
        self.called = called({record.name: record.called or record.name for record in read.records})
        self.problems: list[Problem] = read.problems
        for problem in self.problems:
            print(f"left out of {split}: {problem}", flush=True)

    def pixels(self, name: str) -> Pixels:
        return decode(self.bodies[self.names.index(name)])


def usable_boxes(given: Sequence[Mapping[str, object]], height: int, width: int) -> tuple[Array, Array, list[str]]:
    """The boxes of a label record clipped to its image, float32 [n, 4] (x1, y1, x2, y2), their classes, int64 [n], and
    a sentence for each box that can't be used.
    """
    boxes, classes, faults = [], [], []
    for number, box in enumerate(given, start=1):
        edges = _edges(box)
        fault = _box_fault(edges, height, width)
        if fault or not edges:
            shown = ", ".join(f"{edge} {box.get(edge)!r:.30}" for edge in EDGES)
            faults.append(f"box {number} ({shown}) {fault}")
            continue
        left, top, across, down = edges
        boxes.append([left, top, left + across, top + down])
        classes.append(box["class_id"])
    corners = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    clipped = corners.clip(0, [width, height, width, height]).astype(np.float32)
    return clipped, np.array(classes, dtype=np.int64), faults


def _edges(box: Mapping[str, object]) -> tuple[float, float, float, float] | None:
    """Left, top, width and height of a box; None when one of them is no number."""
    left, top, width, height = (box.get(edge) for edge in EDGES)
    if is_number(left) and is_number(top) and is_number(width) and is_number(height):
        return left, top, width, height
    return None


def _box_fault(edges: tuple[float, float, float, float] | None, height: int, width: int) -> str:
    """Why a box can't be used; empty when it can."""
    if edges is None:
        return f"must have finite numbers as {', '.join(EDGES)}"
    left, top, across, down = edges
    if min(across, down) < MIN_BOX:
        return f"is less than {MIN_BOX:g} pixel wide or high"
    for start, side, limit in ((left, across, width), (top, down, height)):
        inside = min(start + side, limit) - max(start, 0)
        if round(inside, 6) < MIN_BOX:  # edges may have been fractions
            return f"lies outside the image of {width}×{height}"
    return ""


def input_size(records: list[LabelRecord], longer: int) -> tuple[int, int]:
    """Height and width of the model's input: `longer` on the longer side, the median aspect ratio, multiples of 32."""
    return fitting_size(float(np.median([record.width / record.height for record in records])), longer)


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
