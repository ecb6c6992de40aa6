"""Evaluate a trained model: `evaluate` of the training image, `python -m training.evaluate` on this machine.

Measures the ONNX file that ships with the inference code that ships, candidate and champion on the same frozen test
images, and writes evaluation.json, report.html and the release (docs/reference/model-contract.md). PyTorch is not
needed.
"""

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np

from reporting import evaluation
from sightline.errors import SightlineError
from sightline.fields import Fields
from sightline.models import metrics, thresholds
from sightline.models.bootstrap import bootstrap_difference
from sightline.models.evaluation import (
    Bootstrap,
    ClassScores,
    Evaluation,
    Judged,
    Latency,
    Scores,
    ThresholdChoice,
)
from sightline.models.metrics import Found
from sightline.vision.appearance import Appearance, appearance, grey, spread
from sightline.vision.decode import Pixels
from sightline.vision.description import Baseline, GoldenImage
from sightline.vision.detector import Detection, Detector, UnusableModelError
from sightline.vision.letterbox import fit
from training import contract, job
from training.data import Images
from training.image_results import left_out, per_image, suspicious_labels
from training.inputs import UnusableInputError, is_number, read_dataset, read_json, unpack

INT8 = "model.int8.onnx"
FLOOR = 0.01  # detections below this score change no metric that anybody looks at
REPLICATES = 1000
GOLDEN = 3
LATENCY_RUNS = 30
REVIEW_SHARE = 0.6  # the review threshold, as a share of the decision threshold


class Compared(TypedDict):
    """The model in service on the same images, and the difference; or why there are none."""

    champion: Scores | None
    champion_error: str | None
    bootstrap: Bootstrap | None


class Variants(Compared):
    """What was measured of the candidate, the model in service and the int8 variant."""

    candidate: Scores | None  # None for an empty test set
    int8: Judged | None


class WatchedDetector(Detector):
    """The detector that ships, asked for its contract at every photo: NaN would be taken for "no defect", and not only
    here.
    """

    def __init__(self, folder: Path, file: str = "model.onnx") -> None:
        super().__init__(folder, file=file)
        self._session = _Watched(self._session, file, len(self.classes))


@dataclass(frozen=True)
class _Watched:
    """An onnxruntime session whose answers are checked before anybody reads them."""

    session: Any
    file: str
    classes: int

    def run(self, outputs: list[str], given: dict[str, Pixels]) -> Any:
        answers = self.session.run(outputs, given)
        contract.check_answers(answers, self.file, self.classes, 1)
        return answers


def detect_all(detector: Detector, images: Images) -> list[Found]:
    """What is found in each image. Raises InvalidModelError, naming the image, for an answer that breaks the
    contract.
    """
    found = []
    for name, body in zip(images.names, images.bodies, strict=True):
        try:
            found.append(as_found(detector.inspect(body, FLOOR)))
        except contract.InvalidModelError as error:
            raise contract.InvalidModelError(f"on {name} of the {images.split} set: {error}") from error
    return found


def as_found(detections: list[Detection]) -> Found:
    boxes = np.array([detection.box for detection in detections], dtype=np.float64).reshape(-1, 4)
    scores = np.array([detection.score for detection in detections])
    return Found(boxes, scores, np.array([detection.class_id for detection in detections], dtype=np.int64))


def scores(detector: Detector, images: Images, found: list[Found], threshold: float, file: Path) -> Scores:
    """One model's numbers as evaluation.json has them; `file` is the model's."""
    map50, map50_95 = metrics.mean_ap(images.truths, found, len(detector.classes))
    per_class: dict[str, ClassScores] = {}
    for class_id, name in enumerate(detector.classes):
        ap = metrics.class_ap(images.truths, found, class_id)
        per_class[name] = {
            "ap50": None if ap is None else float(ap[0]),
            "ap50_95": None if ap is None else float(ap.mean()),
            "recall": metrics.recall_at(images.truths, found, class_id, threshold),
        }
    return {
        "map50": map50,
        "map50_95": map50_95,
        "per_class": per_class,
        "confusion": thresholds.confusion(images.truths, found, threshold),
        "threshold": threshold,
        "latency_ms": latency(detector, images),
        "size_bytes": file.stat().st_size,
    }


def latency(detector: Detector, images: Images) -> Latency:
    """From image bytes to detections, one image at a time on one thread, in milliseconds."""
    times = []
    for number in range(LATENCY_RUNS):
        body = images.bodies[number % len(images.bodies)]
        start = time.perf_counter()
        detector.inspect(body)
        times.append((time.perf_counter() - start) * 1000)
    return {"median": round(float(np.median(times)), 3), "p95": round(float(np.percentile(times, 95)), 3)}


def choose_thresholds(detector: Detector, validation: Images, found: list[Found]) -> ThresholdChoice:
    """Set the decision and the review threshold on the validation images, never on the test images; answers how."""
    given = Fields(detector.model["hyperparameters"], "in the hyperparameters of model.json")
    escape_cost, alarm_cost = given.number("escape_cost", 0), given.number("alarm_cost", 0)
    threshold = thresholds.cheapest_threshold(validation.truths, found, escape_cost=escape_cost, alarm_cost=alarm_cost)
    detector.threshold = detector.model["threshold"] = round(threshold, 4)
    detector.review_threshold = detector.model["review_threshold"] = round(threshold * REVIEW_SHARE, 4)
    best = [float(one.scores.max()) if len(one.scores) else 0.0 for one in found]
    seen = [seen_by(detector, body) for body in validation.bodies]
    baseline: Baseline = {
        "images": len(best),
        "score_histogram": np.histogram(best, bins=20, range=(0, 1))[0].tolist(),
        "brightness_histogram": np.histogram([one.brightness for one in seen], bins=16, range=(0, 256))[0].tolist(),
        "appearance": spread(seen),
    }
    detector.model["baseline"] = baseline
    return {
        "escape_cost": escape_cost,
        "alarm_cost": alarm_cost,
        "threshold": detector.threshold,
        "images": len(best),
        "curve": thresholds.threshold_costs(validation.truths, found, escape_cost=escape_cost, alarm_cost=alarm_cost),
    }


def seen_by(detector: Detector, body: bytes) -> Appearance:
    """What an image looks like to the model, as the device measures it."""
    return appearance(grey(fit(body, detector.height, detector.width).shown))


def write_release(detector: Detector, source: Path, target: Path, test: Images) -> None:
    """model.onnx and its int8 variant, model.json and the golden images: what a device gets."""
    (target / "golden").mkdir(parents=True, exist_ok=True)
    for file in ("model.onnx", INT8):
        if (source / file).is_file():
            shutil.copyfile(source / file, target / file)
    # Some with a defect and one without, in the order of their names: the same test set gives the same golden images.
    order = sorted(range(len(test.names)), key=lambda n: (not len(test.truths[n].boxes), test.names[n]))
    golden: list[GoldenImage] = []
    for place, number in enumerate([*order[: GOLDEN - 1], *order[-1:]][: len(order)]):
        name = f"golden/{place}{Path(test.names[number]).suffix}"
        (target / name).write_bytes(test.bodies[number])
        sure = detector.inspect(test.bodies[number], detector.threshold)
        golden.append({"image": name, "detections": [detection.as_dict() for detection in sure]})
    detector.model["golden"] = golden
    (target / "model.json").write_text(json.dumps(detector.model, indent=1))


def judge_champion(root: Path, test: Images, classes: list[str], ours: list[Found]) -> Compared:
    """The champion's numbers on the same images, and the difference; or why there are none."""
    if not (root / "input" / "champion").is_dir():
        return {"champion": None, "champion_error": None, "bootstrap": None}
    try:
        numbers, theirs = measure_champion(root, test, classes)
    except Exception as error:  # whatever is wrong with the champion must not stop its successor
        reason = str(error) if isinstance(error, SightlineError) else f"{type(error).__name__}: {error}"
        return {"champion": None, "champion_error": " ".join(reason.split()), "bootstrap": None}
    difference = bootstrap_difference(
        test.truths, test.groups, ours, theirs, len(classes), replicates=REPLICATES, seed=0
    )
    bootstrap: Bootstrap = {"difference_map50": difference, "replicates": REPLICATES}
    return {"champion": numbers, "champion_error": None, "bootstrap": bootstrap}


def measure_champion(root: Path, test: Images, classes: list[str]) -> tuple[Scores, list[Found]]:
    """The champion's numbers and what it finds. Raises UnusableModelError when it knows other classes."""
    folder = unpack(root / "input" / "champion", root / "work" / "champion")
    detector = WatchedDetector(folder)
    if detector.classes != classes:
        raise UnusableModelError(f"it knows other classes: {', '.join(detector.classes)}")
    found = detect_all(detector, test)
    return scores(detector, test, found, detector.threshold, folder / "model.onnx"), found


def measure_int8(source: Path, detector: Detector, test: Images, found: list[Found]) -> Judged | None:
    """The int8 variant as an evaluation of its own, in which the float model is the champion; None where there is
    none.
    """
    if not (source / INT8).is_file():
        return None
    contract.describe(source / INT8)
    small = WatchedDetector(source, file=INT8)
    theirs = detect_all(small, test)
    difference = bootstrap_difference(
        test.truths, test.groups, theirs, found, len(detector.classes), replicates=REPLICATES, seed=0
    )
    return {
        "test_images": len(test.names),
        "candidate": scores(small, test, theirs, detector.threshold, source / INT8),
        # Of the float model only what the difference is of: its other numbers are the candidate's in evaluation.json.
        "champion": cast(Scores, {"map50": metrics.mean_ap(test.truths, found, len(detector.classes))[0]}),
        "bootstrap": {"difference_map50": difference, "replicates": REPLICATES},
    }


def load_candidate(inputs: Path, work: Path, wanted: list[str]) -> tuple[Path, Detector]:
    """The model that is to be judged, whoever trained it. Raises InvalidModelError when it breaks the contract or knows
    other classes than the dataset.
    """
    source = unpack(inputs / "model", work / "model")
    described = contract.describe(source / "model.onnx")
    if described["classes"] != wanted:
        ours, theirs = ", ".join(described["classes"]), ", ".join(wanted)
        raise contract.InvalidModelError(f"the model's classes are {ours}; the dataset's are {theirs}, in this order")
    (source / "model.json").write_text(json.dumps(described, indent=1))
    return source, WatchedDetector(source)


def evaluate(root: Path) -> Evaluation:
    """Do the whole processing job below `root`; answers what evaluation.json says."""
    inputs, output = root / "input", root / "output"
    output.mkdir(parents=True, exist_ok=True)
    dataset = read_dataset(inputs / "dataset")
    source, detector = load_candidate(inputs, root / "work", dataset.classes)
    validation, test = (Images(inputs / "dataset", inputs / split, split) for split in ("validation", "test"))
    validated = detect_all(detector, validation)
    choice = choose_thresholds(detector, validation, validated)
    found = detect_all(detector, test)
    result: Evaluation = {
        "training_job": os.environ.get("TRAINING_JOB_NAME", detector.model["training_job"]),
        "dataset_version": dataset.version,
        "test_images": len(test.names),
        "test_groups": len(set(test.groups)),
        **measure(root, source, detector, test, found),
        "threshold_choice": choice,
        "undecodable": [entry for images in (validation, test) for entry in left_out(images, decoded=False)],
        "left_out": [entry for images in (validation, test) for entry in left_out(images, decoded=True)],
        "suspicious_labels": suspicious_labels(detector, (test, found), (validation, validated)),
        "per_image": per_image(test, found, detector.threshold, detector.classes),
    }
    (output / "evaluation.json").write_text(json.dumps(result, indent=1))
    write_release(detector, source, output, test)
    history = read_history(source / "history.json")
    curves = {
        name: metrics.precision_recall(test.truths, found, number) for number, name in enumerate(detector.classes)
    }
    by_split = {"test": test, "validation": validation}
    page = evaluation.render(result, history, curves, lambda split, name: by_split[split].pixels(name))
    (output / "report.html").write_text(page)
    return result


def read_history(path: Path) -> list[dict[str, float]]:
    """How the training went, for the report's charts: what is drawable of it. Who trains elsewhere may leave none or
    another.
    """
    if not path.is_file():
        return []
    try:
        entries = read_json(path)
    except UnusableInputError as error:
        print(f"the report has no charts of the training: {error}", flush=True)
        return []
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    drawable = [{name: value for name, value in entry.items() if is_number(value)} for entry in entries]
    return [entry for entry in drawable if "epoch" in entry]


def measure(root: Path, source: Path, detector: Detector, test: Images, found: list[Found]) -> Variants:
    """Candidate, champion and int8 variant on the test images; nothing where there is no test image to measure on."""
    if not test.names:
        reason = "there is no test image to measure it on"
        return {"candidate": None, "champion": None, "champion_error": reason, "bootstrap": None, "int8": None}
    return {
        "candidate": scores(detector, test, found, detector.threshold, source / "model.onnx"),
        **judge_champion(root, test, detector.classes, found),
        "int8": measure_int8(source, detector, test, found),
    }


def main() -> int:
    root = Path(os.environ.get("SIGHTLINE_PROCESSING_DIR", "/opt/ml/processing"))

    def work() -> None:
        result = evaluate(root)
        candidate = result["candidate"]
        map50, map50_95 = (candidate["map50"], candidate["map50_95"]) if candidate else (None, None)
        print(f"test:map50={map50} test:map50_95={map50_95} images={result['test_images']}")

    return job.run(work, root / "output" / "failure")


if __name__ == "__main__":
    sys.exit(main())
