"""The detector that ships: boxes in the image's own pixels, verdicts by two thresholds, one line for a bad release."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.vision.decode import UndecodableImageError
from sightline.vision.detector import Detection, Detector, UnusableModelError

Releases = Callable[..., Path]


def image(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_detection_lies_in_the_pixels_of_the_image(release: Releases) -> None:
    detector = Detector(release(boxes=[[4, 5, 30, 20]], scores=[0.75]))
    expected = [Detection((8.0, 10.0, 60.0, 40.0), 0.75, "scratch", 0)]
    assert detector.detect(image(128, 64)) == expected
    assert detector.inspect(png(image(128, 64))) == expected
    assert detector.judge(png(image(128, 64))) == {
        "verdict": "fail",
        "detections": [
            {"box": [8.0, 10.0, 60.0, 40.0], "score": 0.75, "label": "scratch", "class_id": 0, "class": "scratch"}
        ],
    }


def test_a_detection_in_the_padding_is_cut_to_the_image(release: Releases) -> None:
    detector = Detector(release(boxes=[[-3, 20, 70, 64]], scores=[0.75]))
    assert [found.box for found in detector.detect(image(32, 64))] == [(0.0, 20.0, 64.0, 32.0)]


@pytest.mark.parametrize(
    ("floor", "scores"), [(None, [0.75, 0.25]), (0.0, [0.75, 0.25, 0.125]), (0.5, [0.75]), (0.75, [0.75]), (0.8, [])]
)
def test_what_is_less_sure_than_the_floor_is_left_out(
    release: Releases, floor: float | None, scores: list[float]
) -> None:
    detector = Detector(release(boxes=[[0, 0, 9, 9]] * 4, scores=[0.75, 0.25, 0.125, 0.0]))
    assert [found.score for found in detector.detect(image(64, 64), floor)] == scores


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [([], "pass"), ([0.19], "pass"), ([0.2], "review"), ([0.49, 0.3], "review"), ([0.5], "fail"), ([0.1, 0.9], "fail")],
)
def test_a_verdict_is_decided_by_the_surest_detection(release: Releases, scores: list[float], verdict: str) -> None:
    found = [Detection((0, 0, 1, 1), score, "scratch", 0) for score in scores]
    assert Detector(release()).verdict(found) == verdict


def test_what_is_no_image_is_refused(release: Releases) -> None:
    with pytest.raises(UndecodableImageError):
        Detector(release()).judge(b"no image")


def test_a_release_may_have_another_variant_of_the_model(release: Releases) -> None:
    folder = release()
    (folder / "model.onnx").rename(folder / "model.int8.onnx")
    assert Detector(folder, file="model.int8.onnx").detect(image(64, 64))


def without(*fields: str) -> Callable[[Path], object]:
    """Damage: model.json lacks a field."""

    def damage(folder: Path) -> None:
        about: dict[str, Any] = json.loads((folder / "model.json").read_text())
        inner = about
        for field in fields[:-1]:
            inner = inner[field]
        del inner[fields[-1]]
        (folder / "model.json").write_text(json.dumps(about))

    return damage


def wrong(field: str, value: object) -> Callable[[Path], object]:
    """Damage: a field of model.json is not what it should be."""

    def damage(folder: Path) -> None:
        about = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps({**about, field: value}))

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no model.json": lambda folder: (folder / "model.json").unlink(),
    "empty model.json": lambda folder: (folder / "model.json").write_text(""),
    "cut model.json": lambda folder: (folder / "model.json").write_text((folder / "model.json").read_text()[:-9]),
    "model.json of other bytes": lambda folder: (folder / "model.json").write_bytes(b"\xff\xfe\x00"),
    "model.json that is a list": lambda folder: (folder / "model.json").write_text("[]"),
    "no classes": without("classes"),
    "no input": without("input"),
    "no width": without("input", "width"),
    "no threshold": without("threshold"),
    "no review threshold": without("review_threshold"),
    "a threshold that is a text": wrong("threshold", "high"),
    "no model.onnx": lambda folder: (folder / "model.onnx").unlink(),
    "empty model.onnx": lambda folder: (folder / "model.onnx").write_bytes(b""),
    "cut model.onnx": lambda folder: (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-40]),
    "model.onnx of other bytes": lambda folder: (folder / "model.onnx").write_bytes(b"PK\x03\x04" * 99),
    "a folder as model.onnx": lambda folder: ((folder / "model.onnx").unlink(), (folder / "model.onnx").mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_release_is_unusable_and_says_so_in_one_line(
    release: Releases, damage: Callable[[Path], object]
) -> None:
    folder = release()
    damage(folder)
    with pytest.raises(UnusableModelError, match=r"^the model in 'release' can't be loaded: \w+: .") as raised:
        Detector(folder)
    assert "\n" not in str(raised.value)
