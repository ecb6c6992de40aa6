"""Warm start: the weights of the model in service as the start of a training.

`weights.pt` lies in what a training writes and never in what devices get. It is hostile until it is checked: only plain
tensors are read from it, and only of the names, shapes and types that the network has. The rows of the network that
answer for single classes are kept by the class's name; those of classes that are new start as the seed has them.
"""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import torch

from sightline.errors import SightlineError
from training.model import DetectorNet

WEIGHTS = "weights.pt"
MOST_BYTES = 1_000_000_000
MOST_CLASSES = 10_000
Tensors = dict[str, torch.Tensor]


class UnusableStartError(SightlineError):
    """Weights that a training can't start from."""


@dataclass(frozen=True)
class Start:
    """What an earlier training ended with: the state of its network, its classes in order, its name."""

    state: Tensors
    classes: list[str]
    training_job: str


def write(path: Path, net: DetectorNet, classes: list[str], training_job: str) -> None:
    torch.save({"state": net.state_dict(), "classes": classes, "training_job": training_job}, path)


def read(folder: Path) -> Start:
    """The weights in the model.tar.gz of a channel. Raises UnusableStartError in one sentence."""
    try:
        with tarfile.open(next(iter(sorted(folder.glob("*.tar.gz"))), folder / "model.tar.gz")) as tar:
            file = tar.extractfile(WEIGHTS)
            body = file.read(MOST_BYTES + 1) if file else b""
        found = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
        start = Start(found["state"], found["classes"], found["training_job"])
    except Exception as error:  # a file of anybody: whatever is wrong with it, the training can be done without it
        said = str(error).partition("\n")[0]
        raise UnusableStartError(f"{type(error).__name__}: {said:.200}") from error
    names = start.classes
    if not isinstance(names, list) or not 0 < len(names) <= MOST_CLASSES or len(set(map(str, names))) < len(names):
        raise UnusableStartError(f"its classes are no list of at most {MOST_CLASSES} different names")
    if not isinstance(start.state, dict) or not isinstance(start.training_job, str):
        raise UnusableStartError("it holds no state of a network")
    return start


def fit(start: Start, net: DetectorNet, classes: list[str]) -> Tensors:
    """The state that `net` (of `classes`) begins with. Raises UnusableStartError for weights of another network."""
    fresh = net.state_dict()
    expected = DetectorNet(len(start.classes)).state_dict()
    by_class = _by_class(len(classes))
    if start.state.keys() != expected.keys():
        raise UnusableStartError("it is of another architecture")
    begun = {}
    for name, value in start.state.items():
        wanted = expected[name]
        if not isinstance(value, torch.Tensor) or (value.shape, value.dtype) != (wanted.shape, wanted.dtype):
            raise UnusableStartError(f"it is of another architecture: {name} differs")
        if value.dtype.is_floating_point and not bool(value.isfinite().all()):
            raise UnusableStartError(f"{name} holds values that are no numbers")
        begun[name] = fresh[name].detach().cpu().clone() if name in by_class else value
    for name in by_class:
        for row, label in enumerate(classes):
            if label in start.classes:
                begun[name][row] = start.state[name][start.classes.index(label)]
    return begun


def _by_class(classes: int) -> set[str]:
    """The names of the tensors whose first dimension counts the classes: those that another class would change."""
    one, other = DetectorNet(classes).state_dict(), DetectorNet(classes + 1).state_dict()
    return {name for name in one if one[name].shape != other[name].shape}
