"""The five numbers of an image."""

import numpy as np
import pytest

from sightline.vision.appearance import NAMES, Appearance, appearance, grey, spread


def test_a_flat_image_has_brightness_and_nothing_else() -> None:
    image = np.full((40, 60, 3), 100, dtype=np.uint8)
    assert appearance(grey(image)) == Appearance(100.0, 0.0, 0.0, 0.0, 0.0)


def test_shares_of_dark_and_bright_pixels_and_the_contrast_between_them() -> None:
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    image[:, 15:] = 255
    seen = appearance(grey(image))
    assert (seen.dark, seen.bright, seen.brightness) == (0.25, 0.75, 191.25)
    assert seen.contrast == pytest.approx(255 * 0.1875**0.5)
    assert seen.sharpness > 0


def test_a_slow_change_of_light_is_not_sharp() -> None:
    ramp = np.tile(np.arange(60, dtype=np.uint8)[None, :, None] * 4, (40, 1, 3))
    assert appearance(grey(ramp)).sharpness == 0


def test_the_smallest_image_can_be_measured() -> None:
    assert appearance(grey(np.full((1, 1, 3), 7, dtype=np.uint8))).sharpness == 0


def test_the_spread_of_a_set_has_three_percentiles_of_each_number() -> None:
    images = [Appearance(float(value), 1, 2, 0, 0) for value in range(101)]
    assert spread(images)["brightness"] == {"p01": 1.0, "p50": 50.0, "p99": 99.0}
    assert set(spread(images)) == set(NAMES)
    assert spread([]) == {}
