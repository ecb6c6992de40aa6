"""`python -m benchmarks.detector`: quality and training time of the detector, beside YOLOv8n from scratch on the same folds.

Threefold cross-validation over groups of near-duplicates; fold k is trained with seed k, and every photo is tested once, by a
model that saw no photo of its part. Both detectors get the same images and all cores, and are measured with the
project's own metrics (equal to pycocotools). A fold that was trained before is not trained again: its folder keeps the result.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import ROOT, TAGS, console, finish, table
from benchmarks.detector import environment, folds
from benchmarks.detector.ours import quality, run_ours
from sightline.errors import SightlineError
from sightline.evaluation import Found
from training.evaluate import Images

YOLO_EPOCHS = 75
RIVAL = Path(__file__).with_name("yolov8n.py")


def run_rival(folder: Path, seed: int, python: str | None) -> dict[str, Any] | None:
    """YOLOv8n on the same fold, in its own environment, measured as ours is; without `python` only what was trained before."""
    kept = folder / "yolo" / str(seed) / "result.json"
    if not kept.is_file():
        if not python:
            return None
        with (folder / f"yolo-{seed}.log").open("w") as log:
            subprocess.run(
                [python, str(RIVAL), str(folder), str(seed), str(YOLO_EPOCHS)],
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
            )
    result = json.loads(kept.read_text())
    test = Images(folder / "dataset", folder / "images", "test")
    found = []
    for name in test.names:
        entry = result["found"][name]
        boxes = np.array(entry["boxes"], dtype=np.float64).reshape(-1, 4)
        found.append(Found(boxes, np.array(entry["scores"]), np.array(entry["classes"], dtype=np.int64)))
    kinds = ("seed", "epochs", "seconds", "processor_seconds")
    return {**{kind: result[kind] for kind in kinds}, "float": quality(test.truths, found, folder)}


def mean(runs: list[dict[str, Any]], *path: str) -> float:
    values = []
    for run in runs:
        value: Any = run
        for name in path:
            value = value[name]
        values.append(float(value))
    return round(float(np.mean(values)), 4)


def shown(result: dict[str, Any]) -> list[Table | str]:
    rows = table("fold", "detector", "mAP@.50", "mAP@.50:.95", "training s", "processor s", "MB")
    for number, fold in enumerate(result["folds"]):
        runs = [("Sightline", fold["sightline"], "float"), ("Sightline int8", fold["sightline"], "int8")]
        runs += [("YOLOv8n", fold["yolov8n"], "float")] if fold.get("yolov8n") else []
        for name, run, kind in runs:
            scores = run[kind]
            size = f"{scores['size_bytes'] / 1e6:.2f}" if "size_bytes" in scores else ""
            times = ("", "") if kind == "int8" else (f"{run['seconds']:.0f}", f"{run['processor_seconds']:.0f}")
            rows.add_row(str(number), name, f"{scores['map50']:.3f}", f"{scores['map50_95']:.3f}", *times, size)
    means = table("mean of the folds", "")
    for name, value in result["mean"].items():
        means.add_row(name, str(value))
    return [rows, means]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=TAGS / "images", help="folder of photos")
    parser.add_argument("--labels", type=Path, default=TAGS / "labels.json", help="their boxes, COCO JSON")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".sightline" / "bench" / "detector", help="folder of the folds"
    )
    parser.add_argument("--without-yolo", action="store_true", help="train our detector only")
    parser.add_argument("--hyperparameter", action="append", default=[], help="NAME=VALUE for our detector")
    given = parser.parse_args()
    if not given.labels.is_file():
        raise SightlineError(
            f"{given.labels}: no such file; name photos with --images and their COCO JSON with --labels"
        )
    hyperparameters = dict(entry.split("=", 1) for entry in given.hyperparameter)
    labelled = folds.Labelled.read(given.images, given.labels)
    python = None if given.without_yolo else environment.python()
    runs: list[dict[str, Any]] = []
    for number, fold in enumerate(folds.parts(labelled)):
        folder = given.work / f"fold{number}"
        folds.write_dataset(labelled, fold, folder)
        folds.write_yolo(labelled, fold, folder / "yolo")
        console.print(f"fold {number}: " + ", ".join(f"{len(names)} {split}" for split, names in fold.items()))
        runs.append({"sightline": run_ours(folder, number, hyperparameters)})
        runs[-1]["yolov8n"] = run_rival(folder, number, python)
    ours, theirs = [run["sightline"] for run in runs], [run["yolov8n"] for run in runs if run["yolov8n"]]
    summary = {
        f"sightline {kind} {name}": mean(ours, kind, name)
        for kind in ("float", "int8")
        for name in ("map50", "map50_95")
    }
    summary["sightline training seconds"] = mean(ours, "seconds")
    if theirs:
        summary |= {f"yolov8n {name}": mean(theirs, "float", name) for name in ("map50", "map50_95")}
        summary["yolov8n training seconds"] = mean(theirs, "seconds")
    finish("detector", {"folds": runs, "mean": summary}, shown)


if __name__ == "__main__":
    main()
