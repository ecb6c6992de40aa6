"""Detectors as other projects export them: their inputs and outputs, with planted boxes instead of a network.

Each finds the same boxes in every image. Where the layout has a place for it (`seen`), the scores of the first box come
from the image: each of the three classes gets what the model sees of one channel, so that a wrong scale or order of
the channels shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

HEIGHT, WIDTH = 64, 96
CLASSES = ["scratch", "dent", "stain"]
# x1, y1, x2, y2 in pixels of the input. The second is suppressed by the first where classes agree.
BOXES = np.array([[8, 8, 40, 40], [10, 9, 41, 41], [60, 20, 80, 60]], dtype=np.float32)
SCORES = np.array([0.0, 0.3, 0.6], dtype=np.float32)  # the first is what the model sees
LABELS = np.array([0, 0, 2])
CELLS = 126  # of a 64x96 input with strides 8, 16 and 32

Floats = NDArray[np.float32]


@dataclass
class Layout:
    """An input, constants for the outputs, and which element of which output holds what the model sees."""

    outputs: dict[str, NDArray[np.generic]]
    seen: tuple[str, tuple[slice | int, ...]] | None  # output, and where its three channels go
    scale: float = 1.0  # what makes 0..1 of what the model sees
    blue_first: bool = False
    last: bool = False
    kind: int = TensorProto.FLOAT
    batch: int | str | None = 1
    side: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    name: str = "images"


def logit(share: Floats) -> Floats:
    bounded = np.clip(share, 1e-4, 1 - 1e-4)
    return np.log(bounded / (1 - bounded)).astype(np.float32)


def centred(boxes: Floats) -> Floats:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def class_scores() -> Floats:
    scores = np.zeros((3, len(CLASSES)), dtype=np.float32)
    scores[np.arange(3), LABELS] = SCORES
    return scores


def cells(count: int, *columns: Floats) -> Floats:
    """Rows for `count` cells, of which the first three hold what is planted; the others lie about with score 0."""
    planted = np.concatenate(columns, axis=1)
    rows = np.zeros((count, planted.shape[1]), dtype=np.float32)
    rows[:, :4] = np.random.default_rng(1).uniform(20, 60, (count, 4))
    rows[:3] = planted
    return rows[None]


def spread(count: int, planted: Floats) -> Floats:
    """`planted` with zeros below, up to `count` rows, in a batch of one."""
    return np.concatenate([planted, np.zeros((count - len(planted), planted.shape[1]))]).astype(np.float32)[None]


def yolov5() -> Layout:
    sure = np.ones((3, 1), dtype=np.float32)
    return Layout({"output0": cells(3 * CELLS, centred(BOXES), sure, class_scores())}, ("output0", (0, 0, slice(5, 8))))


def yolov6() -> Layout:
    made = cells(CELLS, centred(BOXES), np.ones((3, 1), dtype=np.float32), class_scores())
    made[:, :, 4] = 1
    return Layout({"outputs": made}, ("outputs", (0, 0, slice(5, 8))))


def yolov7_suppressed() -> Layout:
    numbers, labels = np.zeros((3, 1), dtype=np.float32), LABELS[:, None].astype(np.float32)
    rows = np.concatenate([numbers, BOXES, labels, SCORES[:, None]], axis=1).astype(np.float32)
    return Layout({"output": rows[1:]}, None)


def yolov8() -> Layout:
    rows = cells(CELLS, centred(BOXES), class_scores())
    return Layout({"output0": rows.transpose(0, 2, 1)}, ("output0", (0, slice(4, 7), 0)))


def yolov8_rows() -> Layout:
    return Layout({"output0": cells(CELLS, centred(BOXES), class_scores())}, ("output0", (0, 0, slice(4, 7))))


def yolov8_shares() -> Layout:
    rows = cells(CELLS, centred(BOXES), class_scores())
    rows[:, :, :4] /= [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return Layout({"output0": rows.transpose(0, 2, 1)}, ("output0", (0, slice(4, 7), 0)))


def yolov8_masks() -> Layout:
    masks = np.ones((3, 32), dtype=np.float32)
    rows = cells(CELLS, centred(BOXES), class_scores(), masks).transpose(0, 2, 1)
    prototypes = np.zeros((1, 32, 16, 24), dtype=np.float32)
    return Layout({"output0": rows, "output1": prototypes}, ("output0", (0, slice(4, 7), 0)))


def yolov8_key_points() -> Layout:
    points = np.ones((3, 51), dtype=np.float32)
    made = Layout(
        {"output0": cells(CELLS, centred(BOXES), class_scores(), points).transpose(0, 2, 1)},
        ("output0", (0, slice(4, 7), 0)),
    )
    made.metadata = {"task": "pose", "kpt_shape": "[17, 3]"}
    return made


def yolov10() -> Layout:
    rows = np.concatenate([BOXES, SCORES[:, None], LABELS[:, None]], axis=1).astype(np.float32)
    return Layout({"output0": spread(20, rows[1:])}, None)


def yolo_nas() -> Layout:
    boxes, scores = spread(CELLS, BOXES), spread(CELLS, class_scores())
    return Layout({"boxes": boxes, "confidences": scores}, ("confidences", (0, 0, slice(0, 3))))


def yolox() -> Layout:
    """Offsets from the grid of cells: the planted boxes stand in the first three cells of stride 8, at (0..2, 0)."""
    places = centred(BOXES) / 8
    places[:, 0] -= [0, 1, 2]
    places[:, 2:] = np.log(places[:, 2:])
    rows = cells(CELLS, places, np.ones((3, 1), dtype=np.float32), class_scores())
    rows[:, 3:, :4] = 0
    return Layout({"output": rows}, ("output", (0, 0, slice(5, 8))), scale=1 / 255, blue_first=True)


def yolox_decoded() -> Layout:
    rows = cells(CELLS, centred(BOXES), np.ones((3, 1), dtype=np.float32), class_scores())
    return Layout({"output": rows}, ("output", (0, 0, slice(5, 8))), scale=1 / 255, blue_first=True)


def queries(wide: int, first: int) -> tuple[Floats, Floats]:
    boxes = spread(20, centred(BOXES) / [WIDTH, HEIGHT, WIDTH, HEIGHT])
    logits = np.full((1, 20, wide), -9, dtype=np.float32)
    logits[0, :3, first : first + 3] = logit(class_scores())
    return boxes, logits


def detr(wide: int = 4, first: int = 0) -> Layout:
    """Softmax with "no object" as the last: its logit is such that the others keep their planted shares."""
    boxes, logits = queries(wide, first)
    shares = class_scores()
    logits[0, :3] = -30
    logits[0, :3, first : first + 3] = np.log(np.clip(shares, 1e-9, 1))
    logits[0, :3, -1] = np.log(1 - shares.sum(axis=1))
    logits[0, 3:, -1] = 9
    return Layout({"pred_logits": logits, "pred_boxes": boxes}, None, name="inputs")


def rt_detr_raw() -> Layout:
    boxes, logits = queries(3, 0)
    logits[0, 0] = [0, -9, -9]
    return Layout({"logits": logits, "pred_boxes": boxes}, ("logits", (0, 0, slice(0, 3))), name="pixel_values")


def d_fine() -> Layout:
    boxes, scores, labels = spread(20, BOXES[1:]), spread(20, SCORES[1:, None])[..., 0], np.zeros((1, 20), np.int64)
    labels[0, :2] = LABELS[1:]
    made = Layout({"labels": labels, "boxes": boxes, "scores": scores}, None)
    made.side = {"orig_target_sizes": np.array([[WIDTH, HEIGHT]], dtype=np.int64)}
    return made


def rf_detr() -> Layout:
    boxes, logits = queries(4, 0)
    logits[0, 0] = [0, -9, -9, -9]
    return Layout({"dets": boxes, "labels": logits}, ("labels", (0, 0, slice(0, 3))), name="input")


def torchvision() -> Layout:
    """Without a batch, classes from 1: each of the three scores is what the model sees of one channel."""
    scores = np.zeros(3, dtype=np.float32)
    outputs: dict[str, NDArray[np.generic]] = {"2841": BOXES, "2843": LABELS + 1, "2842": scores}
    return Layout(outputs, ("2842", (slice(0, 3),)), batch=None, name="input")


def finished() -> Layout:
    """Close to the contract: channels first, floats, unsorted, padded with class -1."""
    boxes, labels = spread(5, BOXES[1:]), np.full((1, 5), -1, np.int32)
    scores = np.array([[0.3, 0.6, 0.9, 0.9, 0.9]], dtype=np.float32)
    labels[0, :2] = LABELS[1:]
    return Layout({"boxes": boxes, "scores": scores, "classes": labels}, None)


def bytes_last() -> Layout:
    made = finished()
    made.kind, made.last, made.batch = TensorProto.UINT8, True, 1
    return made


LAYOUTS: dict[str, tuple[Callable[[], Layout], str]] = {
    "yolov5": (yolov5, "YOLOv5 or YOLOv7"),
    "yolov6": (yolov6, "YOLOv6"),
    "yolov7-suppressed": (yolov7_suppressed, "YOLOv7 with its suppression"),
    "yolov8": (yolov8, "YOLOv8 or YOLO11"),
    "yolov8-rows": (yolov8_rows, "YOLOv8 or YOLO11"),
    "yolov8-shares": (yolov8_shares, "YOLOv8 or YOLO11"),
    "yolov8-masks": (yolov8_masks, "YOLOv8 or YOLO11"),
    "yolov8-key-points": (yolov8_key_points, "YOLOv8 or YOLO11"),
    "yolov10": (yolov10, "YOLOv10, YOLO26, or YOLO with its suppression"),
    "yolo-nas": (yolo_nas, "YOLO-NAS"),
    "yolox": (yolox, "YOLOX"),
    "yolox-decoded": (yolox_decoded, "YOLOX"),
    "detr": (detr, "DETR"),
    "detr-counted-from-1": (lambda: detr(5, 1), "DETR"),
    "rt-detr-raw": (rt_detr_raw, "RT-DETR, D-FINE or DEIM"),
    "d-fine": (d_fine, "RT-DETR, D-FINE or DEIM"),
    "rf-detr": (rf_detr, "RF-DETR"),
    "torchvision": (torchvision, "torchvision"),
    "finished": (finished, "a detector with boxes, scores and classes"),
    "bytes-last": (bytes_last, "a detector with boxes, scores and classes"),
}


def built(layout: Layout, opset: int = 17) -> onnx.ModelProto:
    """The layout as an ONNX model."""
    batch = [] if layout.batch is None else [layout.batch]
    sides = [HEIGHT, WIDTH, 3] if layout.last else [3, HEIGHT, WIDTH]
    image = helper.make_tensor_value_info(layout.name, layout.kind, [*batch, *sides])
    nodes, weights, declared = [], [], []
    for name, value in layout.outputs.items():
        weights.append(numpy_helper.from_array(np.ascontiguousarray(value), f"planted/{name}"))
        nodes += _output(layout, name, value, weights)
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        declared.append(helper.make_tensor_value_info(name, kind, [None] * value.ndim))
    extra = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in layout.side.items()
    ]
    graph = helper.make_graph(nodes, "foreign", [image, *extra], declared, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    helper.set_model_props(made, layout.metadata)
    return made


def _output(
    layout: Layout, name: str, value: NDArray[np.generic], weights: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """The planted values; where the layout says so, the mean that the model sees of each channel is added."""
    if layout.seen is None or layout.seen[0] != name:
        return [helper.make_node("Identity", [f"planted/{name}"], [name])]
    numbers = np.arange(value.size).reshape(value.shape)[layout.seen[1]]
    places = np.zeros((3, value.size), dtype=np.float32)
    places[np.arange(3), numbers] = layout.scale
    weights += [
        numpy_helper.from_array(places, f"places/{name}"),
        numpy_helper.from_array(np.array([1, 3]), "one-by-three"),
        numpy_helper.from_array(np.array(value.shape), f"shape/{name}"),
        numpy_helper.from_array(np.array([1, 3, HEIGHT, WIDTH]), "a-batch"),
    ]
    return [
        helper.make_node("Reshape", [layout.name, "a-batch"], ["batch"]),
        helper.make_node("GlobalAveragePool", ["batch"], ["means"]),
        helper.make_node("Reshape", ["means", "one-by-three"], ["channels"]),
        helper.make_node("MatMul", ["channels", f"places/{name}"], ["added"]),
        helper.make_node("Reshape", ["added", f"shape/{name}"], [f"added/{name}"]),
        helper.make_node("Add", [f"planted/{name}", f"added/{name}"], [name]),
    ]


def saved(folder: Path, layout: Layout, opset: int = 17) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "foreign.onnx"
    path.write_bytes(built(layout, opset).SerializeToString())
    return path
