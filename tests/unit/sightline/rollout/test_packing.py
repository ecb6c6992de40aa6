"""Packing a model's release."""

import hashlib
import json
import zipfile
from io import BytesIO

import pytest

from sightline.models.states import DEPLOYABLE, ModelState
from sightline.rollout.packing import InvalidReleaseError, ModelNotApprovedError, check_deployable, pack, release_files


@pytest.mark.parametrize("state", [state for state in ModelState if state not in DEPLOYABLE])
def test_a_model_that_is_not_approved_any_more_is_not_deployed(state: ModelState) -> None:
    with pytest.raises(ModelNotApprovedError, match=f"model 3 is {state}; approve it to roll it out"):
        check_deployable(3, state)


def test_a_release_is_the_model_its_description_and_its_golden_images() -> None:
    described = {"golden": [{"image": "golden/1.jpg"}, {"image": "golden/0.jpg"}]}
    files = release_files(json.dumps(described).encode())
    assert files == ["golden/0.jpg", "golden/1.jpg", "model.json", "model.onnx"]


@pytest.mark.parametrize(
    "name", ["../0.jpg", "golden/../../x", "/etc/passwd", "golden/", "golden/.hidden", "golden/a/b"]
)
def test_a_golden_image_outside_its_folder_is_refused(name: str) -> None:
    with pytest.raises(InvalidReleaseError, match="it must be golden/<file>"):
        release_files(json.dumps({"golden": [{"image": name}]}).encode())


def test_the_same_files_are_packed_to_the_same_bytes_in_any_order() -> None:
    files = {"model.onnx": b"weights", "model.json": b"{}", "golden/0.jpg": b"\xff\xd8"}
    packed = pack(files)
    assert packed == pack(dict(reversed(files.items())))
    # Pinned: another digest would give every device a "new" artifact for a version that may not change.
    assert hashlib.sha256(packed).hexdigest() == "a4ec87c835f7a29df9959ff01539e4e753ad05d17084d59e3b59c6db0715bdde"
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
