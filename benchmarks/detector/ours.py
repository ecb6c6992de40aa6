"""Training of the project's own detector on one fold, as SageMaker would run it, and the measurement of the files that
ship.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NotRequired, TypedDict

from benchmarks.common import ROOT, cores
from sightline.models import metrics
from sightline.models.metrics import Found, Truth
from sightline.vision.detector import Detector
from training.code_digest import code_digest
from training.data import Images
from training.evaluate import INT8, detect_all


class Quality(TypedDict):
    """What a model finds on test images that it never saw; 0..1."""

    map50: float | None  # None where the test images have no defect
    map50_95: float | None
    classes: dict[str, float]  # AP@.50 of each class that the test images have
    size_bytes: NotRequired[int]


class Cost(TypedDict):
    """What a training took."""

    seed: int
    cores: int
    seconds: float
    processor_seconds: float


class OurRun(Cost):
    """A training of the project's own detector, and its two files measured."""

    hyperparameters: dict[str, str]
    code: str  # training.code_digest
    float: Quality
    int8: Quality


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_ours(folder: Path, seed: int, hyperparameters: dict[str, str]) -> OurRun:
    """Train on a fold as SageMaker would and test the files that ship."""
    target = folder / f"ours-{seed}"
    shutil.rmtree(target, ignore_errors=True)
    (target / "input" / "config").mkdir(parents=True)
    chosen = {**hyperparameters, "seed": str(seed)}
    (target / "input" / "config" / "hyperparameters.json").write_text(json.dumps(chosen))
    places = {
        "SM_INPUT_DIR": target / "input",
        "SM_CHANNEL_DATASET": folder / "dataset",
        "SM_CHANNEL_TRAIN": folder / "images",
        "SM_CHANNEL_VALIDATION": folder / "images",
        "SM_MODEL_DIR": target / "model",
        "SM_OUTPUT_DIR": target / "output",
        "SM_CHECKPOINT_DIR": target / "checkpoints",
    }
    start, used = time.monotonic(), processor_seconds()
    with (target / "log.txt").open("w") as log:
        subprocess.run(
            [sys.executable, "-m", "training.train"],
            cwd=ROOT,
            env=os.environ | {name: str(path) for name, path in places.items()},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )
    seconds, processor = round(time.monotonic() - start, 1), round(processor_seconds() - used, 1)
    test = Images(folder / "dataset", folder / "images", "test")
    return {
        "seed": seed,
        "hyperparameters": chosen,
        "code": code_digest(),
        "cores": cores(),
        "seconds": seconds,
        "processor_seconds": processor,
        "float": measure(target / "model", "model.onnx", test, folder),
        "int8": measure(target / "model", INT8, test, folder),
    }


def measure(model: Path, file: str, test: Images, folder: Path) -> Quality:
    """Test one file of a model folder."""
    found = detect_all(Detector(model, file=file), test)
    return {**quality(test.truths, found, folder), "size_bytes": (model / file).stat().st_size}


def quality(truths: list[Truth], found: list[Found], folder: Path) -> Quality:
    """mAP@.50 and mAP@.50:.95, and AP@.50 of each class that the test images have."""
    names: dict[str, str] = json.loads((folder / "dataset" / "dataset.json").read_text())["class_map"]
    map50, map50_95 = metrics.mean_ap(truths, found, len(names))
    scores = {name: metrics.class_ap(truths, found, int(number)) for number, name in names.items()}
    return {
        "map50": map50,
        "map50_95": map50_95,
        "classes": {name: round(float(ap[0]), 4) for name, ap in scores.items() if ap is not None},
    }
