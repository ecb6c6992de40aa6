"""Registered models: which there are, approval by a person, and models of one's own through evaluation and gate."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from client import devices, pipeline
from client.adapters.hints import Hints, Size
from client.pipeline import TrainingRequest
from client.target import Target
from sightline import names
from sightline.api.http import ENGINEERS
from sightline.api.shapes import ModelShown
from sightline.api.shown import model_shown
from sightline.aws.people import FourEyes, FourEyesMode, People
from sightline.errors import SightlineError
from sightline.models.registry import MAX_REASON, RegisteredModel, Registry
from sightline.models.standing import Standing
from sightline.models.states import ModelState
from sightline.models.states import in_service as in_service_of
from sightline.rollout.approvals import Approvals, UnknownModelError
from sightline.vision.decode import UndecodableImageError, decode

if TYPE_CHECKING:
    from client.adapters.adapt import ContractModel


SHOWN = 5  # detections on a photo


class UnusableReasonError(SightlineError):
    """A reason that the registry would refuse."""


class ImportRefusedError(SightlineError):
    """A model that can't be imported as it is."""


def registry(target: Target) -> Registry:
    """Return the model registry of a stack, the same as its functions ask."""
    return Registry(target.aws, target.outputs["ModelPackageGroupName"])


def approvals(target: Target) -> Approvals:
    """Return what decides about models, the same as the page asks."""
    outputs = target.outputs
    four_eyes = FourEyes(four_eyes_mode(target), lambda: People(target.aws, outputs["UserPoolId"], ENGINEERS).names())
    return Approvals(target.aws, registry(target), outputs["DeploymentsTableName"], outputs["ThingGroupArn"], four_eyes)


def four_eyes_mode(target: Target) -> FourEyesMode:
    """Return what the stack's parameter FourEyes says."""
    return FourEyesMode(pipeline.parameters(target).get("FourEyes", FourEyesMode.AUTO))


def listed(target: Target) -> list[ModelShown]:
    """Return the registered models, the newest first."""
    states = Standing(target.aws, target.outputs["DeploymentsTableName"], target.outputs["ThingGroupArn"]).states()
    return [model_shown(model, states) for model in registry(target).newest()]


def find(target: Target, version: str) -> RegisteredModel:
    """Return a model; `version` is a number or `latest`. Raise UnknownModelError."""
    decisions = approvals(target)
    if version == "latest":
        newest = decisions.registry.newest(1)
        return newest[0] if newest else decisions.find(0)
    if not version.isdecimal():
        raise UnknownModelError(f"no model version {version!r}; give a number, as `sightline models` lists them")
    return decisions.find(int(version))


def check_reason(reason: str) -> None:
    """Raise UnusableReasonError for a reason that is too long."""
    if len(reason) > MAX_REASON:
        raise UnusableReasonError(f"the reason has {len(reason)} characters; at most {MAX_REASON} are kept")


def check(target: Target, version: int, *, approved: bool, reason: str = "") -> None:
    """Raise SightlineError where a decision would be refused: a person is not asked in vain."""
    check_reason(reason)
    approvals(target).check(version, approved=approved, by=pipeline.caller(target))


def judge(target: Target, version: str, *, approved: bool, reason: str = "") -> tuple[int, ModelState]:
    """Approve or reject a model; an approval starts its roll-out. `version` is a number or `latest`.

    Return the model's version and what it is now.

    The registry keeps who did it: the caller, as AWS knows them. Raise UnknownModelError, ModelStateError with what to
    do instead, and UnusableReasonError for a reason that is too long.
    """
    check_reason(reason)
    number = find(target, version).version
    return number, approvals(target).decide(number, approved=approved, by=pipeline.caller(target), reason=reason)


def standing(target: Target, version: int) -> str:
    """Return in a sentence what a model is, and how many devices run it and the one in service."""
    decisions = approvals(target)
    model, states, found = decisions.find(version), decisions.standing.states(), devices.fleet(target).devices()
    state, current = decisions.state(model, states), in_service_of(states)
    runs = [device for device in found if device.model == model.component_version]
    said = f"Model {version} ({state}) runs on {len(runs)} of {len(found)} devices."
    if current in (None, model.component_version):
        return said
    others = [device for device in found if device.model == current]
    return f"{said} Model {names.package_version(current)} is in service on {len(others)}."


def in_service(target: Target) -> str:
    """Return in a sentence which model is in service."""
    version = in_service_of(approvals(target).standing.states())
    return f"model {names.package_version(version)} is in service." if version else "no model is in service."


def read(file: Path, hints: Hints) -> ContractModel:
    """Return a model file as one that keeps the contract, wrapped if need be. Raise SightlineError."""
    try:
        from client.adapters import adapt
    except ImportError as error:
        raise ImportRefusedError(
            f"checking a model needs {error.name}; install it with: pip install -e '.[local,train]'"
        ) from error
    return adapt.read(file, hints)


def photo_size(photo: Path) -> Size:
    """Return the size of a photo. Raise ImportRefusedError for what is no image."""
    try:
        height, width, _ = decode(photo.read_bytes()).shape
    except (OSError, UndecodableImageError) as error:
        raise ImportRefusedError(f"{photo} can't be used as a photo: {error}") from error
    return Size(height, width)


def tried(model: ContractModel, photo: Path) -> list[str]:
    """Return in sentences what the model finds in a photo, the surest first."""
    from client.adapters import adapt

    found = [detection for detection in adapt.tried(model, photo.read_bytes()) if detection.score > 0]
    if not found:
        return [f"On {photo.name} it finds nothing."]
    shown = [
        f"{one.label} {one.score:.2f} at {', '.join(str(round(edge)) for edge in one.box)}" for one in found[:SHOWN]
    ]
    return [f"On {photo.name} it finds {len(found)} boxes, the surest first: {'; '.join(shown)}."]


def pack(model: ContractModel, name: str) -> bytes:
    """Return model.tar.gz as a training job leaves it; the same model and name give the same bytes."""
    described = {**model.description, "training_job": name}
    return archive_of({"model.onnx": model.body, "model.json": json.dumps(described, indent=1).encode()})


def archive_of(bodies: Mapping[str, bytes]) -> bytes:
    """Return the files as model.tar.gz; the same files give the same bytes."""
    archive = io.BytesIO()
    with gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for entry_name, body in sorted(bodies.items()):
            entry = tarfile.TarInfo(entry_name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return archive.getvalue()


def digest_of(archive: bytes) -> str:
    """Return 16 hexadecimal characters that are the same for the same model, classes and costs, whatever it is called.

    That is what a judgement depends on: the same model under another name is not judged again, and takes the other's
    place.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        model, description = (tar.extractfile(entry) for entry in ("model.onnx", "model.json"))
        assert model
        assert description
        body, described = model.read(), json.load(description)
    costs = [described["hyperparameters"][cost] for cost in ("escape_cost", "alarm_cost")]
    content = json.dumps([hashlib.sha256(body).hexdigest(), described["classes"], *map(float, costs)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def start_import(target: Target, archive: bytes, name: str, *, force: bool = False, test_set: str | None = None) -> str:
    """Upload a packed model and start `train_model` with it. Return the execution's ARN.

    `test_set` is the dataset version beside the model on which it is judged; else that is the stack's own.
    """
    digest = digest_of(archive)
    bucket, key = target.outputs["ArtifactsBucketName"], names.imported_model(digest)
    target.aws.s3.put_object(Bucket=bucket, Key=key, Body=archive)
    request: TrainingRequest = {"model_uri": f"s3://{bucket}/{key}"}
    if force:
        request["force"] = True
    if test_set:
        request["test_set"] = test_set
    answer = target.aws.step_functions.start_execution(
        stateMachineArn=target.outputs["TrainModelArn"],
        name=names.short(f"import-{name}-{digest[:8]}-{int(time.time())}"),
        input=json.dumps(request),
    )
    return answer["executionArn"]
