"""What the outputs of a detector mean, as nodes that turn them into boxes, scores and labels.

Sources of the layouts: the export code and documentation of YOLOv5, YOLOv8 and YOLO11 (Ultralytics), YOLOv6, YOLOv7,
YOLOX (Ge et al., 2021), YOLO-NAS, DETR (Carion et al., 2020), RT-DETR, D-FINE, RF-DETR and torchvision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from onnx import TensorProto

from client.adapters.hints import Size
from client.adapters.nodes import Nodes

STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class Raw:
    """Names of tensors: boxes [K, 4] as x1, y1, x2, y2 in pixels of the model's input, scores [K], labels int64 [K]."""

    boxes: str
    scores: str
    labels: str


class Head(Protocol):
    """One way in which detectors answer."""

    def build(self, nodes: Nodes, outputs: Mapping[str, str], size: Size) -> Raw:
        """Append the nodes that read `outputs`, the tensors of the model's outputs by their names."""

    @property
    def said(self) -> str:
        """What the outputs are taken for, in words."""


@dataclass(frozen=True, slots=True)
class Cells:
    """One row for each cell (or anchor): centre, width, height, perhaps an objectness, one score for each class.

    `transposed` stands for [values, cells]; `on_grid` for offsets from the cell and logarithms of the size, as YOLOX
    exports them; `shares` for boxes in 0..1. What follows the classes (masks, key points) is not read.
    """

    output: str
    classes: int
    objectness: bool
    transposed: bool = False
    on_grid: bool = False
    shares: bool = False

    def build(self, nodes: Nodes, outputs: Mapping[str, str], size: Size) -> Raw:
        rows = nodes.cast(outputs[self.output])
        first = 5 if self.objectness else 4
        if self.transposed:
            rows = nodes.add("Transpose", rows, perm=[0, 2, 1])
        rows = nodes.add("Reshape", rows, nodes.add("Slice", nodes.add("Shape", rows), *_one_to_three(nodes)))
        boxes, scores = nodes.columns(rows, 0, 4), nodes.columns(rows, first, first + self.classes)
        if self.objectness:
            scores = nodes.add("Mul", scores, nodes.columns(rows, 4, 5))
        if self.on_grid:
            boxes = _off_the_grid(nodes, boxes, size)
        if self.shares:
            boxes = nodes.add("Mul", boxes, nodes.constant(size.edges))
        best, labels = _best_class(nodes, scores)
        return Raw(_corners(nodes, boxes), best, labels)

    @property
    def said(self) -> str:
        place = (
            "offsets from the cells of a grid" if self.on_grid else "shares of the image" if self.shares else "pixels"
        )
        seen = "an objectness and " if self.objectness else ""
        scores = "1 class score" if self.classes == 1 else f"{self.classes} class scores"
        return f"{self.output}: centre, width and height in {place}, {seen}{scores} for each cell"


@dataclass(frozen=True, slots=True)
class CornersAndScores:
    """Boxes [1, K, 4] as corners, and scores [1, K, classes] beside them, as YOLO-NAS exports them."""

    boxes: str
    scores: str
    classes: int

    def build(self, nodes: Nodes, outputs: Mapping[str, str], size: Size) -> Raw:
        scores = nodes.reshaped(nodes.cast(outputs[self.scores]), -1, self.classes)
        best, labels = _best_class(nodes, scores)
        return Raw(nodes.reshaped(nodes.cast(outputs[self.boxes]), -1, 4), best, labels)

    @property
    def said(self) -> str:
        return f"{self.boxes}: corners in pixels; {self.scores}: {self.classes} class scores for each cell"


@dataclass(frozen=True, slots=True)
class Queries:
    """Boxes [1, Q, 4] as centre, width and height in 0..1, and logits [1, Q, width] beside them, as DETR has them.

    `first` is the place of the first class among the logits. `softmax` counts all of them, also "no object"; without
    it each is a probability of its own (sigmoid).
    """

    boxes: str
    logits: str
    classes: int
    first: int
    wide: int
    softmax: bool

    def build(self, nodes: Nodes, outputs: Mapping[str, str], size: Size) -> Raw:
        logits = nodes.reshaped(nodes.cast(outputs[self.logits]), -1, self.wide)
        scores = nodes.add("Softmax", logits, axis=1) if self.softmax else nodes.add("Sigmoid", logits)
        best, labels = _best_class(nodes, nodes.columns(scores, self.first, self.first + self.classes))
        boxes = nodes.reshaped(nodes.cast(outputs[self.boxes]), -1, 4)
        boxes = nodes.add("Mul", boxes, nodes.constant(size.edges))
        return Raw(_corners(nodes, boxes), best, labels)

    @property
    def said(self) -> str:
        how = "softmax" if self.softmax else "sigmoid"
        unused = self.wide - self.classes
        rest = f", of which {self.first} to {self.first + self.classes - 1} are the classes" if unused else ""
        return (
            f"{self.boxes}: centre, width and height as shares of the image; {self.logits}: {self.wide} logits "
            f"({how}){rest}"
        )


@dataclass(frozen=True, slots=True)
class Finished:
    """Boxes as corners, scores and labels, each an output: nothing is left to decode. A label below `first` is
    padding.
    """

    boxes: str
    scores: str
    labels: str
    first: int
    shares: bool = False

    def build(self, nodes: Nodes, outputs: Mapping[str, str], size: Size) -> Raw:
        boxes = nodes.reshaped(nodes.cast(outputs[self.boxes]), -1, 4)
        if self.shares:
            boxes = nodes.add("Mul", boxes, nodes.constant(size.edges))
        scores = nodes.reshaped(nodes.cast(outputs[self.scores]), -1)
        labels = nodes.reshaped(nodes.cast(outputs[self.labels], TensorProto.INT64), -1)
        return Raw(boxes, *without_padding(nodes, scores, labels, self.first))

    @property
    def said(self) -> str:
        place = "shares of the image" if self.shares else "pixels"
        counted = f", counted from {self.first}" if self.first else ""
        return f"{self.boxes}: corners in {place}; {self.scores}; {self.labels}: the classes{counted}"


@dataclass(frozen=True, slots=True)
class Rows:
    """One output whose rows hold corners, score and label, in the columns that are named."""

    output: str
    wide: int
    box: int
    score: int
    label: int

    def build(self, nodes: Nodes, outputs: Mapping[str, str], size: Size) -> Raw:
        rows = nodes.reshaped(nodes.cast(outputs[self.output]), -1, self.wide)
        score = nodes.reshaped(nodes.columns(rows, self.score, self.score + 1), -1)
        label = nodes.reshaped(nodes.columns(rows, self.label, self.label + 1), -1)
        label = nodes.cast(label, TensorProto.INT64)
        return Raw(nodes.columns(rows, self.box, self.box + 4), *without_padding(nodes, score, label, 0))

    @property
    def said(self) -> str:
        return f"{self.output}: corners in pixels, score and class in each row, suppressed by the model itself"


def _one_to_three(nodes: Nodes) -> tuple[str, str]:
    return nodes.constant([1], np.int64), nodes.constant([3], np.int64)


def _corners(nodes: Nodes, boxes: str) -> str:
    centres, halves = nodes.columns(boxes, 0, 2), nodes.columns(boxes, 2, 4)
    halves = nodes.add("Mul", halves, nodes.constant(0.5))
    return nodes.add("Concat", nodes.add("Sub", centres, halves), nodes.add("Add", centres, halves), axis=1)


def _best_class(nodes: Nodes, scores: str) -> tuple[str, str]:
    """The surest class of each row: a box has one class."""
    best, labels = nodes.best(scores, nodes.constant([1], np.int64))
    return nodes.reshaped(best, -1), nodes.reshaped(labels, -1)


def without_padding(nodes: Nodes, scores: str, labels: str, first: int) -> tuple[str, str]:
    """Return scores and labels counted from `first`; what has a lower label is padding and gets score 0."""
    labels = nodes.add("Sub", labels, nodes.constant(first, np.int64)) if first else labels
    padding = nodes.add("Less", labels, nodes.constant(0, np.int64))
    return (
        nodes.add("Where", padding, nodes.constant(0.0), scores),
        nodes.add("Where", padding, nodes.constant(0, np.int64), labels),
    )


def _off_the_grid(nodes: Nodes, boxes: str, size: Size) -> str:
    corners, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: size.height // stride, : size.width // stride]
        corners.append(np.stack([x, y], axis=-1).reshape(-1, 2))
        strides.append(np.full((corners[-1].shape[0], 1), stride))
    stride_of_each = nodes.constant(np.concatenate(strides))
    centres = nodes.add("Add", nodes.columns(boxes, 0, 2), nodes.constant(np.concatenate(corners)))
    sizes = nodes.add("Exp", nodes.columns(boxes, 2, 4))
    centres, sizes = (nodes.add("Mul", part, stride_of_each) for part in (centres, sizes))
    return nodes.add("Concat", centres, sizes, axis=1)
