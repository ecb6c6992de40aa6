"""The average of the weights follows a training of any length: the end of a short one is not drowned in its beginning."""

from collections.abc import Callable

import pytest
import torch

from training.trainer import Trainer


@pytest.mark.parametrize("epochs", [10, 60, 200])
def test_the_average_is_that_of_the_last_weights(tiny_trainer: Callable[..., Trainer], epochs: int) -> None:
    trainer = tiny_trainer(epochs=epochs)
    steps = epochs * trainer.batches.count
    for step in range(steps):
        with torch.no_grad():
            for weights in trainer.net.parameters():
                weights.fill_(float(step >= 0.75 * steps))
        trainer._average()
    assert min(float(weights.detach().min()) for weights in trainer.ema.parameters()) > 0.9
