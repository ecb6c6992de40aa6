"""What several answers come to."""

from typing import Any

import pytest

from sightline.labelling.rounds import consolidate_label

BOX = {"class_id": 0, "left": 1, "top": 2, "width": 10, "height": 12}
IMAGE: Any = {"image_id": "a", "rank": 3, "uncertainty": 0.5, "proposals": []}


def answer(worker: str, *boxes: dict[str, int]) -> Any:
    return {"worker": worker, "annotations": list(boxes)}


def test_what_only_the_task_needed_is_not_in_the_label() -> None:
    label = consolidate_label(IMAGE, [answer("anna", BOX)])
    assert label == {"image_id": "a", "annotated_by": ["anna"], "annotations": [BOX], "agreement": None}


@pytest.mark.parametrize(
    ("answers", "skipped"),
    [
        ([{"worker": "a", "skip": "dark"}], "dark"),
        ([{"worker": "a", "skip": "dark"}, answer("b")], None),
        ([{"worker": "a", "skip": "dark"}, {"worker": "b", "skip": "blurred"}, answer("c", BOX)], "blurred; dark"),
        ([{"worker": "a", "skip": "dark"}, answer("b", BOX), answer("c", BOX)], None),
        ([], "nobody has answered"),
    ],
)
def test_an_image_is_skipped_when_more_than_half_skip_it(answers: list[Any], skipped: str | None) -> None:
    assert consolidate_label(IMAGE, answers).get("skip") == skipped
