"""Small trainings, in memory and in folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sightline.models.hyperparameters import Hyperparameters
from tests import drawn
from tests.drawn import Job, samples
from training.trainer import Trainer

torch.set_num_threads(1)  # images this small are slower with more, and much slower beside other work


@pytest.fixture
def draw_channels(tmp_path: Path) -> Callable[..., Path]:
    """`draw_channels(size=(w, h), mode=…, suffix=…, classes=[…])`: see tests/drawn.py."""
    return lambda **given: drawn.draw_channels(tmp_path / "channels", **given)


@pytest.fixture
def tiny_trainer() -> Callable[..., Trainer]:
    """`tiny_trainer(epochs=3, …)`: a training on four images in memory, validated on two."""

    def make(**hyperparameters: Any) -> Trainer:
        chosen = Hyperparameters(**{"epochs": 3, "batch_size": 2, "warmup_epochs": 0} | hyperparameters)
        return Trainer(samples(4), samples(6)[4:], 1, chosen)

    return make


@pytest.fixture
def job() -> type[Job]:
    return Job
