"""Which photos the evaluation's page shows first."""

from typing import Any

import numpy as np

from reporting.evaluation_photos import SHOWN, best_first, doubted_labels, photos, worst_first
from sightline.vision.decode import Pixels


def entry(image: str, outcome: str, quality: float, *scores: float) -> dict[str, Any]:
    found = [{"box": [1.0, 1, 5, 5], "score": score, "class": "dent", "class_id": 0} for score in scores]
    labelled = outcome in ("escape", "caught")
    return {
        "image": image,
        "outcome": outcome,
        "quality": quality,
        "labels": [[1, 1, 5, 5]] if labelled else [],
        "label_classes": ["dent"] if labelled else [],
        "detections": found,
    }


ENTRIES: list[Any] = [
    entry("right-and-unsure", "caught", 1.0, 0.6),
    entry("half", "caught", 0.5, 0.9, 0.8),
    entry("alarm", "false alarm", 0.0, 0.7),
    entry("sure-alarm", "false alarm", 0.0, 0.9),
    entry("escape", "escape", 0.0),
    entry("right", "caught", 1.0, 0.9),
    entry("good", "passed", 1.0),
]


def pixels(_split: str, _image: str) -> Pixels:
    return np.zeros((20, 30, 3), np.uint8)


def test_the_worst_come_first_and_the_surest_mistake_of_equal_ones() -> None:
    order = [one["image"] for one in worst_first(ENTRIES)]
    assert order[:4] == ["escape", "sure-alarm", "alarm", "half"]


def test_the_best_are_right_altogether_and_the_least_sure_find_decides() -> None:
    assert [one["image"] for one in best_first(ENTRIES)] == ["right", "right-and-unsure"]


def test_of_many_mistakes_the_page_says_how_many_it_does_not_show() -> None:
    result: Any = {"per_image": [entry(f"{number}", "escape", 0.0) for number in range(SHOWN + 1)]}
    said = photos(result, pixels)
    assert "1 more photo with a mistake in evaluation.json." in said
    assert "On no photo with a defect everything was right." in said


def test_without_a_doubt_there_is_no_section_of_doubted_labels() -> None:
    nothing: Any = {"suspicious_labels": []}
    assert doubted_labels(nothing, pixels) == ""
    doubt = {
        "image": "a.jpg",
        "split": "test",
        "labels": [],
        "box": [1.0, 1, 5, 5],
        "score": 0.9,
        "why": "it sees <one>",
    }
    doubted: Any = {"suspicious_labels": [doubt, doubt]}
    assert "on\n1 photos that it did not learn from" in doubted_labels(doubted, pixels)
    assert "a.jpg: it sees &lt;one&gt;" in doubted_labels(doubted, pixels)
