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

from client.adapters.hints import Hints, Size
from client.pipeline import TrainingRequest
from client.target import Target
from sightline import names
from sightline.api.shapes import ModelShown
from sightline.api.shown import model_shown
from sightline.errors import SightlineError
from sightline.models.registry import MAX_REASON, ModelStatus, Registry
from sightline.vision.decode import UndecodableImageError, decode

if TYPE_CHECKING:
    from client.adapters.adapt import ContractModel


SHOWN = 5  # detections on a photo


class UnusableReasonError(SightlineError):
    """A reason that the registry would refuse."""


class UnknownModelError(SightlineError):
    """There is no such version."""


class ImportRefusedError(SightlineError):
    """A model that can't be imported as it is."""


def registry(target: Target) -> Registry:
    """Return the model registry of a stack, the same as its functions ask."""
    return Registry(target.aws, target.outputs["ModelPackageGroupName"])


def listed(target: Target) -> list[ModelShown]:
    """Return the registered models, the newest first."""
    return [model_shown(model) for model in registry(target).newest()]


def judge(target: Target, version: str, *, approved: bool, reason: str = "") -> tuple[int, ModelStatus]:
    """Approve or reject a model; an approval starts its roll-out. `version` is a number or `latest`.

    Return the model's version and what it is now.

    The registry keeps who did it: the caller, as AWS knows them. Raise UnknownModelError, and UnusableReasonError for
    a reason that is too long.
    """
    if len(reason) > MAX_REASON:
        raise UnusableReasonError(f"the reason has {len(reason)} characters; at most {MAX_REASON} are kept")
    models = registry(target)
    if version == "latest":
        newest = models.newest(1)
        wanted = newest[0].version if newest else 0
    else:
        wanted = int(version) if version.isdecimal() else 0
    status = models.judge(wanted, approved=approved, by=caller(target), reason=reason) if wanted else None
    if status is None:
        have = ", ".join(str(model.version) for model in models.newest()) or "none"
        raise UnknownModelError(f"no model version {version!r}; there are: {have}")
    return wanted, status


def caller(target: Target) -> str:
    """Return who calls: the last part of the caller's ARN, such as `user/eve` or `assumed-role/Admin/eve`."""
    return target.aws.sts.get_caller_identity()["Arn"].rsplit(":", 1)[-1]


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
