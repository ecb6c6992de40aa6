"""Folds of a labelled set for cross-validation: whole groups of near-duplicates, found by the project's own grouping.

A fold is written as a dataset version of the training image contract (docs/reference/model-contract.md) and as a YOLO
data set; both hold the same images in the same splits.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from client.annotate import read_coco
from sightline.datasets import grouping
from sightline.datasets.splits import SPLITS
from sightline.images.box import Box
from sightline.images.image import Split
from sightline.labelling import manifest
from sightline.vision.decode import decode
from sightline.vision.phash import phash

FOLDS = 3
VALIDATION_SHARE = 0.15  # of the images that are not tested


@dataclass(frozen=True)
class Labelled:
    """A folder of images with the boxes of each by file name."""

    images: Path
    boxes: dict[str, list[Box]]
    classes: list[str]
    groups: dict[str, str]  # file name → group

    @classmethod
    def read(cls, images: Path, labels: Path) -> "Labelled":
        """From a COCO file. The groups are found from the pixels."""
        boxes = read_coco(labels)
        names = [entry["name"] for entry in sorted(json.loads(labels.read_text())["categories"], key=lambda c: c["id"])]
        hashes = {name: phash(decode((images / name).read_bytes())) for name in sorted(boxes)}
        return cls(images, boxes, names, grouping.group(hashes))


def parts(labelled: Labelled) -> list[dict[Split, list[str]]]:
    """For each fold, the file names of each split. Every group is tested once; the largest groups are placed first."""
    members: dict[str, list[str]] = {}
    for name, label in sorted(labelled.groups.items()):
        members.setdefault(label, []).append(name)
    groups = sorted(members.values(), key=lambda names: (-len(names), names))
    tested: list[list[list[str]]] = [[] for _ in range(FOLDS)]
    for group in groups:
        min(tested, key=lambda fold: sum(map(len, fold))).append(group)
    folds = []
    for test in tested:
        rest = [group for group in groups if group not in test]
        # The smallest groups, so that validation sees several parts and training keeps most images.
        wanted = VALIDATION_SHARE * sum(map(len, rest))
        validation: list[list[str]] = []
        for group in reversed(rest):
            if sum(map(len, validation)) < wanted:
                validation.append(group)
        train = [group for group in rest if group not in validation]
        splits = dict(zip(SPLITS, (train, validation, test), strict=True))
        folds.append({split: sorted(name for group in chosen for name in group) for split, chosen in splits.items()})
    return folds


def write_dataset(labelled: Labelled, fold: dict[Split, list[str]], target: Path) -> None:
    """`target/dataset/` as `train` and `evaluate` read it, and `target/images/` for their channels."""
    dataset, images = target / "dataset", target / "images"
    dataset.mkdir(parents=True, exist_ok=True)
    images.mkdir(exist_ok=True)
    for split in SPLITS:
        lines = []
        for name in fold[split]:
            shutil.copyfile(labelled.images / name, images / name)
            with Image.open(images / name) as picture:
                width, height = picture.size
            image = {"image_id": name, "width": width, "height": height, "group_id": labelled.groups[name]}
            record = manifest.record(
                source=f"s3://benchmark/datasets/images/{name}",
                image=image,
                annotations=labelled.boxes[name],
                classes=labelled.classes,
                job_name="benchmark",
                created=datetime(2026, 1, 1, tzinfo=UTC),
            )
            lines.append(json.dumps(record))
        (dataset / f"{split}.manifest").write_text("\n".join(lines) + "\n")
    class_map = {str(number): name for number, name in enumerate(labelled.classes)}
    description = {"version": "benchmark", "class_map": class_map, "code_version": "benchmark"}
    (dataset / "dataset.json").write_text(json.dumps(description))


def write_yolo(labelled: Labelled, fold: dict[Split, list[str]], target: Path) -> None:
    """The same fold for Ultralytics: `images/<split>/`, `labels/<split>/` and `data.yaml`."""
    for split in SPLITS:
        for kind in ("images", "labels"):
            (target / kind / split).mkdir(parents=True, exist_ok=True)
        for name in fold[split]:
            shutil.copyfile(labelled.images / name, target / "images" / split / name)
            with Image.open(labelled.images / name) as picture:
                width, height = picture.size
            lines = [
                f"{box['class_id']} {(box['left'] + box['width'] / 2) / width:.6f} "
                f"{(box['top'] + box['height'] / 2) / height:.6f}"
                f" {box['width'] / width:.6f} {box['height'] / height:.6f}"
                for box in labelled.boxes[name]
            ]
            (target / "labels" / split / Path(name).with_suffix(".txt").name).write_text("\n".join(lines))
    places = {
        "path": str(target.resolve()),
        "train": f"images/{Split.TRAIN}",
        "val": f"images/{Split.VALIDATION}",
        "test": f"images/{Split.TEST}",
    }
    # JSON is YAML.
    (target / "data.yaml").write_text(json.dumps({**places, "names": dict(enumerate(labelled.classes))}))
