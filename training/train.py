"""Train a detector: `train` of the training image, `python -m training.train` on this machine.

Reads the folders of the training image contract (docs/architecture.md), writes model.onnx, model.json and history.json,
and prints one line for each epoch, which the job's metric expressions read. A mistake in the input goes to the failure
file in one sentence, and the exit code is 1.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError
from training import job
from training.data import Sample, input_size, load, read_manifest
from training.export import OPSET, export
from training.hyperparameters import Hyperparameters
from training.quantize import quantize
from training.trainer import Trainer


class NothingToTrainError(SightlineError):
    """A channel without a single usable image."""


def folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable, default))


def read_channels(chosen: Hyperparameters) -> tuple[dict[str, Any], list[Sample], list[Sample]]:
    """dataset.json and the samples of the two channels. Raises NothingToTrainError when the training channel is empty."""
    data = folder("SM_CHANNEL_DATASET", "/opt/ml/input/data/dataset")
    description = json.loads((data / "dataset.json").read_text())
    records = read_manifest(data / "train.manifest")
    if not records:
        raise NothingToTrainError("train.manifest names no image; label some first")
    size = input_size(records, chosen.image_size)
    channels = []
    for name in ("train", "validation"):
        images = folder(f"SM_CHANNEL_{name.upper()}", f"/opt/ml/input/data/{name}")
        samples, problems = load(data / f"{name}.manifest", images, size)
        for problem in problems:
            print(f"left out of {name}: {problem}", flush=True)
        channels.append(samples)
    if not channels[0]:
        raise NothingToTrainError("no image of the training channel can be used; the log names each with the reason")
    return description, channels[0], channels[1]


def train() -> None:
    """The whole training job, from the channels to the model directory."""
    texts = json.loads((folder("SM_INPUT_DIR", "/opt/ml/input") / "config" / "hyperparameters.json").read_text())
    chosen = Hyperparameters.from_texts(texts)
    description, samples, validation = read_channels(chosen)
    names = [name for _, name in sorted(description["class_map"].items(), key=lambda entry: int(entry[0]))]
    print(
        f"training on {len(samples)} images, validating on {len(validation)}, classes: {', '.join(names)}", flush=True
    )
    trainer = Trainer(samples, validation, len(names), chosen)
    net, history = trainer.run()
    target = folder("SM_MODEL_DIR", "/opt/ml/model")
    target.mkdir(parents=True, exist_ok=True)
    export(net.cpu(), target / "model.onnx", trainer.height, trainer.width)
    quantize(target / "model.onnx", samples)
    model = {
        "classes": names,
        "input": {"height": trainer.height, "width": trainer.width, "resize": "letterbox", "pad_value": 114},
        "threshold": 0.5,  # evaluation chooses the thresholds
        "review_threshold": 0.25,
        "opset": OPSET,
        "training_job": os.environ.get("TRAINING_JOB_NAME", "by-hand"),
        "dataset_version": description["version"],
        "code_version": description["code_version"],
        "hyperparameters": chosen.as_dict(),
        "baseline": {},
        "golden": [],
    }
    (target / "model.json").write_text(json.dumps(model, indent=1))
    (target / "history.json").write_text(json.dumps(history))


def main() -> int:
    return job.run(train, folder("SM_OUTPUT_DIR", "/opt/ml/output") / "failure")


if __name__ == "__main__":
    sys.exit(main())
