"""Shards hold every image once, in order; counts are of as many lines as there are images."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.fields import InvalidFieldError
from sightline.scoring.batch import IncompleteScoresError, InvalidPrefixError, count, prefix_of, score_line, shards
from sightline.vision.verdict import Judged, Outcome

KEYS = st.lists(st.sampled_from([".jpg", "/"]), max_size=30).map(
    lambda endings: [f"incoming/{number}{ending}" for number, ending in enumerate(endings)]
)


@given(KEYS, st.integers(1, 9))
def test_every_image_is_in_one_shard_and_folders_are_in_none(keys: list[str], size: int) -> None:
    made = list(shards(iter(keys), size))
    assert [key for shard in made for key in shard] == [key for key in keys if not key.endswith("/")]
    assert all(len(shard) == size for shard in made[:-1])
    assert all(0 < len(shard) <= size for shard in made)


def test_lines_are_counted_by_verdict() -> None:
    lines = [{"verdict": "fail"}, {"verdict": "pass"}, {"error": "damaged"}, {"verdict": "fail"}]
    assert count(iter(lines), images=4) == {"pass": 1, "fail": 2, "review": 0, "errors": 1}


@pytest.mark.parametrize("images", [0, 1, 3])
def test_more_or_fewer_lines_than_images_are_no_summary(images: int) -> None:
    with pytest.raises(IncompleteScoresError, match=f"2 lines for {images} images"):
        count(iter([{"verdict": "pass"}] * 2), images=images)


@pytest.mark.parametrize("line", [{"verdict": "maybe"}, {"verdict": None}, "pass", None])
def test_a_line_that_is_no_score_is_named_and_not_counted(line: Any) -> None:
    with pytest.raises(InvalidFieldError, match="in a scored line"):
        count([line], images=1)


@pytest.mark.parametrize(
    ("request_", "prefix"),
    [
        ({"prefix": "incoming/line-1/"}, "incoming/line-1/"),
        ({"prefix": "incoming/"}, "incoming/"),
        ({}, "incoming/"),
        (None, "incoming/"),
        ([], "incoming/"),
    ],
)
def test_a_run_is_of_a_prefix_or_of_all_uploads(request_: Any, prefix: str) -> None:
    assert prefix_of(request_) == prefix


@pytest.mark.parametrize("prefix", ["", "incoming", "quarantine/", "/incoming/", None, 7, ["incoming/"]])
def test_a_prefix_outside_the_uploads_is_refused(prefix: Any) -> None:
    with pytest.raises(InvalidPrefixError) as raised:
        prefix_of({"prefix": prefix})
    assert str(raised.value) == f"prefix must begin with 'incoming/', got {prefix!r}"


def test_an_image_has_a_verdict_or_the_reason_why_it_has_none() -> None:
    scored: Judged = {"verdict": Outcome.PASS, "detections": []}
    named = {"image": "incoming/a.jpg", "model_version": "1.0.3"}
    assert score_line("incoming/a.jpg", "1.0.3", scored) == {**named, "verdict": "pass", "detections": []}
    assert score_line("incoming/a.jpg", "1.0.3", "damaged image") == {**named, "error": "damaged image"}
    lines = [score_line("incoming/a.jpg", "1.0.3", said) for said in (scored, "damaged image")]
    assert count(lines, images=2) == {"pass": 1, "fail": 0, "review": 0, "errors": 1}
