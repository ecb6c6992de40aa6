"""Layers are unpacked once, and every worker of the emulator finds them where it looks."""

import errno
import inspect
import zipfile
from pathlib import Path

import pytest
from ministack.core import lambda_runtime

from local.emulator import layers


@pytest.fixture
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lambda_runtime, "zipfile", zipfile)
    layers.share(tmp_path / "cache")
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as file:
        file.writestr("python/package/__init__.py", "ANSWER = 42\n")
    return tmp_path / "layer.zip"


def unpack(file: Path, target: Path) -> Path:
    target.mkdir(parents=True)
    with lambda_runtime.zipfile.ZipFile(str(file)) as opened:
        opened.extractall(target)
    return target / "python" / "package" / "__init__.py"


def test_two_workers_read_the_same_file(layer: Path, tmp_path: Path) -> None:
    first, second = (unpack(layer, tmp_path / worker / "layer_0") for worker in ("a", "b"))
    assert first.read_text() == "ANSWER = 42\n"
    assert first.resolve() == second.resolve()


def test_a_layer_that_finds_no_room_is_unpacked_when_there_is_some(
    layer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(_file: zipfile.ZipFile, path: Path, *_: object) -> None:
        path.mkdir(parents=True)
        (path / "half").write_text("")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(zipfile.ZipFile, "extractall", half)
        with pytest.raises(OSError, match="No space left"):
            unpack(layer, tmp_path / "a" / "layer_0")
        assert list((tmp_path / "cache").iterdir()) == []
    assert unpack(layer, tmp_path / "b" / "layer_0").read_text() == "ANSWER = 42\n"


def test_a_function_s_own_code_is_unpacked_for_each_worker(layer: Path, tmp_path: Path) -> None:
    first, second = (unpack(layer, tmp_path / worker / "code") for worker in ("a", "b"))
    assert first.resolve() != second.resolve()


def test_the_emulator_still_unpacks_layers_as_this_replaces_it() -> None:
    source = inspect.getsource(lambda_runtime.Worker._spawn)
    assert 'f"layer_{len(layers_dirs)}"' in source
    assert "extractall(layer_dir)" in source
