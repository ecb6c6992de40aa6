"""What a model proposes, and how sure it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.labelling.answer_checks import check_annotations
from sightline.labelling.proposals import propose, uncertainty

EDGES = ("class_id", "left", "top", "width", "height")


@pytest.mark.parametrize(
    ("scores", "value"), [([], 0.0), ([0.35], 1.0), ([1.0], 0.0), ([0.0], 0.0), ([0.99, 0.175], 0.5), ([0.675], 0.5)]
)
def test_a_model_is_least_sure_at_its_threshold(scores: list[float], value: float) -> None:
    assert uncertainty(scores, 0.35) == value


@given(
    st.lists(st.tuples(st.tuples(*[st.floats(-500, 500)] * 4), st.floats(0, 1), st.sampled_from(["scratch", "other"]))),
)
def test_every_proposal_would_be_taken_as_an_answer(detections: list[Any]) -> None:
    boxes = propose(detections, classes=["scratch"], width=64, height=48)
    bare = [{name: value for name, value in box.items() if name in EDGES} for box in boxes]
    assert check_annotations(bare, width=64, height=48, classes=1) == bare
