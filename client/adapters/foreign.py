"""A model file as somebody brings it: read without running it, and refused by what it is if it is no ONNX model."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from client.adapters.hints import Size
from training import contract
from training.contract import MAX_BYTES, MAX_SIDE, InvalidModelError

OTHER_FILES = {
    b"version https://git-lfs": "is a pointer of Git LFS, not the model; run `git lfs pull`",
    b"PK\x03\x04": "is an archive, as PyTorch saves weights; export the model to ONNX",
    b"\x80\x02": "is a Python pickle, as PyTorch saves weights; export the model to ONNX",
    b"\x89HDF": "is an HDF5 file, as Keras saves weights; export the model to ONNX",
}
OLDEST_OPSET = 11  # the first whose operators the wrapper's nodes need

Answers = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output as the file declares it; None in `shape` is a side that the file leaves open."""

    name: str
    kind: int  # of onnx.TensorProto
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sides = ", ".join("?" if side is None else str(side) for side in self.shape)
        return f"{self.name} {TensorProto.DataType.Name(self.kind).lower()} [{sides}]"


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The input that takes the image."""

    tensor: Tensor
    size: Size
    channels_last: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image, as the model wants it: with a batch of one, if it has a batch."""
        height, width = self.size.height, self.size.width
        sides = (height, width, 3) if self.channels_last else (3, height, width)
        return sides if len(self.tensor.shape) == 3 else (1, *sides)


class ForeignModel:
    """An ONNX model that need not keep the contract."""

    def __init__(self, file: Path) -> None:
        """Raise InvalidModelError for what is no ONNX model, too large, or too old."""
        self.name = file.name
        self.proto = _loaded(file)
        self.proto.ir_version = min(self.proto.ir_version, contract.MAX_IR)  # it is tried before it is taken
        graph = self.proto.graph
        weights = {entry.name for entry in graph.initializer}
        self.inputs = tuple(_tensor(entry) for entry in graph.input if entry.name not in weights)
        self.outputs = tuple(_tensor(entry) for entry in graph.output)
        self.metadata = {entry.key: entry.value for entry in self.proto.metadata_props}
        self.opset = max(entry.version for entry in self.proto.opset_import if entry.domain in ("", "ai.onnx"))
        if self.opset < OLDEST_OPSET:
            raise InvalidModelError(
                f"{self.name} has opset {self.opset}; at least {OLDEST_OPSET} is needed, 17 is best: export it again"
            )

    @property
    def class_names(self) -> list[str] | None:
        """The classes that its metadata names, as exports of Ultralytics do: `{0: 'scratch', 1: 'dent'}`."""
        try:
            names = ast.literal_eval(self.metadata.get("names", ""))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
        if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
            names = [names[number] for number in range(len(names))]
        return [str(name) for name in names] if isinstance(names, list | tuple) and names else None

    def image_input(self, size: Size | None) -> ImageInput:
        """Return the input that takes the image. `size` is that of a model that leaves it open.

        Raise InvalidModelError if none or several could be it, or its size is open and nobody says it.
        """
        found = [entry for entry in self.inputs if _takes_an_image(entry)]
        if len(found) != 1:
            raise InvalidModelError(
                f"{self.name} has the inputs {_listed(self.inputs)}; one must take an image, of rank 4 with 3 channels"
            )
        tensor = found[0]
        last = tensor.shape[-1] == 3 and tensor.shape[-3] != 3
        declared = tensor.shape[-3:-1] if last else tensor.shape[-2:]
        taken = self._size(tensor, declared, size)
        if not all(16 <= side <= MAX_SIDE for side in (taken.height, taken.width)):
            raise InvalidModelError(f"{self.name} takes {taken}; a side must have 16 to {MAX_SIDE} pixels")
        return ImageInput(tensor, taken, last)

    def _size(self, tensor: Tensor, declared: tuple[int | None, ...], stated: Size | None) -> Size:
        height, width = declared
        if height is not None and width is not None:
            fixed = Size(height, width)
            if stated not in (None, fixed):
                raise InvalidModelError(f"{self.name} takes {fixed} and nothing else; leave --size out")
            return fixed
        found = stated or _stated_size(self.metadata)
        if found is None:
            raise InvalidModelError(
                f"{self.name} leaves the size of {tensor} open; say what it was trained with: --size 640x640"
            )
        return found

    def side_inputs(self, taken: ImageInput) -> dict[str, NDArray[Any]]:
        """Return what its other inputs are given, for one image: sizes of the original, and a mask without padding."""
        given: dict[str, NDArray[Any]] = {}
        for entry in self.inputs:
            if entry.name == taken.tensor.name:
                continue
            kind = onnx.helper.tensor_dtype_to_np_dtype(entry.kind)
            if entry.name in ("orig_target_sizes", "orig_sizes", "target_sizes") and len(entry.shape) == 2:
                given[entry.name] = np.array([[taken.size.width, taken.size.height]], dtype=kind)
            elif entry.name in ("pixel_mask", "mask") and len(entry.shape) == 3:
                given[entry.name] = np.ones((1, taken.size.height, taken.size.width), dtype=kind)
            else:
                raise InvalidModelError(f"{self.name} also wants {entry}; export it with the image as its only input")
        return given

    def run(self, pixels: NDArray[Any], taken: ImageInput) -> Answers:
        """Return its answers to one image, given in the shape and kind that it takes."""
        contract.check_versions(self.name, self.proto.ir_version, self.opset)
        session = contract.session(self.name, self.proto.SerializeToString())
        try:
            answers = session.run(None, {taken.tensor.name: pixels, **self.side_inputs(taken)})
        except Exception as error:
            raise InvalidModelError(f"{self.name} fails on one image: {contract.said_by(error)}") from error
        return {entry.name: np.asarray(answer) for entry, answer in zip(self.outputs, answers, strict=True)}


def _loaded(file: Path) -> onnx.ModelProto:
    if not file.is_file():
        raise InvalidModelError(f"{file.name}: No such file; give a model.onnx")
    with file.open("rb") as opened:
        start = opened.read(32)
    for mark, said in OTHER_FILES.items():
        if start.startswith(mark):
            raise InvalidModelError(f"{file.name} {said}")
    if start[4:8] == b"TFL3":
        raise InvalidModelError(f"{file.name} is a TensorFlow Lite model; export the model to ONNX")
    if file.stat().st_size > MAX_BYTES:
        raise InvalidModelError(
            f"{file.name} has {file.stat().st_size / 2**20:.0f} MiB; at most {MAX_BYTES >> 20} MiB are taken"
        )
    try:
        proto = onnx.load(str(file))  # with the data files beside it; onnx refuses places outside the folder
    except onnx.checker.ValidationError as error:
        raise InvalidModelError(f"{file.name}: its data can't be read: {' '.join(str(error).split())[:200]}") from error
    except FileNotFoundError as error:
        raise InvalidModelError(f"{file.name} keeps its weights in another file, which is not beside it") from error
    except Exception as error:  # protobuf raises many kinds for what is no protobuf
        raise InvalidModelError(f"{file.name} is no ONNX file: export the model to ONNX and give that file") from error
    if not proto.graph.node or not proto.opset_import:
        raise InvalidModelError(f"{file.name} is no ONNX file: it holds no graph")
    if proto.ByteSize() > MAX_BYTES:
        raise InvalidModelError(
            f"{file.name} has {proto.ByteSize() >> 20} MiB with its data; at most {MAX_BYTES >> 20} MiB are taken"
        )
    return proto


def _tensor(entry: onnx.ValueInfoProto) -> Tensor:
    declared = entry.type.tensor_type
    sides = tuple(side.dim_value if side.dim_value > 0 else None for side in declared.shape.dim)
    return Tensor(entry.name, declared.elem_type, sides)


def _takes_an_image(entry: Tensor) -> bool:
    kinds = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8)
    return entry.kind in kinds and len(entry.shape) in (3, 4) and 3 in (entry.shape[-3], entry.shape[-1])


def _stated_size(metadata: Mapping[str, str]) -> Size | None:
    try:
        height, width = ast.literal_eval(metadata.get("imgsz", ""))
        return Size(int(height), int(width))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _listed(tensors: tuple[Tensor, ...]) -> str:
    return "; ".join(map(str, tensors)) or "none"
