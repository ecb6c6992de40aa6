"""From a model file to one that keeps the contract, and what a person is told about it."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from client.adapters.families import Evidence, Reading, recognise
from client.adapters.foreign import ForeignModel, ImageInput
from client.adapters.hints import Hints, Size
from client.adapters.wrapping import Numbering, canvas_for, wrapped
from sightline.vision.description import ModelDescription
from sightline.vision.detector import Detection, Detector
from training import contract
from training.contract import InvalidModelError

SHOWN_CLASSES = 10


@dataclass(frozen=True, slots=True)
class ContractModel:
    """A model that keeps the contract, its model.json, and sentences on what the file was taken for."""

    body: bytes
    description: ModelDescription
    said: tuple[str, ...]


def read(file: Path, hints: Hints) -> ContractModel:
    """Return the model as it is if it keeps the contract and has the stack's classes in their order, else wrapped.

    Raise InvalidModelError, with what is missing, if it can't be wrapped either.
    """
    try:
        described = contract.describe(file, hints.classes)
    except InvalidModelError:
        return _wrapped(file, hints)
    if hints.wanted in (None, described["classes"]):
        return ContractModel(file.read_bytes(), described, (f"{file.name} keeps the contract as it is.",))
    return _wrapped(file, hints)


def tried(model: ContractModel, photo: bytes) -> list[Detection]:
    """Return what the model finds in a photo, the surest first. Raise UndecodableImageError."""
    with _as_folder(model.body, json.dumps(model.description)) as folder:
        return Detector(folder).inspect(photo, floor=0.0)


def _wrapped(file: Path, hints: Hints) -> ContractModel:
    model, beside = ForeignModel(file), contract.read_description(file.with_name("model.json"))
    classes = _classes(model, beside.get("classes"), hints)
    numbering = Numbering.between(classes, hints.wanted or classes)
    taken = model.image_input(hints.size)
    evidence = Evidence(model, taken, model.run(_noise(taken), taken), len(classes), hints.first_class)
    reading = recognise(evidence)
    canvas = canvas_for(reading, taken, hints.photo)
    body = wrapped(model, taken, reading, canvas, numbering).SerializeToString()
    given = json.dumps({**beside, "classes": numbering.names, "input": {}})
    with _as_folder(body, given) as folder:
        try:
            described = contract.describe(folder / "model.onnx")
        except InvalidModelError as error:
            why = str(error).removeprefix("model.onnx: ")
            raise InvalidModelError(f"{file.name} is taken for {reading.family.name}, but {why}") from error
    told = (*_told(taken, reading, canvas, hints), *_classes_told(classes, numbering), *reading.notes)
    return ContractModel(body, described, (f"{file.name} is taken for {reading.family.name}.", *told))


def _classes(model: ForeignModel, stated: object, hints: Hints) -> list[str]:
    """The model's classes: as the command says them, else model.json, else the file itself."""
    if hints.classes and stated not in (None, hints.classes):
        raise InvalidModelError(f"--classes says {', '.join(hints.classes)}, and model.json says {stated!r:.200}")
    inside = model.class_names
    classes = hints.classes or ([str(name) for name in stated] if isinstance(stated, list) else inside)
    if not classes:
        raise InvalidModelError(
            f"{model.name}: what are its classes? Give --classes, in the order of their numbers, or put a model.json "
            "beside it"
        )
    if inside and len(inside) != len(classes):
        raise InvalidModelError(
            f"{len(classes)} classes are named; {model.name} says that it has {len(inside)}: {', '.join(inside):.200}"
        )
    return classes


@contextmanager
def _as_folder(body: bytes, description: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(body)
        (folder / "model.json").write_text(description)
        yield folder


def _noise(taken: ImageInput) -> np.ndarray:
    kind = onnx.helper.tensor_dtype_to_np_dtype(taken.tensor.kind)
    noise = np.random.default_rng(0).integers(0, 256, taken.shape)
    return (noise if kind == np.uint8 else noise / 255.0).astype(kind)


def _told(taken: ImageInput, reading: Reading, canvas: Size, hints: Hints) -> list[str]:
    family = reading.family
    order = "BGR" if family.blue_first else "RGB"
    levels = "0..255" if family.scale == 1 else "normalised as ImageNet" if any(family.mean) else "0..1"
    fitted = "stretched" if family.stretched else "fitted"
    told = [
        f"Image: {taken.tensor}, {order}, {levels}, {fitted} into {taken.size}.",
        f"Answers: {reading.head.said}.",
    ]
    if family.overlap is not None:
        told.append(f"Added: suppression of boxes that a surer one of their class overlaps by {family.overlap:.0%}.")
    if canvas != taken.size:
        told.append(f"The wrapped model takes {canvas}, the shape of the photo.")
    elif family.stretched and hints.photo is None:
        told.append("It was trained on stretched images: give --photo, so that its input gets the photos' shape.")
    return told


def _classes_told(classes: list[str], numbering: Numbering) -> list[str]:
    names = numbering.names[:SHOWN_CLASSES]
    more = len(numbering.names) - len(names)
    told = [f"Classes: {', '.join(names)}{f' and {more} more' if more else ''}."]
    unused = len(classes) - len(numbering.names)
    if unused:
        told.append(f"Its {unused} other classes are not the stack's: what it finds of them is left out.")
    elif numbering.changes:
        told.append("They are numbered as the stack numbers them.")
    return told
