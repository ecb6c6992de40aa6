"""Train a detector: `train` of the training image, `python -m training.train` on this machine.

Reads the folders of the training image contract (docs/reference/model-contract.md), writes model.onnx, model.json,
history.json and weights.pt, keeps a checkpoint after each epoch, and prints one line for each epoch, which the job's
metric expressions read. A mistake in the input goes to the failure file in one sentence, and the exit code is 1.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from sightline.errors import SightlineError
from sightline.models.hyperparameters import Hyperparameters
from sightline.vision.description import ModelDescription, Origin
from training import job, warm_start
from training.checkpoint import Checkpoints, Run, digest
from training.code_digest import code_digest
from training.data import Sample, input_size, load
from training.export import OPSET, export
from training.hardware import check_gpu
from training.inputs import read_dataset, read_json, read_manifest
from training.model import DetectorNet
from training.quantize import quantize
from training.trainer import Trainer


class NothingToTrainError(SightlineError):
    """A channel without a single usable image."""


def folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable, default))


def read_channels(data: Path, classes: int, chosen: Hyperparameters) -> tuple[list[Sample], list[Sample]]:
    """The samples of the two channels of a dataset. Raises NothingToTrainError when the training channel is empty."""
    records, problems = read_manifest(data / "train.manifest", classes)
    if not records and not problems:
        raise NothingToTrainError("train.manifest names no image; label some first")
    # Where no record can be used, the size is of no image: each is said below with its reason.
    size = input_size(records, chosen.image_size) if records else (chosen.image_size, chosen.image_size)
    channels = []
    for name in ("train", "validation"):
        images = folder(f"SM_CHANNEL_{name.upper()}", f"/opt/ml/input/data/{name}")
        samples, said = load(data / f"{name}.manifest", images, size, classes)
        for problem in said:
            print(f"left out of {name}: {problem}", flush=True)
        channels.append(samples)
    if not channels[0]:
        raise NothingToTrainError("no image of the training channel can be used; the log names each with the reason")
    return channels[0], channels[1]


def checkpoints(run: Mapping[str, object]) -> Checkpoints:
    """Where SageMaker keeps checkpoints, if it does: the folder is there, or the variable names another."""
    place = folder("SM_CHECKPOINT_DIR", "/opt/ml/checkpoints")
    return Checkpoints(place if "SM_CHECKPOINT_DIR" in os.environ or place.is_dir() else None, run)


def start_warm(trainer: Trainer, names: list[str]) -> str | None:
    """Give `trainer` the champion's weights, where they are asked for and can be used; answers whose they are."""
    if not trainer.chosen.warm_start:
        return None
    place = folder("SM_CHANNEL_CHAMPION", "/opt/ml/input/data/champion")
    if not place.is_dir():
        print("warm start: there is no champion; training from scratch", flush=True)
        return None
    try:
        start = warm_start.read(place)
        trainer.start_from(warm_start.fit(start, trainer.net, names))
    except warm_start.UnusableStartError as error:
        print(f"warm start: the champion's weights can't be used: {error}; training from scratch", flush=True)
        return None
    new = [name for name in names if name not in start.classes]
    print(f"warm start from {start.training_job}; new classes: {', '.join(new) or 'none'}", flush=True)
    return start.training_job


def say_nothing_was_learned(trainer: Trainer) -> None:
    """One line where no evaluation found any defect that is labelled: nothing else says why such a model is useless."""
    evaluations = sum("validation:map50" in entry for entry in trainer.history)
    if trainer.best_score <= 0 and any(len(sample.boxes) for sample in trainer.validation):
        print(f"no validation score above 0 after {evaluations} evaluations; is learning_rate too high?", flush=True)


def train() -> None:
    """The whole training job, from the channels to the model directory."""
    config = folder("SM_INPUT_DIR", "/opt/ml/input") / "config"
    check_gpu(config, has_cuda=torch.cuda.is_available())
    chosen = Hyperparameters.from_texts(read_json(config / "hyperparameters.json"))
    data = folder("SM_CHANNEL_DATASET", "/opt/ml/input/data/dataset")
    dataset = read_dataset(data)
    names = dataset.classes
    samples, validation = read_channels(data, len(names), chosen)
    print(
        f"training on {len(samples)} images, validating on {len(validation)}, classes: {', '.join(names)}", flush=True
    )
    trainer = Trainer(samples, validation, len(names), chosen)
    print(f"training on {device_name(trainer.device)}, at most {trainer.epochs} epochs", flush=True)
    started_from = start_warm(trainer, names)
    run: Run = {
        "hyperparameters": chosen.as_dict(),
        "dataset": [dataset.version, names, digest(samples), digest(validation)],
        "start": started_from,
        "code": [code_digest(), str(torch.__version__)],
        "device": device_name(trainer.device),
    }
    kept = checkpoints(run)
    kept.resume(trainer)
    net, _ = trainer.run(kept.save)
    say_nothing_was_learned(trainer)
    print(f"throughput:images_per_second={trainer.throughput():g}", flush=True)
    origin: Origin = {
        "started_from": started_from,
        "dataset_version": dataset.version,
        "code_version": dataset.code_version,
        "throughput": {"images_per_second": trainer.throughput(), "device": run["device"]},
    }
    write_model(trainer, net.cpu(), samples, names, origin)


def write_model(trainer: Trainer, net: DetectorNet, samples: list[Sample], names: list[str], origin: Origin) -> None:
    """Fill the model directory."""
    target = folder("SM_MODEL_DIR", "/opt/ml/model")
    target.mkdir(parents=True, exist_ok=True)
    export(net, target / "model.onnx", trainer.height, trainer.width)
    quantize(target / "model.onnx", samples)
    training_job = os.environ.get("TRAINING_JOB_NAME", "by-hand")
    warm_start.write(target / warm_start.WEIGHTS, net, names, training_job)
    model: ModelDescription = {
        "classes": names,
        "input": {"height": trainer.height, "width": trainer.width, "resize": "letterbox", "pad_value": 114},
        "threshold": 0.5,  # evaluation chooses the thresholds
        "review_threshold": 0.25,
        "opset": OPSET,
        "training_job": training_job,
        "hyperparameters": trainer.chosen.as_dict(),
        "baseline": {},
        "golden": [],
        **origin,
    }
    (target / "model.json").write_text(json.dumps(model, indent=1))
    (target / "history.json").write_text(json.dumps(trainer.history))


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{os.cpu_count()} CPU cores"


def main() -> int:
    return job.run(train, folder("SM_OUTPUT_DIR", "/opt/ml/output") / "failure")


if __name__ == "__main__":
    sys.exit(main())
