"""Train a detector: `train` of the training image, `python -m training.train` on this machine.

Reads the folders of the training image contract (docs/architecture.md), writes model.onnx, model.json and history.json,
and prints one line for each epoch, which the job's metric expressions read. A mistake in the input goes to the failure
file in one sentence, and the exit code is 1.
"""

import copy
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sightline.errors import SightlineError
from sightline.evaluation import Found, Truth, mean_ap
from training import job
from training.augment import augment
from training.data import Sample, input_size, load, read_manifest
from training.export import OPSET, Deployed, export
from training.hyperparameters import Hyperparameters
from training.loss import detection_loss
from training.model import STRIDE, DetectorNet, cell_centres
from training.quantize import quantize

EVALUATIONS = 30  # of the validation set in a whole training, at most


class NothingToTrainError(SightlineError):
    """A channel without a single usable image."""


def half_precision(device: torch.device) -> torch.dtype | None:
    """The 16-bit type that `device` computes with faster than with 32 bits, or None where there is none."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else None


class Trainer:
    """One training run on one device, reproducible on the same machine for the same seed."""

    def __init__(self, train: list[Sample], validation: list[Sample], classes: int, chosen: Hyperparameters) -> None:
        self.train_samples, self.validation, self.classes, self.chosen = train, validation, classes, chosen
        torch.manual_seed(chosen.seed)
        self.rng = np.random.default_rng(chosen.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.height, self.width = train[0].pixels.shape[:2]
        self.net = DetectorNet(classes).to(self.device)
        self.ema = copy.deepcopy(self.net).eval()
        decay: list[torch.nn.Parameter] = []
        plain: list[torch.nn.Parameter] = []
        for parameter in self.net.parameters():
            (decay if parameter.ndim > 1 else plain).append(parameter)
        groups = [{"params": decay, "weight_decay": chosen.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=chosen.learning_rate)
        self.precision = half_precision(self.device)
        self.scaler = torch.amp.GradScaler(enabled=self.precision is torch.float16)
        self.centres = cell_centres(self.height // STRIDE, self.width // STRIDE, self.device)
        self.steps = 0

    def run(self) -> tuple[DetectorNet, list[dict[str, float]]]:
        """Train to the end; answers the best averaged network (on the validation images) and the history by epoch."""
        chosen = self.chosen
        started, history = time.monotonic(), []
        best, best_score, waited, epochs = copy.deepcopy(self.ema), -1.0, 0, chosen.epochs
        epoch = 0
        while epoch < epochs:
            loss = self._epoch(epoch, epochs)
            epoch += 1
            spent = time.monotonic() - started
            epochs = max(epoch, min(chosen.epochs, int(chosen.max_seconds / spent * epoch)))
            entry: dict[str, float] = {"epoch": epoch, "seconds": round(spent, 1), "train:loss": round(loss, 4)}
            if epoch % max(1, epochs // EVALUATIONS) == 0 or epoch == epochs:
                map50, map50_95 = self._validate()
                entry |= {"validation:map50": round(map50, 4), "validation:map50_95": round(map50_95, 4)}
                # The finer measure counts too: among models that find the same, the one with the tighter boxes is kept.
                if map50 + map50_95 >= best_score:
                    best, best_score, waited = copy.deepcopy(self.ema), map50 + map50_95, 0
                else:
                    waited += 1
            history.append(entry)
            print(" ".join(f"{name}={value:g}" for name, value in entry.items()), flush=True)
            if waited >= chosen.patience:
                break
        return best, history

    def _epoch(self, epoch: int, epochs: int) -> float:
        """One pass over the training images; answers the mean loss."""
        self.net.train()
        losses = []
        mosaic = 0.0 if epoch >= 0.9 * epochs else self.chosen.mosaic  # the last epochs see pictures as they are
        batches = list(self._batches(mosaic))
        for number, (images, labels, classes) in enumerate(batches):
            self._set_rate((epoch + number / len(batches)) / epochs, epoch + number / len(batches))
            with torch.autocast(self.device.type, self.precision, enabled=self.precision is not None):
                logits, boxes = self.net(images)
            loss = detection_loss(logits.float(), boxes.float(), self.centres, labels, classes)
            self.optimizer.zero_grad(set_to_none=True)
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self._average()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))

    def _batches(self, mosaic: float) -> Iterator[tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]]:
        """Batches of augmented images, float32 [n, 3, H, W] in 0..1, with boxes and classes image by image."""
        order = self.rng.permutation(len(self.train_samples))
        # Batches of nearly the same size, so that no image is left out of an epoch.
        for part in np.array_split(order, math.ceil(len(order) / self.chosen.batch_size)):
            made = [augment(self.train_samples, int(index), mosaic, self.rng) for index in part]
            images = torch.stack([image for image, _, _ in made]).to(self.device, memory_format=torch.channels_last)
            boxes = [torch.from_numpy(boxes).float().to(self.device) for _, boxes, _ in made]
            classes = [torch.from_numpy(classes).long().to(self.device) for _, _, classes in made]
            yield images.float() / 255, boxes, classes

    def _set_rate(self, done: float, epoch: float) -> None:
        """Linear warm-up, then a cosine down to 2 % (Loshchilov & Hutter, "SGDR", 2017)."""
        rate = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        if self.chosen.warmup_epochs:
            rate *= min(1.0, (epoch + 0.1) / self.chosen.warmup_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = self.chosen.learning_rate * rate

    def _average(self) -> None:
        """Exponential moving average of the weights, which forgets its random start quickly."""
        self.steps += 1
        decay = self.chosen.ema_decay * (1 - math.exp(-self.steps / 100))
        with torch.no_grad():
            for mean, value in zip(self.ema.state_dict().values(), self.net.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(value, 1 - decay)
                else:
                    mean.copy_(value)

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        """mAP@.50 and mAP@.50:.95 of the averaged network on the validation images; 0 where there is no defect."""
        deployed = Deployed(self.ema, len(self.centres)).eval()
        truths, found = [], []
        for start in range(0, len(self.validation), self.chosen.batch_size):
            batch = self.validation[start : start + self.chosen.batch_size]
            images = torch.from_numpy(np.stack([sample.pixels for sample in batch])).to(self.device)
            boxes, scores, classes = (part.cpu().numpy() for part in deployed(images))
            found += [Found(b, s, c) for b, s, c in zip(boxes, scores, classes, strict=True)]
            truths += [Truth(sample.boxes, sample.classes) for sample in batch]
        map50, map50_95 = mean_ap(truths, found, self.classes)
        return map50 or 0.0, map50_95 or 0.0


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
