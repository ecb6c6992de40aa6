"""What a model must be like to be judged and to ship (docs/reference/model-contract.md): checked before anything is
measured.

The command line asks before it uploads a model; the evaluation asks again, of every model whoever trained it. A file is
hostile until it has gone through here: it is parsed without loading what it refers to, and never run before its
declaration is right.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
import onnx
import onnxruntime

from sightline.errors import SightlineError
from sightline.models.hyperparameters import Hyperparameters
from sightline.vision.description import ModelDescription
from training.inputs import is_number

MAX_BYTES = 250 * 1024 * 1024  # far above any gate's budget; below what a parser should be given
MAX_SIDE = 4096  # pixels of the input
SHARES = 1.5  # no detector finds nothing but boxes within a pixel and a half of the corner
# What the oldest onnxruntime on a device reads: 1.19, on Python 3.9 (edge/requirements.txt).
MAX_OPSET = 21
MAX_IR = 10
OUTPUTS = {"boxes": ("tensor(float)", 3), "scores": ("tensor(float)", 2), "classes": ("tensor(int64)", 2)}
THRESHOLDS = {"threshold": 0.5, "review_threshold": 0.25}  # until evaluation chooses them
KINDS = {"training_job": str, "dataset_version": str, "code_version": str, "baseline": dict, "golden": list}
SAID = {str: "a text", dict: "an object", list: "a list"}


class InvalidModelError(SightlineError):
    """A model that breaks the contract; the message says in which point."""


class Given(TypedDict, total=False):
    """model.json as somebody gave it, with whatever else is in it; only its `hyperparameters` are sure to be an
    object.
    """

    classes: object
    input: object
    hyperparameters: dict[str, object]


def describe(file: Path, classes: list[str] | None = None) -> ModelDescription:
    """model.json of `file`, whole: from the model.json beside it, else from `classes` and the file itself.

    Raises InvalidModelError when the file breaks the contract, or neither or both differently say what its classes are.
    """
    size, opset = check_file(file)
    given = read_description(file.with_name("model.json"))
    names = classes or given.get("classes")
    if classes and given.get("classes") not in (None, classes):
        raise InvalidModelError(f"--classes says {', '.join(classes)}, and model.json says {given['classes']!r:.200}")
    if not names:
        raise InvalidModelError(f"{file.name}: what are its classes? Give --classes, or put a model.json beside it")
    stated = given.get("input", {})
    if not isinstance(stated, dict) or any(stated.get(side, size[side]) != size[side] for side in size):
        raise InvalidModelError(f"model.json says input {stated}, and {file.name} takes {size}")
    if stated.get("resize", "letterbox") != "letterbox":
        raise InvalidModelError(f"model.json: resize {stated['resize']!r} is unknown; images are fitted by 'letterbox'")
    costs = {name: getattr(Hyperparameters(), name) for name in ("escape_cost", "alarm_cost")}
    hyperparameters = {**costs, **given.get("hyperparameters", {})}
    whole: dict[str, object] = {
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
        "hyperparameters": hyperparameters,
    }
    described = _check_description(whole, hyperparameters)
    _try_out(file, described)
    return described


def read_description(path: Path) -> Given:
    """model.json as it was given, or nothing when there is none."""
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidModelError(f"model.json is no JSON: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("hyperparameters", {}), dict):
        raise InvalidModelError("model.json must be an object, and so must its `hyperparameters`")
    return cast(Given, given)


def _check_description(described: Mapping[str, object], hyperparameters: Mapping[str, object]) -> ModelDescription:
    names = described["classes"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InvalidModelError(f"classes must be a list of names, got {names!r:.100}")
    if len(set(names)) != len(names):
        raise InvalidModelError(f"a class is named twice: {', '.join(names)}")
    for name, kind in KINDS.items():
        if not isinstance(described[name], kind):
            raise InvalidModelError(f"model.json: {name} must be {SAID[kind]}, got {described[name]!r:.100}")
    for name in THRESHOLDS:
        if not _is_share(described[name]):
            raise InvalidModelError(f"model.json: {name} must lie in 0..1, got {described[name]!r:.100}")
    for name in ("escape_cost", "alarm_cost"):
        cost = hyperparameters[name]
        if not is_number(cost) or cost <= 0:
            raise InvalidModelError(f"model.json: {name} must be a number above 0, got {cost!r:.100}")
    return cast(ModelDescription, described)


def _is_share(value: object) -> bool:
    return is_number(value) and 0 <= value <= 1


def check_file(file: Path) -> tuple[dict[str, int], int]:
    """The input's height and width, and the opset, of a file that declares what the contract asks for."""
    try:
        size = file.stat().st_size
    except OSError as error:
        raise InvalidModelError(f"{file.name}: {error.strerror}; give a model.onnx") from error
    if not file.is_file():
        raise InvalidModelError(f"{file.name} is no file; give the model.onnx itself")
    if size > MAX_BYTES:
        raise InvalidModelError(f"{file.name} has {size / 2**20:.0f} MiB; at most {MAX_BYTES >> 20} MiB are taken")
    try:
        parsed = onnx.load(str(file), load_external_data=False)
        opset = max((entry.version for entry in parsed.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    except Exception as error:  # protobuf raises many kinds for what is no protobuf
        raise InvalidModelError(f"{file.name} is no ONNX file: export the model to ONNX and give that file") from error
    if not parsed.graph.node:
        raise InvalidModelError(f"{file.name} is no ONNX file: it holds no graph")
    for tensor in tensors(parsed):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise InvalidModelError(
                f"{file.name} refers to data outside itself ({tensor.name!r}); save it as one file, without external "
                "data"
            )
    check_versions(file.name, parsed.ir_version, opset)
    return _check_declaration(file.name, session(file.name, file.read_bytes())), opset


def check_versions(name: str, ir_version: int, opset: int) -> None:
    """Raise InvalidModelError for a model that is too new for a device's onnxruntime."""
    if opset > MAX_OPSET:
        raise InvalidModelError(
            f"{name} has opset {opset}; devices read up to {MAX_OPSET}: export it again with opset 17"
        )
    if ir_version > MAX_IR:
        raise InvalidModelError(
            f"{name} has IR version {ir_version}; devices read up to {MAX_IR}: set `ir_version = {MAX_IR}` in the "
            "model, or export it with opset 17"
        )


def tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a protobuf message, however deep: weights, constants, those of subgraphs and functions."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in value if isinstance(value, list) or hasattr(value, "add") else [value]:
                yield from tensors(part)


def session(name: str, body: bytes) -> onnxruntime.InferenceSession:
    """Load the model `name`. Raise InvalidModelError with what onnxruntime says about it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises kinds of its own, one for each status
        raise InvalidModelError(f"{name} can't be loaded by onnxruntime: {said_by(error)}") from error


def said_by(error: Exception) -> str:
    """Return what onnxruntime says, in one line: its point often comes last."""
    said = " ".join(str(error).split())
    return said if len(said) <= 500 else f"{said[:200]} … {said[-300:]}"


def _check_declaration(name: str, loaded: onnxruntime.InferenceSession) -> dict[str, int]:
    inputs, outputs = loaded.get_inputs(), {entry.name: entry for entry in loaded.get_outputs()}
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


def _try_out(file: Path, described: ModelDescription) -> None:
    """Run it on noise, on one and on two images: what comes out must be what the declaration says."""
    loaded = session(file.name, file.read_bytes())
    height, width = described["input"]["height"], described["input"]["width"]
    noise = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    for batch in (1, 2):
        try:
            boxes, scores, classes = loaded.run(list(OUTPUTS), {"images": noise[:batch]})
        except Exception as error:
            raise InvalidModelError(f"{file.name} fails on {batch} image(s): {said_by(error)}") from error
        check_answers((boxes, scores, classes), file.name, len(described["classes"]), batch)
        if (scores > 0).any() and np.abs(boxes[scores > 0]).max() <= SHARES:
            raise InvalidModelError(f"{file.name}: boxes must be in pixels of the input, not shares of it in 0..1")


def check_answers(answers: Any, name: str, known: int, batch: int) -> None:
    """Raises InvalidModelError unless what came out of the model `name` for `batch` images is what the contract asks
    for.
    """
    boxes, scores, classes = answers
    kept = scores.shape[-1]
    if (boxes.shape, scores.shape, classes.shape) != ((batch, kept, 4), (batch, kept), (batch, kept)):
        shapes = f"boxes {boxes.shape}, scores {scores.shape}, classes {classes.shape}"
        raise InvalidModelError(f"{name}: outputs for {batch} image(s) don't fit together: {shapes}")
    if not (np.isfinite(boxes).all() and (scores >= 0).all() and (scores <= 1).all()):  # NaN too
        raise InvalidModelError(f"{name}: scores must lie in 0..1, after their sigmoid, and boxes must be finite")
    if (boxes[..., :2] > boxes[..., 2:])[scores > 0].any():
        raise InvalidModelError(
            f"{name}: boxes must be x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, not the other way round or x, y, width, "
            "height"
        )
    if (np.diff(scores, axis=1) > 0).any():
        raise InvalidModelError(f"{name}: detections must be sorted by score, the surest first")
    named = classes[scores > 0]
    unknown = named[(named < 0) | (named >= known)]
    if len(unknown):
        there = f"there are {known} classes from 0" if known > 1 else "there is 1 class, 0"
        raise InvalidModelError(f"{name} answers class {int(unknown[0])}, and {there}")
