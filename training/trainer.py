"""One training run: the network, its average, the optimizer, and the loop over epochs."""

import copy
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict

import numpy as np
import torch

from sightline.models.hyperparameters import Hyperparameters
from sightline.models.metrics import Found, Truth, mean_ap
from training.data import Sample
from training.export import Deployed
from training.loader import Batches
from training.loss import detection_loss
from training.model import STRIDE, DetectorNet, cell_centres
from training.optimizer import Muon
from training.progress import Progress

EVALUATIONS = 30  # of the validation set in a whole training, at most
STATEFUL = (
    "net",
    "ema",
    "best",
    "optimizer",
    "scaler",
)  # of a Trainer; with COUNTS and the random numbers its TrainerState
COUNTS = ("steps", "epoch", "epochs", "seconds", "best_score", "waited", "history")
AVERAGED = 0.03  # share of a training's steps that the average of the weights reaches back over
PLAIN_EPOCHS = 0.1  # share of epochs, the last ones, that see pictures as they are


class Generators(TypedDict):
    """The states of PyTorch's random numbers."""

    cpu: torch.Tensor
    cuda: NotRequired[torch.Tensor]


class TrainerState(TypedDict):
    """Everything that the next epoch depends on, as tensors and plain values."""

    net: dict[str, torch.Tensor]
    ema: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    optimizer: dict[str, object]  # PyTorch's own, like the scaler's
    scaler: dict[str, object]
    steps: int
    epoch: int
    epochs: int
    seconds: float
    best_score: float
    waited: int
    history: list[dict[str, float]]
    rng: Generators


def half_precision(device: torch.device) -> torch.dtype | None:
    """The 16-bit type that `device` computes with faster than with 32 bits, or None where there is none."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else None


class Trainer:
    """One training run on one device, reproducible on the same machine for the same seed."""

    def __init__(self, train: list[Sample], validation: list[Sample], classes: int, chosen: Hyperparameters) -> None:
        self.validation, self.classes, self.chosen = validation, classes, chosen
        torch.manual_seed(chosen.seed)
        self.device = _device()
        self.height, self.width = train[0].pixels.shape[:2]
        self.batches = Batches(train, chosen.batch_size, chosen.seed)
        # Channels last: on a CPU convolutions take a third less time.
        self.net = DetectorNet(classes).to(self.device)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs
        self.ema = copy.deepcopy(self.net).eval()
        self.best = copy.deepcopy(self.ema)  # the average with the best validation so far
        self.optimizer = Muon(self.net, chosen.learning_rate, chosen.weight_decay)
        self.precision = half_precision(self.device)
        self.scaler = torch.amp.GradScaler(enabled=self.precision is torch.float16)
        self.centres = cell_centres(self.height // STRIDE, self.width // STRIDE, self.device)
        self.steps, self.epoch, self.epochs = 0, 0, chosen.epochs
        self.seconds, self.best_score, self.waited = 0.0, -1.0, 0
        self.history: list[dict[str, float]] = []
        self.progress = Progress()

    def run(
        self, after_epoch: Callable[["Trainer"], None] = lambda _: None
    ) -> tuple[DetectorNet, list[dict[str, float]]]:
        """Train to the end; answers the best averaged network (on the validation images) and the history by epoch.

        `after_epoch` is called before the epoch is said to be done: what it saves is there when the log says so.
        """
        while self.epoch < self.epochs and self.waited < self.chosen.patience:
            entry = self._next_epoch()
            after_epoch(self)
            self.progress.epoch(entry)
        self.progress.end()
        return self.best, self.history

    def start_from(self, state: dict[str, torch.Tensor]) -> None:
        """Begin with these weights instead of random ones."""
        for net in (self.net, self.ema, self.best):
            net.load_state_dict(state)

    def throughput(self) -> float:
        """Training images per second, augmentation included and validation not: the median of the epochs."""
        return round(statistics.median(entry["throughput:images_per_second"] for entry in self.history), 2)

    def state(self) -> TrainerState:
        rng: Generators = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            rng["cuda"] = torch.cuda.get_rng_state()
        return {
            "net": self.net.state_dict(),
            "ema": self.ema.state_dict(),
            "best": self.best.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "steps": self.steps,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "seconds": self.seconds,
            "best_score": self.best_score,
            "waited": self.waited,
            "history": self.history,
            "rng": rng,
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on where `state` was taken, bit by bit the same on the same machine; one that can't be used changes
        nothing.
        """
        before = copy.deepcopy(self.state())
        try:
            self._take(state)
        except Exception:  # of a half-taken state nothing may stay: the training goes on from what was before
            self._take(before)
            raise

    def _take(self, state: Mapping[str, object]) -> None:
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        for name in COUNTS:
            if type(state[name]) is not type(getattr(self, name)):
                raise TypeError(f"{name} is {state[name]!r:.50}")
            setattr(self, name, state[name])
        rng = state["rng"]
        if not isinstance(rng, dict):
            raise TypeError(f"rng is {rng!r:.50}")
        torch.set_rng_state(rng["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(rng["cuda"])

    def _next_epoch(self) -> dict[str, float]:
        """Train one epoch and, every few epochs, validate; answers the new entry of the history."""
        started, chosen = time.monotonic(), self.chosen
        loss = self._train_epoch()
        rate = self.batches.images / (time.monotonic() - started)
        self.epoch += 1
        spent = self.seconds + time.monotonic() - started
        self.epochs = max(self.epoch, min(chosen.epochs, int(chosen.max_seconds / spent * self.epoch)))
        entry: dict[str, float] = {"epoch": self.epoch, "epochs": self.epochs, "seconds": round(spent, 1)}
        entry["train:loss"] = round(loss, 4)
        if self.epoch % max(1, self.epochs // EVALUATIONS) == 0 or self.epoch == self.epochs:
            map50, map50_95 = self._validate()
            entry |= {"validation:map50": round(map50, 4), "validation:map50_95": round(map50_95, 4)}
            # The finer measure counts too: among models that find the same, the one with the tighter boxes is kept.
            if map50 + map50_95 >= self.best_score:
                self.best.load_state_dict(self.ema.state_dict())
                self.best_score, self.waited = map50 + map50_95, 0
            else:
                self.waited += 1
        entry["throughput:images_per_second"] = round(rate, 2)
        self.history.append(entry)
        self.seconds += time.monotonic() - started
        return entry

    def _train_epoch(self) -> float:
        """One pass over the training images; answers the mean loss."""
        self.net.train()
        losses = []
        mosaic = 0.0 if self.epoch >= (1 - PLAIN_EPOCHS) * self.epochs else self.chosen.mosaic
        for number, (images, boxes, classes) in enumerate(self.batches.epoch(self.epoch, mosaic)):
            self._set_rate(self.epoch + number / self.batches.count)
            losses.append(self._step(images, boxes, classes))
            self.progress.batch(self.epoch + (number + 1) / self.batches.count, self.epochs)
        return float(np.mean(losses))

    def _step(self, images: torch.Tensor, boxes: list[torch.Tensor], classes: list[torch.Tensor]) -> float:
        """Learn from one batch (see Batches.epoch); answers its loss."""
        images = images.to(self.device, memory_format=torch.channels_last).float() / 255
        with torch.autocast(self.device.type, self.precision, enabled=self.precision is not None):
            logits, found = self.net(images)
        labels = [one.to(self.device) for one in boxes]
        kinds = [one.to(self.device) for one in classes]
        loss = detection_loss(logits.float(), found.float(), self.centres, labels, kinds)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(loss))
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._average()
        return float(loss.detach())

    def _set_rate(self, epoch: float) -> None:
        """Linear warm-up, then a cosine down to 2 % (Loshchilov & Hutter, "SGDR", 2017)."""
        rate = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(epoch / self.epochs, 1.0)))
        if self.chosen.warmup_epochs:
            rate *= min(1.0, (epoch + 0.1) / self.chosen.warmup_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = self.chosen.learning_rate * rate

    def _average(self) -> None:
        """Exponential moving average of the weights. In a short training it reaches back less far, and at first hardly
        at all.
        """
        self.steps += 1
        reach = min(AVERAGED * self.epochs * self.batches.count, self.steps / 10)
        decay = min(self.chosen.ema_decay, 1 - 1 / (1 + reach))
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
        return float(map50 or 0.0), float(map50_95 or 0.0)  # plain: a checkpoint holds nothing else


def _device() -> torch.device:
    """The GPU, where there is one, set to give the same result for the same input; else the CPU, which does."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    return torch.device("cuda")
