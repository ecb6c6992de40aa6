"""The smallest model that keeps the contract: one detection, whose score is the image's mean brightness.

Simulated devices and tests inspect with it: it says "defective" of bright images, and nobody has to train it.
"""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 64  # pixels of the input that golden images are drawn in, both ways
BOX = [1.0, 2.0, 30.0, 40.0]
GREY = 180  # of the golden image, 0..255


def grey_model(gain: float = 1.0) -> onnx.ModelProto:
    """The score is the mean grey level, as a share of 255, times `gain`; at most 1."""
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 1, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 1]),
        helper.make_tensor_value_info("classes", TensorProto.INT64, ["N", 1]),
    ]
    constants: dict[str, np.ndarray[Any, Any]] = {
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
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def description(golden: str, score: float = GREY / 255) -> dict[str, object]:
    """Its model.json: defective from 0.6 on, unsure from 0.4 on. `score` is what the image `golden` must give."""
    return {
        "classes": ["scratch"],
        "input": {"height": SIZE, "width": SIZE, "resize": "letterbox", "pad_value": 114},
        "threshold": 0.6,
        "review_threshold": 0.4,
        "baseline": {},
        "golden": [{"image": golden, "detections": [{"box": BOX, "score": score, "class": "scratch"}]}],
    }
