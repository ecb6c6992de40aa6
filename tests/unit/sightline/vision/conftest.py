"""A release on disk: a small model, what it says about itself, and images that it has to answer as before."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.drawn_models import ABOUT, model

Releases = Callable[..., Path]


def png(level: int = 90, side: int = 128) -> bytes:
    """A grey image, twice as large as the model's input."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def release(tmp_path: Path) -> Releases:
    """`release(boxes=…, scores=…, golden=…)` writes model.onnx, model.json and golden/1.png; answers the folder."""

    def write(boxes: list[list[float]] | None = None, scores: list[float] | None = None, **about: Any) -> Path:
        folder = tmp_path / "release"
        (folder / "golden").mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(model(boxes or [[4, 5, 30, 20]], scores or [0.9]))
        (folder / "model.json").write_text(json.dumps({**ABOUT, "golden": [], **about}))
        (folder / "golden" / "1.png").write_bytes(png())
        return folder

    return write
