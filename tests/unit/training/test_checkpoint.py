"""A training goes on where its checkpoint is, with the same bits; a checkpoint that does not fit is not used."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from training.checkpoint import NAME, Checkpoints, digest
from training.trainer import COUNTS, STATEFUL, Trainer

RUN = {"dataset": "v1", "hyperparameters": {"epochs": 3}}
Make = Callable[..., Trainer]


def test_the_state_after_an_epoch_is_all_that_the_next_depends_on(tiny_trainer: Make, tmp_path: Path) -> None:
    first = tiny_trainer()
    kept = Checkpoints(tmp_path, RUN)
    first.run(lambda trainer: kept.save(trainer) if trainer.epoch == 2 else None)
    second = tiny_trainer()
    Checkpoints(tmp_path, RUN).resume(second)
    assert (second.epoch, second.seconds > 0) == (2, True)
    second.run()
    assert [one["train:loss"] for one in second.history] == [one["train:loss"] for one in first.history]
    for name in ("net", "ema", "best"):
        pairs = zip(getattr(first, name).parameters(), getattr(second, name).parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def change(spoil: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Spoil the state in a checkpoint of the right run."""

    def rewrite(path: Path) -> None:
        saved = torch.load(path, weights_only=True)
        spoil(saved["state"])
        torch.save(saved, path)

    return rewrite


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("code that a checkpoint brought was run",)


@pytest.mark.parametrize(
    ("spoil", "run", "said"),
    [
        (truncate, RUN, "checkpoint.pt can't be read (RuntimeError: "),
        (lambda path: path.write_bytes(b""), RUN, "checkpoint.pt can't be read (EOFError: "),
        (lambda path: torch.save({"state": {}}, path), RUN, "checkpoint.pt can't be read (KeyError: 'run')"),
        (change(lambda state: state.pop("net")), RUN, "checkpoint.pt can't be read (KeyError: 'net')"),
        (change(lambda state: state.pop("rng")), RUN, "checkpoint.pt can't be read (KeyError: 'rng')"),
        (change(lambda state: state["ema"].popitem()), RUN, "checkpoint.pt can't be read (RuntimeError: "),
        (change(lambda state: state.update(epoch="2")), RUN, "checkpoint.pt can't be read (TypeError: epoch is '2')"),
        (lambda path: torch.save(Evil(), path), RUN, "checkpoint.pt can't be read (UnpicklingError: "),
        (lambda path: None, RUN | {"dataset": "v2"}, "checkpoint.pt is of a training with other dataset; "),
        (lambda path: None, {"dataset": "v2", "hyperparameters": {}}, "with other dataset, hyperparameters; "),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_said_in_one_line_and_not_used(
    tiny_trainer: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Any, run: Any, said: str
) -> None:
    trainer = tiny_trainer()
    Checkpoints(tmp_path, RUN).save(trainer)
    spoil(tmp_path / NAME)
    Checkpoints(tmp_path, run).resume(trainer)
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), said in lines[0], lines[0].endswith("training from the start")) == (1, True, True)
    assert trainer.epoch == 0


def test_a_checkpoint_that_is_refused_leaves_nothing_of_itself_behind(tiny_trainer: Make, tmp_path: Path) -> None:
    kept, first = Checkpoints(tmp_path, RUN), tiny_trainer(epochs=1)
    first.run(kept.save)
    change(lambda state: state.pop("rng"))(tmp_path / NAME)  # the last that is read
    second = tiny_trainer(epochs=1)
    kept.resume(second)
    second.run()
    assert second.history[0]["train:loss"] == first.history[0]["train:loss"]
    assert all(torch.equal(a, b) for a, b in zip(first.net.parameters(), second.net.parameters(), strict=True))


def test_without_a_folder_nothing_is_kept(tiny_trainer: Make) -> None:
    kept = Checkpoints(None, RUN)
    kept.save(tiny_trainer())
    kept.resume(tiny_trainer())


def test_the_digest_of_a_dataset_changes_with_a_pixel_and_with_a_label(tiny_trainer: Make) -> None:
    samples = tiny_trainer().validation
    before = digest(samples)
    assert digest(samples) == before
    pixels = samples[1].pixels.copy()
    pixels[0, 0, 0] += 1
    others = [
        [samples[0], replace(samples[1], pixels=pixels)],
        [samples[0], replace(samples[1], boxes=samples[1].boxes + 1)],
        [samples[0], replace(samples[1], name="other.png")],
        samples[::-1],
    ]
    assert len({before, *map(digest, others)}) == 5


def test_the_time_limit_counts_over_restarts(tiny_trainer: Make, tmp_path: Path) -> None:
    first = tiny_trainer(epochs=1000, max_seconds=1.0)
    first.seconds = 0.5  # as if half of the time had passed before an interruption
    state = first.state()
    assert list(state) == [*STATEFUL, *COUNTS, "rng"]
    second = tiny_trainer(epochs=1000, max_seconds=1.0)
    second.restore(state)
    second.run()
    assert second.history[0]["seconds"] > 0.5
    assert second.epoch < 1000


def test_training_stops_when_enough_evaluations_bring_nothing_better(
    tiny_trainer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny_trainer(epochs=20, patience=3)
    scores = iter([(0.1, 0.1), (0.5, 0.2), (0.4, 0.1), (0.3, 0.3), (0.2, 0.2)])
    monkeypatch.setattr(trainer, "_validate", lambda: next(scores))
    net, history = trainer.run()
    assert (len(history), trainer.best_score) == (5, 0.7)
    # Interrupted after its end, it does not go on.
    again = tiny_trainer(epochs=20, patience=3)
    again.restore(trainer.state())
    assert len(again.run()[1]) == 5
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.best.parameters(), strict=True))
