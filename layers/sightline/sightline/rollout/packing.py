"""Packing a model's release as the artifact of its component version."""

import io
import json
import re
import zipfile
from collections.abc import Mapping

from sightline.errors import SightlineError
from sightline.models.states import DEPLOYABLE, ModelState


class InvalidReleaseError(SightlineError):
    """A release that can't be packed: a file is missing or lies outside it."""


class ArtifactConflictError(SightlineError):
    """The artifact of the component version is there already, with other content."""


class ModelNotApprovedError(SightlineError):
    """The model package is not approved (any more)."""


def check_deployable(version: int, state: ModelState) -> None:
    """Raise ModelNotApprovedError unless the model is approved: an approval may be taken back before its event."""
    if state not in DEPLOYABLE:
        raise ModelNotApprovedError(f"model {version} is {state}; approve it to roll it out")


def release_files(model_json: bytes) -> list[str]:
    """Return the names of a release's files, sorted, relative to its folder: model, description and golden images.

    Raise InvalidReleaseError for a golden image that would lie outside the release.
    """
    golden = [str(entry["image"]) for entry in json.loads(model_json).get("golden", [])]
    for name in golden:
        if not re.fullmatch(r"golden/[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise InvalidReleaseError(f"model.json names the golden image {name!r}; it must be golden/<file>")
    return sorted({"model.json", "model.onnx", *golden})


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of `files` (name → content). The same files give the same bytes, whoever packs them, and whenever.

    Stored, not deflated: weights hardly shrink, and deflated bytes differ between versions of zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, on whatever system this runs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()
