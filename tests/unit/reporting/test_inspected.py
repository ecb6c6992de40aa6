"""Photos whose truth is known: what is left to a person is no error, and few photos say little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.inspected import Inspected, at_most
from sightline.vision.verdict import Outcome


def test_what_is_left_to_a_person_is_neither_right_nor_wrong() -> None:
    said = [(Outcome.FAIL, True)] * 9 + [(Outcome.PASS, False)] * 9 + [(Outcome.REVIEW, True)] * 6
    seen = Inspected.of(said)
    assert seen == Inspected(defective=15, good=9, escapes=0, false_alarms=0, left=6)
    assert seen.in_a_line() == "18 of 18 decided right, 0 escapes, 6 left to a person"


def test_an_escape_and_a_false_alarm_are_named() -> None:
    seen = Inspected.of([(Outcome.PASS, True), (Outcome.FAIL, False), (Outcome.PASS, False)])
    assert seen.in_a_line() == "1 of 3 decided right, 1 escape, 1 false alarm, 0 left to a person"


@pytest.mark.parametrize(
    ("hits", "total", "share"),
    [(0, 6, 0.459), (0, 12, 0.265), (0, 100, 0.0362), (1, 10, 0.445), (5, 10, 0.813), (6, 6, 1.0), (0, 0, 1.0)],
)
def test_the_interval_is_that_of_clopper_and_pearson(hits: int, total: int, share: float) -> None:
    assert at_most(hits, total) == pytest.approx(share, abs=5e-4)


@given(st.integers(1, 3000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_what_was_seen(given: tuple[int, int]) -> None:
    hits, total = given
    assert hits / total <= at_most(hits, total) <= 1
