"""The evaluation's page: its words say what was measured, and what was not."""

from typing import Any

from reporting import evaluation


def choice(images: int) -> dict[str, Any]:
    curve = [{"threshold": 0.5, "cost": 0.0, "escapes": 0.0, "alarms": 0.0}]
    costs = {"escape_cost": 3.0, "alarm_cost": 1.0}
    return {"threshold_choice": {**costs, "threshold": 0.5, "images": images, "curve": curve}}


def test_without_a_validation_photo_the_threshold_is_said_to_be_the_default() -> None:
    said = evaluation._threshold(choice(0))
    assert "There is no validation photo to choose it from: 0.50 is the default." in said
    assert "<svg" not in said
    assert "0.50 costs least on the 1 validation photo;" in evaluation._threshold(choice(1))
