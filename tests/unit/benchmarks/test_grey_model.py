"""The smallest model keeps the contract, and the release of a simulated fleet proves itself."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fleet import release
from benchmarks.grey_model import BOX, SIZE
from sightline.vision import golden
from sightline.vision.detector import Detector
from tests.fake_device import make_model


@pytest.mark.parametrize(("grey", "gain", "score"), [(51, 1.0, 0.2), (51, 2.0, 0.4), (204, 2.0, 1.0)])
def test_the_score_is_the_brightness_and_at_most_one(tmp_path: Path, grey: int, gain: float, score: float) -> None:
    detector = Detector(make_model(tmp_path / "model", gain=gain))
    [found] = detector.detect(np.full((SIZE, SIZE, 3), grey, np.uint8), floor=0.0)
    assert (list(found.box), found.label) == (BOX, "scratch")
    assert found.score == pytest.approx(score)


def test_the_release_of_a_simulated_fleet_proves_itself(tmp_path: Path) -> None:
    for name, body in release().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)
    assert golden.check(tmp_path) == []
