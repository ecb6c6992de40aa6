import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.labelling.consolidation import MIN_OVERLAP, consolidate, overlap

BOXES = st.fixed_dictionaries(
    {
        "class_id": st.integers(0, 2),
        "left": st.integers(0, 60),
        "top": st.integers(0, 60),
        "width": st.integers(1, 40),
        "height": st.integers(1, 40),
    }
)
ANSWERS = st.lists(st.lists(BOXES, max_size=6), min_size=1, max_size=9)


def box(left: int, top: int, width: int, height: int, class_id: int = 0) -> dict[str, int]:
    return {"class_id": class_id, "left": left, "top": top, "width": width, "height": height}


def as_set(boxes: list[dict[str, int]]) -> list[tuple[int, ...]]:
    return sorted(tuple(entry[name] for name in ("class_id", "left", "top", "width", "height")) for entry in boxes)


def test_the_edges_are_the_medians_of_those_who_drew_the_box():
    answers = [[box(10, 10, 20, 20)], [box(12, 10, 20, 22)], [box(11, 9, 30, 20)]]
    assert consolidate(answers).annotations == [box(11, 10, 21, 20)]


def test_a_box_that_less_than_half_drew_is_left_out():
    assert consolidate([[box(10, 10, 20, 20)], [], []]).annotations == []


def test_a_tie_keeps_the_box_and_tells_by_the_score():
    found = consolidate([[box(10, 10, 20, 20)], []])
    assert found.annotations == [box(10, 10, 20, 20)]
    assert found.agreement == 0.0


def test_the_class_is_what_most_gave():
    answers = [[box(10, 10, 20, 20, 1)], [box(10, 10, 20, 20, 2)], [box(11, 10, 20, 20, 2)]]
    found = consolidate(answers)
    assert found.annotations == [box(10, 10, 20, 20, 2)]
    assert found.agreement == pytest.approx(overlap(answers[1][0], answers[2][0]) / 3)


def test_two_classes_in_one_place_stay_two_boxes_when_people_drew_both():
    both = [box(10, 10, 20, 20, 0), box(11, 10, 20, 20, 1)]
    assert as_set(consolidate([both, both[::-1], both[:1]]).annotations) == as_set(both)


def test_two_neighbouring_boxes_of_one_person_never_become_one():
    pair = [box(0, 0, 20, 20), box(4, 0, 20, 20)]
    assert as_set(consolidate([pair, pair, [box(2, 0, 20, 20)]]).annotations) != as_set([box(2, 0, 20, 20)])
    assert len(consolidate([pair, pair, [box(2, 0, 20, 20)]]).annotations) == 2


def test_no_defect_by_all_is_full_agreement():
    assert consolidate([[], [], []]) == consolidate([[]])
    assert consolidate([[], []]).agreement == 1.0


def test_agreement_falls_with_each_who_sees_no_defect():
    seen, none = [box(10, 10, 20, 20)], []
    scores = [consolidate([seen] * (4 - number) + [none] * number).agreement for number in range(5)]
    assert scores == pytest.approx([1.0, 1 / 2, 1 / 3, 1 / 2, 1.0])


def test_agreement_is_panoptic_quality_for_two():
    a, b = [box(0, 0, 10, 10), box(50, 50, 10, 10)], [box(0, 0, 10, 8)]
    assert consolidate([a, b]).agreement == pytest.approx(0.8 / (1 + 0.5))


def test_nobody_answered_is_an_error():
    with pytest.raises(ValueError, match="no answers"):
        consolidate([])


@given(st.lists(BOXES, max_size=6))
def test_one_annotator_is_taken_as_is(answer):
    found = consolidate([answer])
    assert found.annotations == answer
    assert found.agreement == 1.0


@given(ANSWERS, st.randoms(use_true_random=False))
def test_the_order_of_annotators_and_of_their_boxes_does_not_matter(answers, rng):
    shuffled = [rng.sample(answer, len(answer)) for answer in rng.sample(answers, len(answers))]
    before, after = consolidate(answers), consolidate(shuffled)
    assert as_set(after.annotations) == as_set(before.annotations)
    assert after.agreement == before.agreement


@given(st.lists(BOXES, max_size=6), st.integers(1, 9))
def test_identical_answers_are_a_fixed_point(answer, annotators):
    found = consolidate([answer] * annotators)
    assert as_set(found.annotations) == as_set(answer)
    assert found.agreement == 1.0
    assert consolidate([found.annotations] * annotators).annotations == found.annotations


@given(ANSWERS)
def test_boxes_lie_inside_the_hull_and_the_score_in_0_to_1(answers):
    found, drawn = consolidate(answers), [entry for answer in answers for entry in answer]
    assert 0.0 <= found.agreement <= 1.0
    assert len(found.annotations) * len(answers) <= 2 * len(drawn)  # each has at least half of the annotators behind it
    for entry in found.annotations:
        assert entry["width"] >= 1
        assert entry["height"] >= 1
        assert min(other["left"] for other in drawn) <= entry["left"]
        assert min(other["top"] for other in drawn) <= entry["top"]
        assert entry["left"] + entry["width"] <= max(other["left"] + other["width"] for other in drawn)
        assert entry["top"] + entry["height"] <= max(other["top"] + other["height"] for other in drawn)


@given(BOXES, BOXES)
def test_two_boxes_match_exactly_from_the_smallest_overlap_on(a, b):
    joined = len(consolidate([[a], [b]]).annotations) == 1
    assert joined == (overlap(a, b) >= MIN_OVERLAP)


@pytest.mark.parametrize("spread", [4000, 30, 0], ids=["an image full", "all in one place", "all the same"])
def test_nine_annotators_with_a_thousand_boxes_each_take_seconds(spread):
    rng = random.Random(1)
    truth = [
        box(rng.randint(0, spread), rng.randint(0, spread), rng.randint(40, 90), rng.randint(40, 90))
        for _ in range(1000)
    ]
    moved = [[{**entry, "left": entry["left"] + rng.randint(0, 4)} for entry in truth] for _ in range(9)]
    started = time.process_time()
    found = consolidate(moved)
    assert time.process_time() - started < 20
    assert 0.0 < found.agreement <= 1.0
    assert found.annotations
