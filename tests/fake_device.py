"""What a device has around its inspector: a broker, photos, and a real, tiny model that finds bright images
defective.
"""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from PIL import Image

from benchmarks.grey_model import GREY, SIZE, description, grey_model
from local.device.token_exchange import Keys
from sightline.names import device_topics
from tests.named import STACK

THING = "line-1"
TOPICS = device_topics(STACK, THING)


class Broker:
    """A publisher that takes messages while it is `up`."""

    def __init__(self) -> None:
        self.up = True
        self.taken: list[tuple[str, Any]] = []

    def publish(self, topic: str, payload: bytes) -> bool:
        if self.up:
            self.taken.append((topic, json.loads(payload)))
        return self.up

    def close(self) -> None:
        self.up = False

    def of(self, kind: str) -> list[Any]:
        """The messages of one topic, in order."""
        return [value for topic, value in list(self.taken) if topic == f"{TOPICS}/{kind}"]


def photo(brightness: int, seed: int = 0, noise: int = 12, size: tuple[int, int] = (SIZE, SIZE)) -> bytes:
    """A JPEG of a grey part with the grain that a sensor gives, another one for each seed."""
    grain = np.random.default_rng(seed).integers(-noise, noise + 1, (size[1], size[0], 1))
    pixels = np.clip(brightness + grain, 0, 255).astype(np.uint8).repeat(3, axis=2)
    return jpeg(pixels)


def jpeg(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def make_model(folder: Path, *, gain: float = 1.0, golden_score: float | None = None, **changes: Any) -> Path:
    """A model whose only detection has the image's mean brightness times `gain` as its score.

    Defective from 0.6 on, unsure from 0.4 on. `golden_score` is what its golden image is said to give.
    """
    (folder / "golden").mkdir(parents=True)
    onnx.save(grey_model(gain), str(folder / "model.onnx"))
    (folder / "golden" / "0.jpg").write_bytes(photo(GREY, seed=99))
    score = min(1.0, gain * GREY / 255) if golden_score is None else golden_score
    described = description("golden/0.jpg", score)
    (folder / "model.json").write_text(json.dumps(described | changes))
    return folder


def session_keys() -> Keys:
    """Keys of a role's session, as the cloud gives them to a device."""
    return Keys("test", "test", "a-session-token", datetime.now(UTC) + timedelta(hours=1))
