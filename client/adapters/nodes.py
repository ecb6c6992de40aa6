"""Nodes of an ONNX graph, written one after another.

Only operators whose form has stayed the same since opset 11 are used, so that the nodes stand in a model of any later
opset: the operators of one model all have one opset.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import TensorProto, helper, numpy_helper

INT64_MAX = 2**63 - 1


class Nodes:
    """A graph in the making. What its methods return and take are the names of tensors."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._prefix = prefix

    def constant(self, value: ArrayLike, kind: DTypeLike = np.float32) -> str:
        """Return a tensor that always has `value`."""
        name = f"{self._prefix}constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output, which is returned."""
        return self.add_many(operator, inputs, 1, **attributes)[0]

    def add_many(self, operator: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Append a node and return its outputs."""
        names = [f"{self._prefix}{operator}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names

    def cast(self, tensor: str, kind: int = TensorProto.FLOAT) -> str:
        return self.add("Cast", tensor, to=kind)

    def reshaped(self, tensor: str, *shape: int) -> str:
        return self.add("Reshape", tensor, self.constant(shape, np.int64))

    def columns(self, tensor: str, start: int, end: int = INT64_MAX) -> str:
        """Return the columns `start` to `end` of a tensor of rank 2."""
        edges = (self.constant([edge], np.int64) for edge in (start, end, 1))
        return self.add("Slice", tensor, *edges)

    def gathered(self, tensor: str, order: str) -> str:
        """Return the rows of `tensor` in `order`."""
        return self.add("Gather", tensor, order, axis=0)

    def best(self, tensor: str, count: str, axis: int = -1) -> list[str]:
        """Return the highest values along an axis, the highest first, and where they stand."""
        return self.add_many("TopK", [tensor, count], 2, axis=axis)
