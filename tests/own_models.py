"""Models that people bring: a few nodes that find the same box in every image, made without any training code."""

from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper


def model(
    score: float = 0.9,
    class_id: int = 0,
    kind: int = TensorProto.UINT8,
    shape: tuple[Any, ...] = ("N", 64, 96, 3),
    outputs: tuple[str, ...] = ("boxes", "scores", "classes"),
    box: tuple[float, ...] = (4, 4, 30, 30),
) -> onnx.ModelProto:
    """A model that finds the same box of one class in every image."""
    nodes = [
        helper.make_node("Shape", ["images"], ["shape"]),
        helper.make_node("Slice", ["shape", "zero", "one"], ["batch"]),
        helper.make_node("Concat", ["batch", "one"], ["rows"], axis=0),
        helper.make_node("Concat", ["rows", "four"], ["corners"], axis=0),
        helper.make_node("Expand", ["score", "rows"], ["scores"]),
        helper.make_node("Expand", ["class", "rows"], ["classes"]),
        helper.make_node("Expand", ["box", "corners"], ["boxes"]),
    ]
    weights = [
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("four", TensorProto.INT64, [1], [4]),
        helper.make_tensor("score", TensorProto.FLOAT, [1, 1], [score]),
        helper.make_tensor("class", TensorProto.INT64, [1, 1], [class_id]),
        helper.make_tensor("box", TensorProto.FLOAT, [1, 1, 4], box),
    ]
    declared = {
        "boxes": helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 1, 4]),
        "scores": helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 1]),
        "classes": helper.make_tensor_value_info("classes", TensorProto.INT64, ["N", 1]),
    }
    images = helper.make_tensor_value_info("images", kind, shape)
    graph = helper.make_graph(nodes, "own", [images], [declared[name] for name in outputs], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def saved(folder: Path, made: onnx.ModelProto | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes((made or model()).SerializeToString())
    return folder / "model.onnx"
