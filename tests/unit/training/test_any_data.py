"""What a training takes: grey and colour, 8 and 16 bits, portrait and landscape, many classes."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.vision.decode import decode
from sightline.vision.detector import Detector
from training import train
from training.augment import augment
from training.data import Sample, input_size, load
from training.inputs import LabelRecord, read_manifest


@pytest.mark.parametrize(
    ("mode", "suffix", "size", "shape"),
    [
        ("L", "png", (90, 60), (64, 96)),
        ("I;16", "png", (90, 60), (64, 96)),
        ("L", "tiff", (60, 90), (96, 64)),
        ("RGB", "jpg", (60, 90), (96, 64)),
        ("RGBA", "png", (300, 60), (32, 96)),
    ],
)
def test_any_image_becomes_a_sample_with_its_boxes_on_the_defect(
    draw_channels: Any, mode: str, suffix: str, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    channels = draw_channels(size=size, mode=mode, suffix=suffix)
    manifest = channels / "dataset" / "train.manifest"
    assert input_size(read_manifest(manifest, 1)[0], 96) == shape
    samples, problems = load(manifest, channels / "train", shape, 1)
    assert (len(samples), problems) == (5, [])
    for sample in samples:
        assert (sample.pixels.shape, sample.pixels.dtype) == ((*shape, 3), np.uint8)
        for x1, y1, x2, y2 in sample.boxes.round().astype(int):
            inside = sample.pixels[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1].mean()
            assert inside < 0.6 * np.median(sample.pixels)  # the defect is dark, at 8 and at 16 bits


@settings(max_examples=40, deadline=None)
@given(st.integers(17, 4000), st.integers(17, 4000), st.integers(2, 20))
def test_the_input_has_the_longer_side_asked_for_and_the_shape_of_the_images(
    width: int, height: int, steps: int
) -> None:
    longer = steps * 32
    rows, columns = input_size([LabelRecord("a.png", "a", width, height, ())], longer)
    assert (max(rows, columns), rows % 32, columns % 32) == (longer, 0, 0)
    assert (columns >= rows) if width >= height else (rows >= columns)
    assert abs(min(rows, columns) - max(32, longer * min(width, height) / max(width, height))) <= 16


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6), st.floats(0, 1), st.integers(0, 2**31 - 1))
def test_augmentation_keeps_shape_boxes_and_classes_whatever_the_aspect(
    rows: int, columns: int, classes: int, mosaic: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    height, width = 32 * rows, 32 * columns
    samples = []
    for number in range(4):
        corner = rng.uniform(0, [width * 0.6, height * 0.6])
        box = np.array([[*corner, *(corner + np.array([width, height]) * 0.3)]], np.float32)
        kind = rng.integers(0, classes, 1)
        pixels = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
        samples.append(Sample(f"{number}", "g", pixels, box, kind, 1.0, (height, width)))
    image, boxes, kinds = augment(samples, seed % 4, mosaic, rng)
    assert tuple(image.shape) == (3, height, width)
    assert len(boxes) == len(kinds)
    assert set(kinds.tolist()) <= {int(sample.classes[0]) for sample in samples}
    assert bool(((boxes >= 0) & (boxes <= [width, height, width, height])).all())
    assert bool((boxes[:, 2:] > boxes[:, :2]).all())


def test_five_classes_on_grey_portrait_images_train_to_a_model_that_detects(
    draw_channels: Any, job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("scratch", "dent", "rust", "hole", "stain")
    channels = draw_channels(size=(60, 90), mode="I;16", classes=names)
    made = job(tmp_path / "job", channels, epochs="1")
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    assert train.main() == 0
    model = made.described()
    assert (model["classes"], model["input"]["height"], model["input"]["width"]) == (list(names), 64, 32)
    assert model["started_from"] is None
    printed = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("throughput:images_per_second=")
    ]
    rate = model["throughput"]["images_per_second"]
    assert [math.isclose(float(line.split("=")[1]), rate, rel_tol=1e-4) for line in printed] == [True]
    found = Detector(made.model).detect(decode((channels / "train" / "train-1.png").read_bytes()), 0.0)
    assert {detection.class_id for detection in found} <= set(range(5))
    assert found
