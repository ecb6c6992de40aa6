"""Whatever is sent becomes an answer or an error."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sightline.labelling.answer_checks import InvalidAnswerError, check_label, check_verdict

BOX = {"class_id": 0, "left": 1, "top": 2, "width": 10, "height": 12}

anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*BOX, "skip", "approved"]), inner,
     max_size=6),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["annotations", "skip", "approved", "reason"]), anything))
def test_whatever_is_sent_becomes_an_answer_or_an_error_with_a_reason(sent: dict[str, Any]) -> None:
    for check in (check_label, check_verdict):
        try:
            answer = check(sent, width=64, height=48, classes=2)
        except InvalidAnswerError as error:
            assert 0 < len(str(error)) < 1000
            continue
        for box in answer.get("annotations", []):
            assert set(box) == set(BOX)
            assert all(type(value) is int for value in box.values())
            assert box["left"] >= 0 <= box["top"]
            assert box["left"] + box["width"] <= 64
            assert box["top"] + box["height"] <= 48
