"""What came of an execution is read from its output once, and a field that is not right is named."""

from typing import Any

import pytest

from client.outcomes import (
    Judgement,
    ScoringOutcome,
    TrainingOutcome,
    labels_recorded,
)
from sightline.fields import InvalidFieldError

SUMMARY = {
    "images": 3,
    "model_version": "1.0.3",
    "pass": 1,
    "fail": 2,
    "review": 0,
    "errors": 0,
    "predictions_uri": "s3://a/p/",
}


def test_a_training_ends_with_a_judgement_or_with_why_nothing_was_to_do() -> None:
    changed = {"plan": {"changed": True, "reason": "new"}, "judgement": {"accepted": True, "reasons": ["all held"]}}
    assert TrainingOutcome.from_output(changed).judgement == Judgement(True, ("all held",))
    unchanged = TrainingOutcome.from_output({"plan": {"changed": False, "reason": "nothing is new"}})
    assert (unchanged.reason, unchanged.judgement) == ("nothing is new", None)


def test_scoring_ends_with_images_or_with_why_there_are_none() -> None:
    scored = ScoringOutcome.from_output({"plan": {}, "summary": SUMMARY}).scored
    assert scored is not None
    assert (scored.images, scored.counts["fail"], scored.predictions_uri) == (3, 2, "s3://a/p/")
    assert ScoringOutcome.from_output({"plan": {"reason": "no model", "model_version": ""}}) == (
        ScoringOutcome("no model", None, lacks_model=True)
    )


def test_labels_of_an_execution_that_recorded_none_are_zero() -> None:
    assert labels_recorded({"labels": {"approved": 4}}) == 4
    assert labels_recorded({"claim": {"images": 0}}) == 0


@pytest.mark.parametrize(
    ("read", "output", "said"),
    [
        (
            TrainingOutcome.from_output,
            {},
            "changed must be true or false, got nothing in plan in the output of train_model",
        ),
        (ScoringOutcome.from_output, {"summary": SUMMARY | {"fail": "2"}}, "fail must be a whole number"),
        (labels_recorded, {"labels": {"approved": "4"}}, "approved must be a whole number"),
    ],
)
def test_a_field_that_is_not_right_is_named(read: Any, output: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidFieldError, match=said):
        read(output)
