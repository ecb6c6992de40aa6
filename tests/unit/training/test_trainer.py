"""The average of the weights follows a training of any length: the end of a short one is not drowned in its
beginning.
"""

from collections.abc import Callable

import pytest
import torch

from training.train import say_nothing_was_learned
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


@pytest.mark.parametrize(
    ("score", "labelled", "said"),
    [
        (0.0, True, "no validation score above 0 after 2 evaluations; is learning_rate too high?\n"),
        (0.1, True, ""),
        (0.0, False, ""),  # without a labelled defect there is nothing to score
    ],
)
def test_a_training_that_never_scored_says_so_at_its_end(
    tiny_trainer: Callable[..., Trainer], capsys: pytest.CaptureFixture[str], score: float, labelled: bool, said: str
) -> None:
    trainer = tiny_trainer()
    trainer.best_score, trainer.history = score, [{"validation:map50": 0.0}, {}, {"validation:map50": score}]
    if not labelled:
        trainer.validation = [sample for sample in trainer.validation if not len(sample.boxes)]
    say_nothing_was_learned(trainer)
    assert capsys.readouterr().out == said
