"""Faults of the camera: found, and not found where there is only another part, other light, or a smooth surface."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edge.inspector.faults import FaultFinder
from sightline.vision.appearance import appearance, grey, spread

RNG = np.random.default_rng(0)


def part(seed: int, light: float = 1.0, noise: float = 2.0) -> Any:
    """A photo of a printed part, RGB uint8 [240, 320, 3]."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(70, 190, (12, 16), dtype=np.uint8)).resize(
        (320, 240), Image.Resampling.NEAREST
    )
    pixels = np.asarray(coarse).astype(float)[..., None] * light + rng.normal(0, noise, (240, 320, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8).repeat(3, axis=2)


def blurred(pixels: Any, radius: float) -> Any:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


def find(*images: Any, baseline: dict[str, Any] | None = None) -> list[str]:
    finder = FaultFinder()
    return [finder.find(grey(image), appearance(grey(image)), baseline or {})[0] for image in images]


BASELINE = spread([appearance(grey(part(seed, light))) for seed in range(20) for light in (0.9, 1.0, 1.1)])


@pytest.mark.parametrize("baseline", [{}, BASELINE], ids=["no baseline", "baseline"])
@pytest.mark.parametrize(
    ("image", "fault"),
    [
        (np.zeros((240, 320, 3), dtype=np.uint8), "black"),
        (part(1, light=0.02), "black"),
        (np.full((240, 320, 3), 255, dtype=np.uint8), "overexposed"),
        (part(1, light=4.0), "overexposed"),
        (part(1), ""),
        (part(1, light=0.4), ""),
        (part(1, light=1.25), ""),
    ],
)
def test_light_that_no_part_explains_is_a_fault(image: Any, fault: str, baseline: dict[str, Any]) -> None:
    assert find(image, baseline=baseline) == [fault]


def test_a_blurred_image_is_a_fault_where_the_baseline_says_how_sharp_images_are() -> None:
    assert find(blurred(part(1), 4), baseline=BASELINE) == ["blurred"]
    assert find(blurred(part(1), 0.4), part(2), baseline=BASELINE) == ["", ""]
    assert find(blurred(part(1), 4)) == [""]


def test_smooth_parts_are_in_focus_where_the_baseline_knows_them() -> None:
    smooth = [blurred(part(seed), 3) for seed in range(10)]
    baseline = spread([appearance(grey(image)) for image in smooth])
    assert find(*smooth, baseline=baseline) == [""] * 10


def test_dark_and_bright_parts_are_no_fault_where_the_baseline_knows_them() -> None:
    dark = [part(seed, light=0.04) for seed in range(3)]
    bright = [part(seed, light=2.2) for seed in range(3)]
    for images in (dark, bright):
        assert find(*images, baseline=spread([appearance(grey(image)) for image in images])) == [""] * 3


def test_the_same_image_again_and_again_is_a_frozen_camera_and_noise_is_not() -> None:
    same = part(1)
    assert find(same, same, same, same, part(2), same) == ["", "", "frozen", "frozen", "", ""]
    still = part(1, noise=0).astype(float)
    shots = [np.clip(still + RNG.normal(0, 0.7, (240, 320, 1)), 0, 255).astype(np.uint8) for _ in range(6)]
    assert find(*shots) == [""] * 6


def test_an_image_of_another_size_is_another_image() -> None:
    assert find(part(1), part(1), part(1)[:120], part(1)) == ["", "", "", ""]
