"""`python -m benchmarks.detector`: quality and training time of the detector, beside YOLOv8n from scratch on the same
folds.

Threefold cross-validation over groups of near-duplicates; fold k is trained with seed k, and every photo is tested
once, by a model that saw no photo of its part. Both detectors get the same images and all cores, and are measured with
the project's own metrics (equal to pycocotools). After each training the result is written; what it has of the same
code and hyperparameters is not trained again.
"""

import argparse
import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import RESULTS, ROOT, TAGS, console, finish, table
from benchmarks.detector import environment, folds
from benchmarks.detector.ours import quality, run_ours
from sightline.errors import SightlineError
from sightline.models.metrics import Found
from training.code_digest import code_digest
from training.data import Images

YOLO_EPOCHS = 75
NOTHING: dict[str, Any] = {"sightline": None, "yolov8n": None}
RIVAL = Path(__file__).with_name("yolov8n.py")


def run_rival(folder: Path, seed: int) -> dict[str, Any]:
    """YOLOv8n on the same fold, in its own environment, measured as ours is."""
    with (folder / f"yolo-{seed}.log").open("w") as log:
        subprocess.run(
            [environment.python(), str(RIVAL), str(folder), str(seed), str(YOLO_EPOCHS)],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )
    result = json.loads((folder / "yolo" / str(seed) / "result.json").read_text())
    test = Images(folder / "dataset", folder / "images", "test")
    found = []
    for name in test.names:
        entry = result["found"][name]
        boxes = np.array(entry["boxes"], dtype=np.float64).reshape(-1, 4)
        found.append(Found(boxes, np.array(entry["scores"]), np.array(entry["classes"], dtype=np.int64)))
    kinds = ("seed", "epochs", "seconds", "processor_seconds", "cores")
    return {**{kind: result[kind] for kind in kinds}, "float": quality(test.truths, found, folder)}


def means(folds: list[dict[str, Any]]) -> dict[str, float]:
    """Of each detector that was measured on every fold."""
    found = {}
    for detector, kind in (("sightline", "float"), ("sightline", "int8"), ("yolov8n", "float")):
        runs = [fold[detector] for fold in folds]
        if all(runs):
            for name in ("map50", "map50_95"):
                found[f"{detector} {kind} {name}"] = round(float(np.mean([run[kind][name] for run in runs])), 4)
            for name in ("seconds", "processor_seconds"):
                found[f"{detector} training {name}"] = round(float(np.mean([run[name] for run in runs])), 1)
    return found


def shown(result: dict[str, Any]) -> list[Table | str]:
    rows = table("fold", "detector", "mAP@.50", "mAP@.50:.95", "training s", "processor s", "cores", "MB")
    for number, fold in enumerate(result["folds"]):
        runs = [("Sightline", fold["sightline"], "float"), ("Sightline int8", fold["sightline"], "int8")]
        runs += [("YOLOv8n", fold["yolov8n"], "float")]
        for detector, run, kind in (entry for entry in runs if entry[1]):
            scores = run[kind]
            size = f"{scores['size_bytes'] / 1e6:.2f}" if "size_bytes" in scores else ""
            numbers = (f"{run[name]:.0f}" for name in ("seconds", "processor_seconds", "cores"))
            times = ("", "", "") if kind == "int8" else numbers
            rows.add_row(str(number), detector, f"{scores['map50']:.3f}", f"{scores['map50_95']:.3f}", *times, size)
    averages = table("mean of the folds", "")
    for name, value in means(result["folds"]).items():
        averages.add_row(name, str(value))
    return [rows, averages]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=TAGS / "images", help="folder of photos")
    parser.add_argument("--labels", type=Path, default=TAGS / "labels.json", help="their boxes, COCO JSON")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".sightline" / "bench" / "detector", help="folder of the folds"
    )
    parser.add_argument("--without-yolo", action="store_true", help="train our detector only")
    parser.add_argument(
        "--fold", type=int, action="append", choices=range(folds.FOLDS), help="this fold only; it may be given again"
    )
    parser.add_argument("--anew", action="store_true", help="train also what benchmarks/results/detector.json has")
    parser.add_argument("--hyperparameter", action="append", default=[], help="NAME=VALUE for our detector")
    given = parser.parse_args()
    if not given.labels.is_file():
        raise SightlineError(
            f"{given.labels}: no such file; name photos with --images and their COCO JSON with --labels"
        )
    hyperparameters = dict(entry.split("=", 1) for entry in given.hyperparameter)
    labelled = folds.Labelled.read(given.images, given.labels)
    chosen = given.fold or range(folds.FOLDS)
    places = [given.work / f"fold{number}" for number in range(folds.FOLDS)]
    for number, fold in enumerate(folds.parts(labelled)):
        if number not in chosen:
            continue  # another process may be training on it
        folds.write_dataset(labelled, fold, places[number])
        folds.write_yolo(labelled, fold, places[number] / "yolo")
        console.print(f"fold {number}: " + ", ".join(f"{len(names)} {split}" for split, names in fold.items()))
    if given.anew:
        finish("detector", {"folds": [NOTHING] * len(places)}, shown)
    known = partial(before, len(places), hyperparameters)  # read anew each time: folds may be trained side by side
    for detector in ("sightline",) if given.without_yolo else ("sightline", "yolov8n"):
        for number in chosen:
            if known()[number][detector]:
                continue
            ours = detector == "sightline"
            run = run_ours(places[number], number, hyperparameters) if ours else run_rival(places[number], number)
            runs = known()
            runs[number] = {**runs[number], detector: run}
            finish("detector", {"folds": runs}, shown)


def before(number: int, hyperparameters: dict[str, str]) -> list[dict[str, Any]]:
    """For each fold, the runs of benchmarks/results/detector.json that would come out the same today."""
    path = RESULTS / "detector.json"
    known = json.loads(path.read_text())["folds"] if path.is_file() else []
    found: list[dict[str, Any]] = []
    for fold in known:
        ours, theirs = fold["sightline"], fold["yolov8n"]
        chosen = {**hyperparameters, "seed": str(len(found))}
        same = ours and (ours["code"], ours["hyperparameters"]) == (code_digest(), chosen)
        same_rival = theirs and theirs["epochs"] == YOLO_EPOCHS
        found.append({"sightline": ours if same else None, "yolov8n": theirs if same_rival else None})
    return found or [NOTHING] * number


if __name__ == "__main__":
    main()
