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
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from local.device.token_exchange import Keys

SIZE = 64  # pixels of the model's input, both ways
BOX = [1.0, 2.0, 30.0, 40.0]
THING = "line-1"


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
        return [value for topic, value in list(self.taken) if topic == f"sightline/{THING}/{kind}"]


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
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 1, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 1]),
        helper.make_tensor_value_info("classes", TensorProto.INT64, ["N", 1]),
    ]
    constants = {
        "scale": np.array(gain / 255, dtype=np.float32),
        "one": np.array(1, dtype=np.float32),
        "zero": np.array(0, dtype=np.float32),
        "box": np.array(BOX, dtype=np.float32).reshape(1, 1, 4),
        "last": np.array([2], dtype=np.int64),
        "axes": np.array([1, 2], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["grey"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Squeeze", ["grey", "axes"], ["mean"]),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Min", ["scaled", "one"], ["scores"]),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Unsqueeze", ["nothing", "last"], ["place"]),
        helper.make_node("Add", ["place", "box"], ["boxes"]),
        helper.make_node("Cast", ["nothing"], ["classes"], to=TensorProto.INT64),
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "brightness", [images], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "golden" / "0.jpg").write_bytes(photo(180, seed=99))
    score = min(1.0, gain * 180 / 255) if golden_score is None else golden_score
    described = {
        "classes": ["scratch"],
        "input": {"height": SIZE, "width": SIZE, "resize": "letterbox", "pad_value": 114},
        "threshold": 0.6,
        "review_threshold": 0.4,
        "baseline": {},
        "golden": [{"image": "golden/0.jpg", "detections": [{"box": BOX, "score": score, "class": "scratch"}]}],
    }
    (folder / "model.json").write_text(json.dumps(described | changes))
    return folder


def session_keys() -> Keys:
    """Keys of a role's session, as the cloud gives them to a device."""
    return Keys("test", "test", "a-session-token", datetime.now(UTC) + timedelta(hours=1))
