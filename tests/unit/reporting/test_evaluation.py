"""The evaluation's page: pictures of any shape, class names of any script, and words that say what was measured."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reporting import evaluation

FOUND = {"box": [4.0, 4, 12, 12], "score": 0.9, "class": "scratch", "class_id": 3}


def drawn(size: tuple[int, int], *detections: dict[str, Any]) -> Image.Image:
    """The picture of a black photo (width, height), decoded again."""
    uri = evaluation.picture(np.zeros((size[1], size[0], 3), np.uint8), [[2, 2, 9, 9]], list(detections))
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((450, 300), (480, 320)),
        ((300, 400), (480, 640)),
        ((64, 9000), (7, 960)),
        ((16, 2400), (6, 960)),
        ((9000, 64), (480, 3)),
    ],
)
def test_a_photo_of_any_shape_fits_into_its_picture(size: tuple[int, int], shown: tuple[int, int]) -> None:
    assert drawn(size, FOUND).size == shown


def test_corners_in_any_order_are_the_same_box() -> None:
    turned = FOUND | {"box": [12.0, 12, 4, 4]}
    assert drawn((90, 60), turned).tobytes() == drawn((90, 60), FOUND).tobytes()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("scratch", "scratch 0.90"),
        ("Kratzer, tief", "Kratzer, tief 0.90"),
        ("裂纹", "3 0.90"),
        ("царапина", "3 0.90"),
        ("two\nlines", "two lines 0.90"),
        ("a name that is longer than any picture of it " * 3, "3 0.90"),
    ],
)
def test_a_name_that_cannot_be_shown_is_its_number_in_the_picture(name: str, written: str) -> None:
    assert evaluation._mark(FOUND | {"class": name}, 480) == written
    assert drawn((90, 60), FOUND | {"class": name}).size == (480, 320)


def test_what_is_written_lies_inside_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    monkeypatch.setattr(evaluation.ImageDraw.ImageDraw, "text", lambda _, place, *rest, **given: places.append(place))
    for box in ([0.0, 0, 90, 60], [80.0, 50, 90, 60], [0.0, 0, 2, 2]):
        drawn((90, 60), FOUND | {"box": box, "class": "a long name for so small a picture"})
    drawn((16, 2400), FOUND)
    assert all(left >= 0 and 0 <= top <= 960 - evaluation.LETTERS for left, top in places)
    assert [place[1] for place in places[:3]] == [
        320 - evaluation.LETTERS - 4,
        pytest.approx(244.7, abs=0.1),
        pytest.approx(11.7, abs=0.1),
    ]


def choice(images: int) -> dict[str, Any]:
    curve = [{"threshold": 0.5, "cost": 0.0, "escapes": 0.0, "alarms": 0.0}]
    costs = {"escape_cost": 3.0, "alarm_cost": 1.0}
    return {"threshold_choice": {**costs, "threshold": 0.5, "images": images, "curve": curve}}


def test_without_a_validation_photo_the_threshold_is_said_to_be_the_default() -> None:
    said = evaluation._threshold(choice(0))
    assert "There is no validation photo to choose it from: 0.50 is the default." in said
    assert "<svg" not in said
    assert "0.50 costs least on the 1 validation photo;" in evaluation._threshold(choice(1))


def test_the_chosen_threshold_is_written_above_the_lines() -> None:
    text = evaluation.chart({"cost": [(0.1, 1.0)]}, "threshold", "cost", 1.0, (0.5, "chosen: 0.50"))
    assert 'y="20" font-size="12"' in text
    assert 'y1="28.0" y2="28.0"' in text  # the highest line
