"""Answers, what several of them come to, and how sure a model is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.labelling import labels
from sightline.labelling.proposals import propose, uncertainty

BOX = {"class_id": 0, "left": 1, "top": 2, "width": 10, "height": 12}
IMAGE = {"image_id": "a", "rank": 3, "uncertainty": 0.5, "proposals": []}

anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*BOX, "skip", "approved"]), inner,
     max_size=6),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["annotations", "skip", "approved", "reason"]), anything))
def test_whatever_is_sent_becomes_an_answer_or_an_error_with_a_reason(sent: dict[str, Any]) -> None:
    for check in (labels.check_label, labels.check_verdict):
        try:
            answer = check(sent, width=64, height=48, classes=2)
        except labels.InvalidAnswerError as error:
            assert 0 < len(str(error)) < 1000
            continue
        for box in answer.get("annotations", []):
            assert set(box) == set(BOX)
            assert all(type(value) is int for value in box.values())
            assert box["left"] >= 0 <= box["top"]
            assert box["left"] + box["width"] <= 64
            assert box["top"] + box["height"] <= 48


def answer(worker: str, *boxes: dict[str, int]) -> dict[str, Any]:
    return {"worker": worker, "annotations": list(boxes)}


def test_what_only_the_task_needed_is_not_in_the_label() -> None:
    label = labels.consolidate_label(IMAGE, [answer("anna", BOX)])
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
def test_an_image_is_skipped_when_more_than_half_skip_it(answers: list[dict[str, Any]], skipped: str | None) -> None:
    assert labels.consolidate_label(IMAGE, answers).get("skip") == skipped


def test_progress_says_who_did_how_much_and_how_fast() -> None:
    hour = 3_600_000
    workers = [
        {"worker": "anna", "answers": 11, "first_at": 0, "last_at": hour},
        {"worker": "ben", "answers": 1, "first_at": hour, "last_at": hour},
    ]
    assert labels.progress(workers) == {
        "workers": {"anna": {"answers": 11, "per_hour": 10.0}, "ben": {"answers": 1, "per_hour": None}},
        "answers": 12,
        "per_hour": 11.0,
    }
    assert labels.progress([]) == {"workers": {}, "answers": 0, "per_hour": None}


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
    bare = [{name: box[name] for name in BOX} for box in boxes]
    assert labels.check_annotations(bare, width=64, height=48, classes=1) == bare
