"""A training job on drawn images: its folders, and the command that runs in them."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sightline.labelling import manifest
from training.data import Sample

TINY = {"image_size": "64", "epochs": "4", "batch_size": "3", "warmup_epochs": "1"}


def photo(number: int, size: tuple[int, int], mode: str) -> tuple[Image.Image, list[dict[str, int]]]:
    """A photo (width, height) of a grey part, two of three with a dark defect, and its annotations (class 0)."""
    width, height = size
    rng = np.random.default_rng(number)
    pixels = rng.integers(150, 170, (height, width))
    boxes = []
    if number % 3:
        left, top = int(rng.integers(width // 2)), int(rng.integers(height // 2))
        pixels[top : top + height // 3, left : left + width // 3] -= 120
        boxes = [{"class_id": 0, "left": left, "top": top, "width": width // 3, "height": height // 3}]
    if mode == "I;16":
        return Image.fromarray((pixels * 257).astype(np.uint16)), boxes
    return Image.fromarray(pixels.astype(np.uint8)).convert(mode), boxes


def draw_channels(
    root: Path,
    size: tuple[int, int] = (90, 60),
    mode: str = "RGB",
    suffix: str = "png",
    classes: tuple[str, ...] = ("scratch",),
) -> Path:
    """The channels of a job below `root`: five images (`size` is width, height) in each of two splits; classes in
    turn.
    """
    (root / "dataset").mkdir(parents=True)
    for place, split in enumerate(("train", "validation")):
        (root / split).mkdir()
        lines = []
        for number in range(5):
            image, boxes = photo(10 * place + number, size, mode)
            name = f"{split}-{number}.{suffix}"
            image.save(root / split / name)
            about = {"image_id": name, "width": size[0], "height": size[1], "group_id": name}
            boxes = [box | {"class_id": number % len(classes)} for box in boxes]
            record = manifest.record(
                source=f"s3://b/{name}", image=about, annotations=boxes, classes=list(classes),
                job_name="job", created=datetime(2026, 1, 1, tzinfo=UTC),
            )  # fmt: skip
            lines.append(json.dumps(record) + "\n")
        (root / "dataset" / f"{split}.manifest").write_text("".join(lines))
    class_map = {str(number): name for number, name in enumerate(classes)}
    described = {"version": "v1", "class_map": class_map, "code_version": "c1"}
    (root / "dataset" / "dataset.json").write_text(json.dumps(described))
    return root


class Job:
    """One job's folders below `root`, its command and its environment."""

    command = (sys.executable, "-m", "training.train")

    def __init__(self, root: Path, channels: Path, **hyperparameters: str) -> None:
        self.root, self.channels, self.model = root, channels, root / "model"
        (root / "input" / "config").mkdir(parents=True)
        (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(TINY | hyperparameters))
        places = {"SM_INPUT_DIR": "input", "SM_MODEL_DIR": "model", "SM_OUTPUT_DIR": "output"}
        places |= {"SM_CHECKPOINT_DIR": "checkpoints", "SM_CHANNEL_CHAMPION": "champion"}
        self.variables = {name: str(root / place) for name, place in places.items()}
        self.variables |= {
            f"SM_CHANNEL_{name.upper()}": str(channels / name) for name in ("dataset", "train", "validation")
        }
        self.variables["TRAINING_JOB_NAME"] = root.name

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | self.variables | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}

    def described(self) -> dict[str, Any]:
        return dict(json.loads((self.model / "model.json").read_text()))


def samples(count: int) -> list[Sample]:
    """Images of 64 × 64 in memory, two of three with a defect."""
    made = []
    for number in range(count):
        image, boxes = photo(number, (64, 64), "RGB")
        edges = [[b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]] for b in boxes]
        corners = np.array(edges, np.float32).reshape(-1, 4)
        kinds = np.zeros(len(boxes), np.int64)
        made.append(Sample(f"{number}.png", str(number), np.asarray(image), corners, kinds, 1.0, (64, 64)))
    return made
