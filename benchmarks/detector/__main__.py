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
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypedDict

import numpy as np
from rich.table import Table

from benchmarks.common import RESULTS, ROOT, TAGS, console, finish, table
from benchmarks.detector import environment, folds
from benchmarks.detector.ours import Cost, OurRun, Quality, quality, run_ours
from sightline.errors import SightlineError
from sightline.models.metrics import Found
from training.code_digest import code_digest
from training.data import Images

YOLO_EPOCHS = 75
RIVAL = Path(__file__).with_name("yolov8n.py")


class RivalRun(Cost):
    """A training of YOLOv8n, and its file measured."""

    epochs: int
    float: Quality


class Fold(TypedDict):
    """What was measured on one fold; None where nothing was yet."""

    sightline: OurRun | None
    yolov8n: RivalRun | None


class Detectors(TypedDict):
    """benchmarks/results/detector.json."""

    folds: list[Fold]


NOTHING: Fold = {"sightline": None, "yolov8n": None}


def run_rival(folder: Path, seed: int) -> RivalRun:
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
    return {
        "seed": result["seed"],
        "epochs": result["epochs"],
        "seconds": result["seconds"],
        "processor_seconds": result["processor_seconds"],
        "cores": result["cores"],
        "float": quality(test.truths, found, folder),
    }


def means(folds: list[Fold]) -> dict[str, float]:
    """Of each detector that was measured on every fold."""
    found: dict[str, float] = {}
    ours = [run for fold in folds if (run := fold["sightline"])]
    if len(ours) == len(folds):
        found |= _mean_quality("sightline float", [run["float"] for run in ours])
        found |= _mean_cost("sightline", ours)
        found |= _mean_quality("sightline int8", [run["int8"] for run in ours])
    theirs = [rival for fold in folds if (rival := fold["yolov8n"])]
    if len(theirs) == len(folds):
        found |= _mean_quality("yolov8n float", [run["float"] for run in theirs])
        found |= _mean_cost("yolov8n", theirs)
    return found


def _mean_quality(name: str, measured: list[Quality]) -> dict[str, float]:
    """A fold whose test images have no defect has no score, and can't be averaged."""
    return {
        f"{name} map50": round(float(np.mean([each["map50"] for each in measured])), 4),
        f"{name} map50_95": round(float(np.mean([each["map50_95"] for each in measured])), 4),
    }


def _mean_cost(name: str, runs: Sequence[Cost]) -> dict[str, float]:
    return {
        f"{name} training seconds": round(float(np.mean([run["seconds"] for run in runs])), 1),
        f"{name} training processor_seconds": round(float(np.mean([run["processor_seconds"] for run in runs])), 1),
    }


def shown(result: Detectors) -> list[Table | str]:
    rows = table("fold", "detector", "mAP@.50", "mAP@.50:.95", "training s", "processor s", "cores", "MB")
    for number, fold in enumerate(result["folds"]):
        ours, theirs = fold["sightline"], fold["yolov8n"]
        if ours:
            rows.add_row(str(number), "Sightline", *_cells(ours["float"], ours))
            rows.add_row(str(number), "Sightline int8", *_cells(ours["int8"], None))
        if theirs:
            rows.add_row(str(number), "YOLOv8n", *_cells(theirs["float"], theirs))
    averages = table("mean of the folds", "")
    for name, value in means(result["folds"]).items():
        averages.add_row(name, str(value))
    return [rows, averages]


def _cells(measured: Quality, training: Cost | None) -> list[str]:
    """Scores, what the training took where it is said in this row, and the size of the file if it is known."""
    numbers = (training["seconds"], training["processor_seconds"], training["cores"]) if training else None
    times = [f"{number:.0f}" for number in numbers] if numbers else ["", "", ""]
    size = f"{measured['size_bytes'] / 1e6:.2f}" if "size_bytes" in measured else ""
    return [f"{measured['map50']:.3f}", f"{measured['map50_95']:.3f}", *times, size]


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
        finish("detector", Detectors(folds=[NOTHING] * len(places)), shown)
    known = partial(before, len(places), hyperparameters)  # read anew each time: folds may be trained side by side
    for detector in ("sightline",) if given.without_yolo else ("sightline", "yolov8n"):
        for number in chosen:
            add_run(detector, number, places[number], hyperparameters, known)


def add_run(
    detector: str, number: int, place: Path, hyperparameters: dict[str, str], known: Callable[[], list[Fold]]
) -> None:
    """Train a detector on one fold and write the result, unless it is known already."""
    ours = detector == "sightline"
    if known()[number]["sightline" if ours else "yolov8n"]:
        return
    run: Fold = {
        "sightline": run_ours(place, number, hyperparameters) if ours else None,
        "yolov8n": None if ours else run_rival(place, number),
    }
    runs = known()
    earlier = runs[number]
    runs[number] = {
        "sightline": run["sightline"] or earlier["sightline"],
        "yolov8n": run["yolov8n"] or earlier["yolov8n"],
    }
    finish("detector", Detectors(folds=runs), shown)


def before(number: int, hyperparameters: dict[str, str]) -> list[Fold]:
    """For each fold, the runs of benchmarks/results/detector.json that would come out the same today."""
    path = RESULTS / "detector.json"
    known = json.loads(path.read_text())["folds"] if path.is_file() else []
    found: list[Fold] = []
    for fold in known:
        ours, theirs = fold["sightline"], fold["yolov8n"]
        chosen = {**hyperparameters, "seed": str(len(found))}
        same = ours and (ours["code"], ours["hyperparameters"]) == (code_digest(), chosen)
        same_rival = theirs and theirs["epochs"] == YOLO_EPOCHS
        found.append({"sightline": ours if same else None, "yolov8n": theirs if same_rival else None})
    return found or [NOTHING] * number


if __name__ == "__main__":
    main()
