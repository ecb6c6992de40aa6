"""Which detector a model is, told by its outputs: names, shapes, and what they hold for one image."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from client.adapters.foreign import Answers, ForeignModel, ImageInput
from client.adapters.heads import STRIDES, Cells, CornersAndScores, Finished, Head, Queries, Rows
from training import contract
from training.contract import InvalidModelError

DOCS = "docs/how-to/bring-your-own-model.md lists what is understood"


@dataclass(frozen=True, slots=True)
class Family:
    """Detectors that were trained alike: how they see an image, and what is left to do with their boxes.

    A channel of the image, 0..255, is divided by `scale`, then `mean` is taken away and the rest divided by
    `deviation`. `stretched` models were trained on images bent to the size of the input, the others on images fitted
    into it. `overlap` is the overlap from which a box is suppressed by a surer one of its class (intersection over
    union); None for models that answer each object once.
    """

    name: str
    scale: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blue_first: bool = False
    stretched: bool = False
    overlap: float | None = None


IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

YOLO_V5 = Family("YOLOv5 or YOLOv7", overlap=0.45)
YOLO_V6 = Family("YOLOv6", overlap=0.65)
YOLO_V7 = Family("YOLOv7 with its suppression")
YOLO_V8 = Family("YOLOv8 or YOLO11", overlap=0.7)
YOLO_V10 = Family("YOLOv10, YOLO26, or YOLO with its suppression")
YOLO_NAS = Family("YOLO-NAS", overlap=0.7)
YOLOX = Family("YOLOX", scale=1.0, blue_first=True, overlap=0.65)
DETR = Family("DETR", mean=IMAGENET_MEAN, deviation=IMAGENET_DEVIATION, stretched=True)
RF_DETR = Family("RF-DETR", mean=IMAGENET_MEAN, deviation=IMAGENET_DEVIATION, stretched=True)
RT_DETR = Family("RT-DETR, D-FINE or DEIM", stretched=True)
TORCHVISION = Family("torchvision")
FINISHED = Family("a detector with boxes, scores and classes")
FINISHED_BYTES = Family("a detector with boxes, scores and classes", scale=1.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model was taken for. `notes` are sentences that a person should know."""

    family: Family
    head: Head
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a reading may rest on. `classes` is their number; `first_class` is what the user says, if anything."""

    model: ForeignModel
    taken: ImageInput
    answers: Answers
    classes: int
    first_class: int | None
    cells: int = field(init=False)

    def __post_init__(self) -> None:
        cells = sum((self.taken.size.height // stride) * (self.taken.size.width // stride) for stride in STRIDES)
        object.__setattr__(self, "cells", cells)

    def shaped(self, wanted: Callable[[tuple[int, ...]], bool]) -> list[str]:
        """The names of the outputs whose shape is wanted."""
        return [name for name, answer in self.answers.items() if wanted(answer.shape)]


def recognise(evidence: Evidence) -> Reading:
    """Return what the model is taken for. Raise InvalidModelError if nothing fits, or two things do."""
    task = evidence.model.metadata.get("task", "detect")
    if task in ("classify", "obb"):
        what = {"classify": "a class for a whole image", "obb": "turned boxes"}[task]
        raise InvalidModelError(f"{evidence.model.name} answers with {what}; train and export it with task=detect")
    for reader in (_finished, _rows, _pair, _cells):
        reading = reader(evidence)
        if reading:
            return reading
    outputs = "; ".join(f"{name} {answer.dtype} {list(answer.shape)}" for name, answer in evidence.answers.items())
    raise InvalidModelError(f"{evidence.model.name} has outputs that are not understood: {outputs}; {DOCS}")


def _finished(evidence: Evidence) -> Reading | None:
    """Boxes, scores and labels as three outputs, whatever they are called."""
    found = _three_outputs(evidence)
    if found is None:
        return None
    boxes, scores, labels = found
    sides = {entry.name for entry in evidence.model.inputs} - {evidence.taken.tensor.name}
    if sides:
        return Reading(RT_DETR, Finished(boxes, scores, labels, evidence.first_class or 0))
    if evidence.answers[boxes].ndim == 2:
        first = 1 if evidence.first_class is None else evidence.first_class
        return Reading(TORCHVISION, Finished(boxes, scores, labels, first))
    shares = _in_shares(evidence.answers[boxes])
    notes = ("All boxes lie in 0..1: they are taken for shares of the image.",) if shares else ()
    head = Finished(boxes, scores, labels, evidence.first_class or 0, shares)
    bytes_taken = evidence.taken.tensor.kind == 2  # TensorProto.UINT8
    return Reading(FINISHED_BYTES if bytes_taken else FINISHED, head, notes)


def _three_outputs(evidence: Evidence) -> tuple[str, str, str] | None:
    boxes = evidence.shaped(lambda shape: len(shape) in (2, 3) and shape[-1] == 4)
    if len(evidence.answers) != 3 or len(boxes) != 1:
        return None
    shape = evidence.answers[boxes[0]].shape[:-1]
    others = evidence.shaped(lambda other: other == shape)
    if len(others) != 2:
        return None
    whole = [name for name in others if np.issubdtype(evidence.answers[name].dtype, np.integer)]
    whole = whole or [name for name in others if "class" in name.lower() or "label" in name.lower()]
    if len(whole) != 1:
        return None
    return boxes[0], next(name for name in others if name != whole[0]), whole[0]


def _rows(evidence: Evidence) -> Reading | None:
    """Rows that are suppressed already: [1, 300, 6] of YOLOv10 (with masks: more columns), [M, 7] of YOLOv7."""
    flat = evidence.shaped(lambda shape: len(shape) == 2 and shape[1] == 7)
    if len(evidence.answers) == 1 and flat:
        return Reading(YOLO_V7, Rows(flat[0], 7, box=1, score=6, label=5))
    masks = _mask_coefficients(evidence)
    few = evidence.cells // 4
    rows = evidence.shaped(lambda shape: len(shape) == 3 and shape[1] <= min(1000, few) and shape[2] == 6 + masks)
    if len(rows) == 1 and len(evidence.answers) == (2 if masks else 1):
        return Reading(YOLO_V10, Rows(rows[0], 6 + masks, box=0, score=4, label=5), _mask_note(masks))
    return None


def _pair(evidence: Evidence) -> Reading | None:
    """Boxes and class scores as two outputs: DETR and its kin, or YOLO-NAS."""
    if len(evidence.answers) != 2:
        return None
    boxes = evidence.shaped(lambda shape: len(shape) == 3 and shape[-1] == 4)
    if len(boxes) == 2:  # four classes, or four logits
        boxes = [name for name in boxes if "box" in name.lower() or "det" in name.lower()]
    if len(boxes) != 1:
        return None
    other = next(name for name in evidence.answers if name != boxes[0])
    rows, wide = evidence.answers[other].shape[1:] if evidence.answers[other].ndim == 3 else (0, 0)
    if rows != evidence.answers[boxes[0]].shape[1]:
        return None
    if rows == evidence.cells:
        _agree(evidence, wide)
        return Reading(YOLO_NAS, CornersAndScores(boxes[0], other, wide))
    return _queries(evidence, boxes[0], other, wide)


def _queries(evidence: Evidence, boxes: str, logits: str, wide: int) -> Reading:
    spare = wide - evidence.classes
    if spare not in (0, 1, 2):
        _agree(evidence, wide)
    stated = evidence.first_class
    note: tuple[str, ...] = ()
    if {boxes, logits} == {"dets", "labels"}:
        family, softmax, first = RF_DETR, False, stated or 0
        if spare and stated is None:
            note = ("Logit 0 is taken for the first class. If its classes count from 1: --first-class 1.",)
    elif spare:  # the last logit is "no object"; one more before the classes if they count from 1
        family, softmax, first = DETR, True, spare - 1 if stated is None else stated
    else:
        family, softmax, first = RT_DETR, False, stated or 0
    if first + evidence.classes > wide:
        raise InvalidModelError(f"{evidence.model.name} has {wide} logits: too few to count classes from {first}")
    return Reading(family, Queries(boxes, logits, evidence.classes, first, wide, softmax), note)


def _cells(evidence: Evidence) -> Reading | None:
    """One output with a row for each cell: YOLOv5 to YOLO11, and YOLOX."""
    masks = _mask_coefficients(evidence)
    counts = {evidence.cells, 3 * evidence.cells}
    rows = evidence.shaped(lambda shape: len(shape) == 3 and (shape[1] in counts) != (shape[2] in counts))
    others = [answer for name, answer in evidence.answers.items() if name not in rows]
    if len(rows) != 1 or any(answer.ndim not in (4, 5) for answer in others):
        return None
    shape = evidence.answers[rows[0]].shape
    transposed = shape[2] in counts
    count, wide = (shape[2], shape[1]) if transposed else (shape[1], shape[2])
    values = evidence.answers[rows[0]][0].T if transposed else evidence.answers[rows[0]][0]
    points = _key_points(evidence) if transposed else 0
    beside = masks + points
    note = _mask_note(masks) + (("Its key points are left out.",) if points else ())
    if wide - beside == 4 + evidence.classes and count == evidence.cells:
        head = Cells(rows[0], evidence.classes, False, transposed, shares=_in_shares(values[:, :4]))
        return Reading(YOLO_V8, head, note)
    if wide - beside == 5 + evidence.classes and not transposed:
        return Reading(*_with_objectness(evidence, rows[0], values, count), note)
    _agree(evidence, wide - beside - (4 if transposed else 5))
    return None


def _with_objectness(evidence: Evidence, output: str, values: np.ndarray, count: int) -> tuple[Family, Head]:
    if count != evidence.cells:
        return YOLO_V5, Cells(output, evidence.classes, True, shares=_in_shares(values[:, :4]))
    if (values[:, 4] == 1).all():
        return YOLO_V6, Cells(output, evidence.classes, True)
    # Decoded centres lie all over the image, offsets from cells near 0.
    on_grid = bool(np.abs(values[:, :2]).max() < STRIDES[-1] / 2)
    return YOLOX, Cells(output, evidence.classes, True, on_grid=on_grid)


def _mask_coefficients(evidence: Evidence) -> int:
    """How many mask coefficients stand behind the classes: as many as the second output has prototypes."""
    prototypes = [answer for answer in evidence.answers.values() if answer.ndim == 4]
    return int(prototypes[0].shape[1]) if len(prototypes) == 1 and len(evidence.answers) == 2 else 0


def _mask_note(masks: int) -> tuple[str, ...]:
    return ("It also answers with masks; only its boxes are used.",) if masks else ()


def _key_points(evidence: Evidence) -> int:
    """How many values of key points stand behind the classes, as its metadata says: `kpt_shape`, such as [17, 3]."""
    stated = evidence.model.metadata.get("kpt_shape", "")
    numbers = [int(part) for part in stated.strip("[]()").split(",") if part.strip().isdecimal()]
    return math.prod(numbers) if evidence.model.metadata.get("task") == "pose" and len(numbers) == 2 else 0


def _in_shares(boxes: np.ndarray) -> bool:
    return bool(boxes.size and 0 < np.abs(boxes).max() <= contract.SHARES)


def _agree(evidence: Evidence, found: int) -> None:
    """Raise InvalidModelError if the outputs are made for another number of classes."""
    if found != evidence.classes:
        raise InvalidModelError(
            f"{evidence.model.name} looks like a detector of {max(found, 0)} classes; {evidence.classes} are named: "
            "give its own in the order of their numbers with --classes"
        )
