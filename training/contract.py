"""What a model must be like to be judged and to ship (docs/architecture.md, "Model"): checked before anything is measured.

The command line asks before it uploads a model; the evaluation asks again, of every model whoever trained it. A file is hostile
until it has gone through here: it is parsed without loading what it refers to, and never run before its declaration is right.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from sightline.errors import SightlineError
from training.hyperparameters import Hyperparameters

MAX_BYTES = 250 * 1024 * 1024  # far above any gate's budget; below what a parser should be given
MAX_SIDE = 4096  # pixels of the input
OUTPUTS = {"boxes": ("tensor(float)", 3), "scores": ("tensor(float)", 2), "classes": ("tensor(int64)", 2)}
THRESHOLDS = {"threshold": 0.5, "review_threshold": 0.25}  # until evaluation chooses them


class InvalidModelError(SightlineError):
    """A model that breaks the contract; the message says in which point."""


def describe(file: Path, classes: list[str] | None = None) -> dict[str, Any]:
    """model.json of `file`, whole: from the model.json beside it, else from `classes` and the file itself.

    Raises InvalidModelError when the file breaks the contract or neither says what its classes are.
    """
    size, opset = check_file(file)
    given = read_description(file.with_name("model.json"))
    names = classes or given.get("classes")
    if not names:
        raise InvalidModelError(f"{file.name}: what are its classes? Give --classes, or put a model.json beside it")
    stated = given.get("input", {})
    if not isinstance(stated, dict) or any(stated.get(side, size[side]) != size[side] for side in size):
        raise InvalidModelError(f"model.json says input {stated}, and {file.name} takes {size}")
    if stated.get("resize", "letterbox") != "letterbox":
        raise InvalidModelError(f"model.json: resize {stated['resize']!r} is unknown; images are fitted by 'letterbox'")
    costs = {name: getattr(Hyperparameters(), name) for name in ("escape_cost", "alarm_cost")}
    described = {
        "training_job": "imported",
        "dataset_version": "unknown",
        "code_version": "unknown",
        "baseline": {},
        "golden": [],
        **THRESHOLDS,
        **given,
        "classes": names,
        "input": {**size, "resize": "letterbox", "pad_value": 114},
        "opset": opset,
        "hyperparameters": {**costs, **given.get("hyperparameters", {})},
    }
    _check_description(described)
    _check_answers(file, described)
    return described


def read_description(path: Path) -> dict[str, Any]:
    """model.json as it was given, or nothing when there is none."""
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_bytes())
    except ValueError as error:
        raise InvalidModelError(f"model.json is no JSON: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("hyperparameters", {}), dict):
        raise InvalidModelError("model.json must be an object, and so must its `hyperparameters`")
    return given


def _check_description(described: dict[str, Any]) -> None:
    names = described["classes"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InvalidModelError(f"classes must be a list of names, got {names!r:.100}")
    if len(set(names)) != len(names):
        raise InvalidModelError(f"a class is named twice: {', '.join(names)}")
    for name in THRESHOLDS:
        if not _is_share(described[name]):
            raise InvalidModelError(f"model.json: {name} must lie in 0..1, got {described[name]!r:.100}")
    for name in ("escape_cost", "alarm_cost"):
        cost = described["hyperparameters"][name]
        if not isinstance(cost, int | float) or not math.isfinite(cost) or cost <= 0:
            raise InvalidModelError(f"model.json: {name} must be a number above 0, got {cost!r:.100}")


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def check_file(file: Path) -> tuple[dict[str, int], int]:
    """The input's height and width, and the opset, of a file that declares what the contract asks for."""
    try:
        size = file.stat().st_size
    except OSError as error:
        raise InvalidModelError(f"{file.name}: {error.strerror}; give a model.onnx") from error
    if size > MAX_BYTES:
        raise InvalidModelError(f"{file.name} has {size / 2**20:.0f} MiB; at most {MAX_BYTES >> 20} MiB are taken")
    try:
        parsed = onnx.load(str(file), load_external_data=False)
        opset = max((entry.version for entry in parsed.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    except Exception as error:  # protobuf raises many kinds for what is no protobuf
        raise InvalidModelError(f"{file.name} is no ONNX file: {type(error).__name__}") from error
    if not parsed.graph.node:
        raise InvalidModelError(f"{file.name} is no ONNX file: it holds no graph")
    for tensor in tensors(parsed):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise InvalidModelError(
                f"{file.name} refers to data outside itself ({tensor.name!r}); save it as one file, without external data"
            )
    session = _session(file)
    return _check_declaration(file.name, session), opset


def tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a protobuf message, however deep: weights, constants, those of subgraphs and functions."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if isinstance(value, list) or hasattr(value, "add") else [value]:
                yield from tensors(part)


def _session(file: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises kinds of its own, one for each status
        raise InvalidModelError(f"{file.name} can't be loaded by onnxruntime: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _check_declaration(name: str, session: Any) -> dict[str, int]:
    inputs, outputs = session.get_inputs(), {entry.name: entry for entry in session.get_outputs()}
    if [entry.name for entry in inputs] != ["images"]:
        raise InvalidModelError(f"{name} must have one input `images`, got {[entry.name for entry in inputs]}")
    shape, kind = inputs[0].shape, inputs[0].type
    if kind != "tensor(uint8)" or len(shape) != 4 or shape[3] != 3:
        raise InvalidModelError(f"{name}: `images` must be uint8 [N, H, W, 3], got {kind} {shape}")
    if isinstance(shape[0], int):
        raise InvalidModelError(f"{name}: the batch size of `images` must be dynamic, got {shape[0]}")
    if not all(isinstance(side, int) and 1 <= side <= MAX_SIDE for side in shape[1:3]):
        raise InvalidModelError(f"{name}: H and W of `images` must be fixed, at most {MAX_SIDE}, got {shape[1:3]}")
    for output, (wanted, rank) in OUTPUTS.items():
        if output not in outputs:
            raise InvalidModelError(f"{name} lacks the output `{output}`; it has: {', '.join(outputs)}")
        found = outputs[output]
        if found.type != wanted or len(found.shape) != rank:
            raise InvalidModelError(
                f"{name}: `{output}` must be {wanted} of rank {rank}, got {found.type} {found.shape}"
            )
    return {"height": shape[1], "width": shape[2]}


def _check_answers(file: Path, described: dict[str, Any]) -> None:
    """Run it on noise, on one and on two images: what comes out must be what the declaration says."""
    session = _session(file)
    height, width = described["input"]["height"], described["input"]["width"]
    noise = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    for batch in (1, 2):
        try:
            boxes, scores, classes = session.run(list(OUTPUTS), {"images": noise[:batch]})
        except Exception as error:
            raise InvalidModelError(f"{file.name} fails on {batch} image(s): {_line(error)}") from error
        kept = scores.shape[-1]
        if (boxes.shape, scores.shape, classes.shape) != ((batch, kept, 4), (batch, kept), (batch, kept)):
            shapes = f"boxes {boxes.shape}, scores {scores.shape}, classes {classes.shape}"
            raise InvalidModelError(f"{file.name}: outputs for {batch} image(s) don't fit together: {shapes}")
        if not (np.isfinite(boxes).all() and (scores >= 0).all() and (scores <= 1).all()):
            raise InvalidModelError(f"{file.name}: scores must lie in 0..1 and boxes must be finite")
        if (np.diff(scores, axis=1) > 0).any():
            raise InvalidModelError(f"{file.name}: detections must be sorted by score, the surest first")
        named = classes[scores > 0]
        if ((named < 0) | (named >= len(described["classes"]))).any():
            raise InvalidModelError(
                f"{file.name} answers class {int(named.max())}, and there are {len(described['classes'])} classes from 0"
            )
