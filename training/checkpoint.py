"""A training's whole state in one file after each epoch: one that was interrupted (managed spot) goes on exactly
there.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import torch

from training.data import Sample
from training.trainer import Trainer

NAME = "checkpoint.pt"


class Run(TypedDict):
    """What a training is of: where one field differs, a checkpoint is of another training."""

    hyperparameters: dict[str, float]
    dataset: list[str | list[str]]  # its version, its classes, digests of the training and validation samples
    start: str | None  # the training job whose weights it began with
    code: list[str]  # its digest, and PyTorch's version
    device: str


class Checkpoints:
    """The checkpoint in `folder` (None: none is kept) of the training that `run` describes, and of no other."""

    def __init__(self, folder: Path | None, run: Mapping[str, object]) -> None:
        self.folder, self.run = folder, run
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def save(self, trainer: Trainer) -> None:
        """Replace the checkpoint; whenever this is cut off, there is a whole one: the new one or the one before."""
        if not self.folder:
            return
        partial = self.folder / f"{NAME}.partial"
        torch.save({"run": self.run, "state": trainer.state()}, partial)
        partial.replace(self.folder / NAME)

    def resume(self, trainer: Trainer) -> None:
        """Bring `trainer` to where the checkpoint is; one that can't be used is said in one line and left alone."""
        if not self.folder:
            return
        partial, place = self.folder / f"{NAME}.partial", self.folder / NAME
        if partial.exists():
            print(f"{partial.name} was cut off while it was written; it is ignored", flush=True)
            partial.unlink()
        if not place.exists():
            return
        try:
            saved = torch.load(place, map_location="cpu", weights_only=True)
            others = [name for name, value in self.run.items() if saved["run"].get(name) != value]
            if others:
                print(f"{NAME} is of a training with other {', '.join(others)}; training from the start", flush=True)
                return
            trainer.restore(saved["state"])
        except Exception as error:  # whatever is wrong with the file: the training can be done without it
            said = str(error).partition("\n")[0]
            print(f"{NAME} can't be read ({type(error).__name__}: {said:.200}); training from the start", flush=True)
            return
        print(f"going on after epoch {trainer.epoch}, {trainer.seconds:.0f} s into the training", flush=True)


def digest(samples: list[Sample]) -> str:
    """The same only for the same pixels and labels under the same names in the same order."""
    found = hashlib.blake2b(digest_size=16)
    for sample in samples:
        found.update(f"{sample.name} {sample.pixels.shape} {sample.boxes.tolist()} {sample.classes.tolist()}".encode())
        found.update(sample.pixels.tobytes())
    return found.hexdigest()
