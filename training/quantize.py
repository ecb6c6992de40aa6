"""The int8 variant of a model: a quarter of the size, calibrated on training images.

Convolutions get 8-bit weights for each channel and 8-bit activations, with the scales in the graph (static
quantization, Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", 2018). The first one, which sees the light, and the last ones, whose sums are scores and edges, are small
and stay as they are, as do normalisation and non-maximum suppression: inputs and outputs are those of the float model.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from sightline.vision.decode import Pixels
from training.data import Sample

CALIBRATION = 64  # training images, at most


class _Images:
    """onnxruntime's CalibrationDataReader, which is whatever has `get_next`."""

    def __init__(self, samples: list[Sample]) -> None:
        step = max(1, len(samples) // CALIBRATION)
        self.images: Iterator[Sample] = iter(samples[::step][:CALIBRATION])

    def get_next(self) -> dict[str, Pixels] | None:
        sample = next(self.images, None)
        return None if sample is None else {"images": np.ascontiguousarray(sample.pixels)[None]}


def _outer(model: Path) -> list[str]:
    """The names of the first convolution and of the last one of each branch."""
    names = [node.name for node in onnx.load(model).graph.node if node.op_type == "Conv"]
    return [names[0], *(name for name in names if name.endswith("_branch.1/Conv"))]


def quantize(model: Path, samples: list[Sample]) -> Path:
    """Write `model.int8.onnx` beside `model`; answers its path. `samples` are images of the training set."""
    target, prepared = model.with_name("model.int8.onnx"), model.with_name("model.prepared.onnx")
    quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
    try:
        quantize_static(
            str(prepared),
            str(target),
            _Images(samples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # All 8 bits of weight, although sums of two products may saturate at 16 bits on a processor without VNNI
            # instructions: measured on one, that costs less than a bit of each weight does.
            reduce_range=False,
            nodes_to_exclude=_outer(prepared),
        )
    finally:
        prepared.unlink(missing_ok=True)
    return target
