"""Reading a channel: manifest lines and images, fitted into the model's input. What can't be used is said by name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.names import LABEL_ATTRIBUTE
from sightline.vision.decode import Pixels, UndecodableImageError, decode
from sightline.vision.letterbox import letterbox

MIN_BOX = 1.0  # pixels of the original image


@dataclass(frozen=True)
class Sample:
    """One labelled image in the model's input size.

    `pixels` uint8 [H, W, 3]; `boxes` float32 [n, 4] (x1, y1, x2, y2 in input pixels); `classes` int64 [n]; `scale` turns
    pixels of the original image into input pixels; `original` is (height, width) before fitting.
    """

    name: str
    group: str
    pixels: Pixels
    boxes: np.ndarray[Any, np.dtype[np.float32]]
    classes: np.ndarray[Any, np.dtype[np.int64]]
    scale: float
    original: tuple[int, int]


def read_manifest(path: Path) -> list[dict[str, Any]]:
    """The label records of a manifest, one for each line that is not empty."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def file_name(record: dict[str, Any]) -> str:
    return str(record["source-ref"].rsplit("/", 1)[-1])


def record_boxes(record: dict[str, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Boxes float32 [n, 4] (x1, y1, x2, y2 in pixels of the original image) and classes int64 [n] of a label record."""
    boxes = [
        [box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]]
        for box in record[LABEL_ATTRIBUTE]["annotations"]
    ]
    classes = [box["class_id"] for box in record[LABEL_ATTRIBUTE]["annotations"]]
    return np.array(boxes, dtype=np.float32).reshape(-1, 4), np.array(classes, dtype=np.int64)


def input_size(records: list[dict[str, Any]], longer: int) -> tuple[int, int]:
    """Height and width of the model's input: `longer` on the longer side, the median aspect ratio, multiples of 32."""
    sizes = [record[LABEL_ATTRIBUTE]["image_size"][0] for record in records]
    return fitting_size(float(np.median([size["width"] / size["height"] for size in sizes])), longer)


def fitting_size(ratio: float, longer: int) -> tuple[int, int]:
    """Height and width for images whose width is `ratio` times their height."""
    shorter = max(32, round(longer * min(ratio, 1 / ratio) / 32) * 32)
    return (shorter, longer) if ratio >= 1 else (longer, shorter)


def load(manifest: Path, images: Path, size: tuple[int, int]) -> tuple[list[Sample], list[str]]:
    """The samples of a channel, and a sentence for each image or box that can't be used."""
    samples, problems = [], []
    for record in read_manifest(manifest):
        name = file_name(record)
        try:
            image = decode((images / name).read_bytes())
        except (OSError, UndecodableImageError) as error:
            problems.append(f"{name}: {error}")
            continue
        boxes, classes = record_boxes(record)
        height, width = image.shape[:2]
        clipped = boxes.clip(0, [width, height, width, height]).astype(np.float32)
        kept = ((clipped[:, 2] - clipped[:, 0]) >= MIN_BOX) & ((clipped[:, 3] - clipped[:, 1]) >= MIN_BOX)
        problems += [f"{name}: box {box.tolist()} lies outside the image of {width}×{height}" for box in boxes[~kept]]
        fitted = letterbox(image, *size)
        group = record.get("group-id", record.get("image-id", name))
        scaled = clipped[kept] * np.float32(fitted.scale)
        samples.append(Sample(name, group, fitted.pixels, scaled, classes[kept], fitted.scale, (height, width)))
    return samples, problems
