"""A model proves itself on its golden images: it must find what it found, and nothing else that decides."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.vision.decode import UndecodableImageError
from sightline.vision.detector import UnusableModelError
from sightline.vision.golden import MIN_IOU, SCORE_TOLERANCE, check, iou

Releases = Callable[..., Path]

# The model finds this in its input of 64 pixels; the golden image has twice as many on a side.
FINDS = {"boxes": [[4, 5, 30, 20], [40, 40, 60, 60]], "scores": [0.75, 0.25]}
SURE, UNSURE = [8, 10, 60, 40], [80, 80, 120, 120]


def expected(box: list[float], score: float, name: str = "scratch") -> dict[str, Any]:
    return {"box": box, "score": score, "class": name, "label": name, "class_id": 0}


def golden(*detections: dict[str, Any], image: str = "golden/1.png") -> list[dict[str, Any]]:
    return [{"image": image, "detections": list(detections)}]


@pytest.mark.parametrize(
    "detections",
    [
        [expected(SURE, 0.75), expected(UNSURE, 0.25)],
        [expected(SURE, 0.75)],  # what is too unsure to decide may appear
        [expected(SURE, 0.75 + SCORE_TOLERANCE / 2)],
        [expected([8, 10, 60, 41], 0.75)],
    ],
)
def test_a_model_that_finds_what_it_found_before_has_proved_itself(
    release: Releases, detections: list[dict[str, Any]]
) -> None:
    assert check(release(**FINDS, golden=golden(*detections))) == []


@pytest.mark.parametrize(
    ("detections", "said"),
    [
        (
            [expected(SURE, 0.75 - 2 * SCORE_TOLERANCE)],
            ["golden/1.png: score 0.750 where 0.650 was expected"],
        ),
        ([], ["golden/1.png: unexpected scratch with score 0.750"]),
        (
            [expected([8, 10, 60, 60], 0.75)],
            [
                "golden/1.png: expected scratch at [8, 10, 60, 60], not found",
                "golden/1.png: unexpected scratch with score 0.750",
            ],
        ),
        (
            [expected(SURE, 0.75, "dent")],
            [
                "golden/1.png: expected dent at [8, 10, 60, 40], not found",
                "golden/1.png: unexpected scratch with score 0.750",
            ],
        ),
        (  # one detection proves one label
            [expected(SURE, 0.75), expected(SURE, 0.75)],
            ["golden/1.png: expected scratch at [8, 10, 60, 40], not found"],
        ),
    ],
)
def test_a_model_that_answers_otherwise_is_told_each_difference(
    release: Releases, detections: list[dict[str, Any]], said: list[str]
) -> None:
    assert check(release(**FINDS, golden=golden(*detections))) == said


def test_a_model_that_finds_nothing_any_more_is_told_what_is_missing(release: Releases) -> None:
    folder = release(boxes=[[0, 0, 1, 1]], scores=[0.0], golden=golden(expected(SURE, 0.75)))
    assert check(folder) == ["golden/1.png: expected scratch at [8, 10, 60, 40], not found"]


def test_a_model_without_golden_images_cannot_prove_itself(release: Releases) -> None:
    assert check(release()) == ["model.json names no golden images, so the model can't prove itself"]


@pytest.mark.parametrize("image", ["../secret.png", "/etc/hostname", "golden/../../release-2/1.png"])
def test_no_golden_image_is_read_from_outside_the_release(release: Releases, image: str) -> None:
    folder = release(**FINDS, golden=golden(image=image))
    assert check(folder) == [f"golden image {image!r} lies outside the model's folder"]


def test_a_link_out_of_the_release_is_not_followed(release: Releases, tmp_path: Path) -> None:
    folder = release(**FINDS, golden=golden(image="golden/2.png"))
    (folder / "golden" / "1.png").rename(tmp_path / "outside.png")
    (folder / "golden" / "2.png").symlink_to(tmp_path / "outside.png")
    assert check(folder) == ["golden image 'golden/2.png' lies outside the model's folder"]


def test_a_golden_image_that_is_missing_is_an_error_that_names_it(release: Releases) -> None:
    with pytest.raises(FileNotFoundError, match=r"golden/2\.png"):
        check(release(**FINDS, golden=golden(image="golden/2.png")))


def test_a_golden_image_that_is_damaged_is_an_error(release: Releases) -> None:
    folder = release(**FINDS, golden=golden(expected(SURE, 0.75)))
    (folder / "golden" / "1.png").write_bytes(b"no image")
    with pytest.raises(UndecodableImageError):
        check(folder)


def test_a_model_that_cannot_be_loaded_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(UnusableModelError):
        check(tmp_path)


corners = st.integers(0, 50)
boxes = st.tuples(corners, corners, st.integers(1, 50), st.integers(1, 50)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(boxes, boxes)
def test_overlap_is_a_share_is_the_same_both_ways_and_whole_only_for_the_same_box(
    a: tuple[int, ...], b: tuple[int, ...]
) -> None:
    assert 0.0 <= iou(a, b) == iou(b, a) <= 1.0
    assert (iou(a, b) == 1.0) is (a == b)


@pytest.mark.parametrize("other", [(2, 0, 3, 1), (0, 2, 1, 3), (1, 0, 2, 1)])
def test_boxes_that_do_not_meet_share_nothing(other: tuple[int, int, int, int]) -> None:
    assert iou((0, 0, 1, 1), other) == 0.0


def test_a_box_that_is_moved_by_a_twentieth_is_still_the_same() -> None:
    assert iou((0, 0, 20, 20), (1, 0, 21, 20)) > MIN_IOU > iou((0, 0, 20, 20), (2, 0, 22, 20))
