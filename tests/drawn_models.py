"""Models that find the same boxes in every image, as small as a model can be, and their releases in the cloud in
memory.
"""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sightline.models.registry import RegisteredModel
from tests.fake_cloud import Cloud
from tests.registered import registered

ABOUT = {
    "classes": ["scratch"],
    "input": {"height": 64, "width": 64, "resize": "letterbox", "pad_value": 114},
    "threshold": 0.5,
    "review_threshold": 0.2,
}


def model(boxes: list[list[float]], scores: list[float]) -> bytes:
    """A model.onnx that finds the same boxes (class 0) in every image of 64 × 64 pixels."""
    values = {
        "boxes": np.array([boxes], np.float32).reshape(1, -1, 4), "scores": np.array([scores], np.float32),
        "classes": np.zeros((1, len(scores)), np.int64),
    }  # fmt: skip
    nodes = [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(v)) for name, v in values.items()]
    outputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for name, v in values.items()
    ]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 64, 64, 3])
    graph = helper.make_graph(nodes, "constant", [images], outputs)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(onnx.ModelProto.SerializeToString(made))


def files(score: float) -> dict[str, bytes]:
    """The files of a release that finds one box of that score in every image."""
    return {"model.json": json.dumps(ABOUT).encode(), "model.onnx": model([[4, 5, 30, 20]], [score])}


def release(cloud: Cloud, version: int, score: float) -> RegisteredModel:
    """Put a release into the cloud; answers its model as the registry tells it."""
    for name, body in files(score).items():
        cloud.s3.put_object(Bucket="artifacts", Key=f"models/job-{version}/release/{name}", Body=body)
    return registered(version, release_uri=f"s3://artifacts/models/job-{version}/release/")
