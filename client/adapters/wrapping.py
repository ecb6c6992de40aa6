"""A foreign model inside the contract: one image after another through its own graph, with what it lacks around it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import onnx
from onnx import TensorProto, helper

from client.adapters.families import Reading
from client.adapters.foreign import ForeignModel, ImageInput
from client.adapters.heads import Raw, without_padding
from client.adapters.hints import Size
from client.adapters.nodes import Nodes
from training.contract import MAX_SIDE, InvalidModelError

CANDIDATES = 1000  # boxes that suppression looks at
KEPT = 100  # detections of one image, padded with score 0
INSIDE = "foreign/"  # before each name of the foreign graph, so that no name stands twice


@dataclass(frozen=True, slots=True)
class Numbering:
    """The stack's number of each of the model's classes, or -1 for one that the stack does not have."""

    names: list[str]  # the stack's, in their order
    numbers: list[int]  # one for each class of the model

    @classmethod
    def between(cls, classes: list[str], wanted: list[str]) -> Self:
        """Raise InvalidModelError if the model lacks a class that is wanted, or has one twice."""
        if len(set(classes)) != len(classes):
            raise InvalidModelError(f"a class is named twice: {', '.join(classes)}")
        missing = [name for name in wanted if name not in classes]
        if missing:
            raise InvalidModelError(
                f"the model's classes are {', '.join(classes)}; the stack's are {', '.join(wanted)}: "
                f"it can't find {', '.join(missing)}"
            )
        return cls(wanted, [wanted.index(name) if name in wanted else -1 for name in classes])

    @property
    def changes(self) -> bool:
        """Whether a class gets another number."""
        return self.numbers != list(range(len(self.names)))


def canvas_for(reading: Reading, taken: ImageInput, photo: Size | None) -> Size:
    """Return the size of the wrapped model's input. `photo` is that of a photo of the line.

    A stretched model gets an input of the photo's shape, so that nothing is left grey and bending it inside the graph
    gives what the model was trained on. Its sides are at least those of the model's own input, up to the limit.
    """
    if not reading.family.stretched or photo is None:
        return taken.size
    scale = max(taken.size.height / photo.height, taken.size.width / photo.width)
    scale = min(scale, MAX_SIDE / max(photo.height, photo.width))
    return Size(max(1, round(photo.height * scale)), max(1, round(photo.width * scale)))


def wrapped(
    model: ForeignModel, taken: ImageInput, reading: Reading, canvas: Size, numbering: Numbering
) -> onnx.ModelProto:
    """Return a model that keeps the contract (docs/reference/model-contract.md) and asks `model` for each image."""
    body = _body(model, taken, reading, canvas, numbering)
    outer = Nodes("sightline/")
    count = outer.add("Gather", outer.add("Shape", "images"), outer.constant(0, np.int64), axis=0)
    outer.nodes.append(
        helper.make_node(
            "Loop", [count, outer.constant(True, np.bool_)], ["boxes", "scores", "classes"], "each_image", body=body
        )
    )
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", canvas.height, canvas.width, 3])
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", KEPT, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", KEPT]),
        helper.make_tensor_value_info("classes", TensorProto.INT64, ["N", KEPT]),
    ]
    graph = helper.make_graph(outer.nodes, "sightline", [images], outputs, outer.weights)
    return helper.make_model(
        graph,
        opset_imports=model.proto.opset_import,
        functions=model.proto.functions,
        ir_version=model.proto.ir_version,
    )


def _body(
    model: ForeignModel, taken: ImageInput, reading: Reading, canvas: Size, numbering: Numbering
) -> onnx.GraphProto:
    """The loop's body: the image of one number in, its detections out."""
    foreign = onnx.compose.add_prefix_graph(model.proto.graph, INSIDE)
    before, after = Nodes("before/"), Nodes("after/")
    pixels = _pixels(before, taken, reading, canvas, opset=model.opset)
    before.nodes.append(helper.make_node("Identity", [pixels], [INSIDE + taken.tensor.name]))
    for name, value in model.side_inputs(taken).items():
        constant = before.constant(value, value.dtype)
        before.nodes.append(helper.make_node("Identity", [constant], [INSIDE + name]))
    outputs = {entry.name: INSIDE + entry.name for entry in model.outputs}
    raw = reading.head.build(after, outputs, taken.size)
    raw = Raw(_on_the_canvas(after, raw.boxes, taken, canvas), raw.scores, raw.labels)
    if reading.family.overlap is not None:
        raw = _suppressed(after, raw, reading.family.overlap)
    if numbering.changes:
        labels = after.gathered(after.constant(numbering.numbers, np.int64), raw.labels)
        raw = Raw(raw.boxes, *without_padding(after, raw.scores, labels, 0))
    _finish(after, raw)
    going_on = helper.make_node("Identity", ["going"], ["going_on"])
    return helper.make_graph(
        [going_on, *before.nodes, *foreign.node, *after.nodes],
        "one_image",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        ],
        [
            helper.make_tensor_value_info("going_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("image_boxes", TensorProto.FLOAT, [KEPT, 4]),
            helper.make_tensor_value_info("image_scores", TensorProto.FLOAT, [KEPT]),
            helper.make_tensor_value_info("image_classes", TensorProto.INT64, [KEPT]),
        ],
        [*before.weights, *foreign.initializer, *after.weights],
        sparse_initializer=list(foreign.sparse_initializer),
    )


def _pixels(nodes: Nodes, taken: ImageInput, reading: Reading, canvas: Size, *, opset: int) -> str:
    """The image as the model wants it."""
    family, kind = reading.family, taken.tensor.kind
    image = nodes.cast(nodes.add("Gather", "images", "number", axis=0))  # [H, W, 3]
    if family.blue_first:
        image = nodes.add("Gather", image, nodes.constant([2, 1, 0], np.int64), axis=2)
    image = nodes.add("Transpose", image, perm=[2, 0, 1])
    image = nodes.reshaped(image, 1, 3, canvas.height, canvas.width)
    if canvas != taken.size:
        sizes = nodes.constant([1, 3, taken.size.height, taken.size.width], np.int64)
        fine = {"antialias": 1} if opset >= 18 else {}  # older ones skip pixels where the image shrinks
        image = nodes.add("Resize", image, "", "", sizes, mode="linear", **fine)
    if family.scale != 1.0:
        image = nodes.add("Div", image, nodes.constant(family.scale))
    if any(family.mean):
        image = nodes.add("Sub", image, nodes.constant(np.reshape(family.mean, (1, 3, 1, 1))))
        image = nodes.add("Div", image, nodes.constant(np.reshape(family.deviation, (1, 3, 1, 1))))
    if taken.channels_last:
        image = nodes.add("Transpose", image, perm=[0, 2, 3, 1])
    return nodes.cast(nodes.reshaped(image, *taken.shape), kind)


def _on_the_canvas(nodes: Nodes, boxes: str, taken: ImageInput, canvas: Size) -> str:
    y, x = canvas.height / taken.size.height, canvas.width / taken.size.width
    return boxes if y == x == 1 else nodes.add("Mul", boxes, nodes.constant([x, y, x, y]))


def _suppressed(nodes: Nodes, raw: Raw, overlap: float) -> Raw:
    """Non-maximum suppression in each class by itself: boxes of different classes are moved apart for it."""
    enough = nodes.add("Concat", nodes.add("Shape", raw.scores), nodes.constant([CANDIDATES], np.int64), axis=0)
    enough = nodes.add("ReduceMin", enough, keepdims=1)
    scores, order = nodes.best(raw.scores, enough)
    boxes, labels = nodes.gathered(raw.boxes, order), nodes.gathered(raw.labels, order)
    moved = nodes.add("Mul", nodes.cast(labels), nodes.constant(2.0 * MAX_SIDE))
    apart = nodes.add("Add", boxes, nodes.reshaped(moved, -1, 1))
    chosen = nodes.add(
        "NonMaxSuppression",
        nodes.add("Reshape", apart, nodes.constant([1, -1, 4], np.int64)),
        nodes.reshaped(scores, 1, 1, -1),
        nodes.constant(KEPT, np.int64),
        nodes.constant(overlap),
    )
    kept = nodes.reshaped(nodes.columns(chosen, 2, 3), -1)
    return Raw(nodes.gathered(boxes, kept), nodes.gathered(scores, kept), nodes.gathered(labels, kept))


def _finish(nodes: Nodes, raw: Raw) -> None:
    """The surest first, padded with score 0."""
    boxes, scores, labels = (
        nodes.add("Concat", part, nodes.constant(np.zeros(shape), kind), axis=0)
        for part, shape, kind in (
            (raw.boxes, (KEPT, 4), np.float32),
            (raw.scores, KEPT, np.float32),
            (raw.labels, KEPT, np.int64),
        )
    )
    surest, order = nodes.best(scores, nodes.constant([KEPT], np.int64))
    for tensor, output in (
        (nodes.gathered(boxes, order), "image_boxes"),
        (surest, "image_scores"),
        (nodes.gathered(labels, order), "image_classes"),
    ):
        nodes.nodes.append(helper.make_node("Identity", [tensor], [output]))
