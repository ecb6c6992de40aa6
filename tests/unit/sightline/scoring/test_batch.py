"""Shards hold every image once, in order; counts are of as many lines as there are images."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.scoring.batch import IncompleteScoresError, count, shards

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
