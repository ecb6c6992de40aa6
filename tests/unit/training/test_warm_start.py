"""Weights of an earlier model: kept by the class's name, and hostile until they are checked."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from training import train, warm_start
from training.model import DetectorNet
from training.warm_start import UnusableStartError


def archive(folder: Path, body: bytes, name: str = "weights.pt") -> Path:
    folder.mkdir(exist_ok=True)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(body)
        tar.addfile(member, io.BytesIO(body))
    return folder


def saved(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def weights(known: list[str], **changes: Any) -> dict[str, Any]:
    torch.manual_seed(len(known))
    return {"state": DetectorNet(len(known)).state_dict(), "classes": known, "training_job": "old"} | changes


def test_known_classes_keep_their_rows_by_name_and_new_ones_start_afresh(tmp_path: Path) -> None:
    given = weights(["scratch", "dent", "rust"])
    start = warm_start.read(archive(tmp_path, saved(given)))
    net = DetectorNet(3)
    begun = warm_start.fit(start, net, ["rust", "hole", "scratch"])
    rows = [name for name in begun if not torch.equal(begun[name], given["state"][name])]
    assert rows  # some tensors answer for classes; every other one is the champion's
    for name in rows:
        old, fresh = given["state"][name], net.state_dict()[name]
        assert torch.equal(begun[name], torch.stack([old[2], fresh[1], old[0]]))
    net.load_state_dict(begun)


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("code that weights brought was run",)


def without_last(state: dict[str, Any]) -> dict[str, Any]:
    return dict(list(state.items())[:-1])


def with_nan(state: dict[str, Any]) -> dict[str, Any]:
    first = next(iter(state))
    return state | {first: torch.full_like(state[first], float("nan"))}


NET = weights(["scratch"])["state"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no weights", "UnpicklingError"),
        (saved(Evil()), "UnpicklingError"),
        (saved({"state": NET}), "KeyError: 'classes'"),
        (saved(weights(["scratch"], classes=["a", "a"])), "no list of at most"),
        (saved(weights(["scratch"], classes=list(map(str, range(20_000))))), "no list of at most"),
        (saved(weights(["scratch"], state=[1])), "no state of a network"),
        (saved(weights(["scratch"], state=without_last(NET))), "another architecture"),
        (saved(weights(["scratch"], classes=["a", "b"])), "another architecture: "),
        (saved(weights(["scratch"], state=NET | {next(iter(NET)): "text"})), "another architecture: "),
        (saved(weights(["scratch"], state=with_nan(NET))), "values that are no numbers"),
    ],
)
def test_weights_that_cannot_be_used_are_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: bytes, said: str
) -> None:
    with pytest.raises(UnusableStartError, match=said):
        warm_start.fit(warm_start.read(archive(tmp_path, body)), DetectorNet(1), ["scratch"])
    assert capsys.readouterr().out == ""


def test_an_archive_without_weights_or_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnusableStartError, match=r"weights\.pt"):
        warm_start.read(archive(tmp_path, b"x", name="model.onnx"))
    (tmp_path / "model.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UnusableStartError, match="ReadError"):
        warm_start.read(tmp_path)


def test_a_training_starts_from_the_champion_or_says_why_it_does_not(
    tiny_trainer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SM_CHANNEL_CHAMPION", str(tmp_path / "champion"))
    trainer = tiny_trainer(warm_start=1)
    assert train.start_warm(trainer, ["scratch"]) is None
    archive(tmp_path / "champion", b"no weights")
    assert train.start_warm(trainer, ["scratch"]) is None
    given = weights(["scratch"])
    archive(tmp_path / "champion", saved(given))
    assert train.start_warm(tiny_trainer(warm_start=0), ["scratch"]) is None
    assert train.start_warm(trainer, ["scratch"]) == "old"
    assert all(torch.equal(value, given["state"][name]) for name, value in trainer.ema.state_dict().items())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "warm start: there is no champion; training from scratch"
    assert lines[1].startswith("warm start: the champion's weights can't be used: UnpicklingError: ")
    assert lines[2:] == ["warm start from old; new classes: none"]
