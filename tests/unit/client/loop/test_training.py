"""What the demo reads of a training's end."""

import pytest

from client.loop.training import Training
from sightline.fields import InvalidFieldError

DATASET = {"version": "v1", "train": 8, "validation": 2, "test": 3, "shortage": ""}


def test_a_training_that_was_not_needed_has_a_reason_and_no_model() -> None:
    found = Training.from_output({"dataset": DATASET, "plan": {"changed": False, "reason": "no new label"}})
    assert (found.changed, found.reason, found.images, found.accepted) == (False, "no new label", 13, False)


def test_a_training_with_a_model_has_its_scores_and_its_package() -> None:
    output = {
        "dataset": DATASET,
        "plan": {"changed": True, "reason": "", "training_job": "job-1"},
        "judgement": {"accepted": True, "reasons": ["all 4 rules held"], "map50": "1.0", "map50_95": "0.5"},
        "registration": {"model_package_arn": "arn:package/1"},
    }
    assert Training.from_output(output) == Training(
        changed=True, reason="", images=13, dataset_version="v1", job="job-1", accepted=True,
        reasons=("all 4 rules held",), map50=1.0, map50_95=0.5, model_package_arn="arn:package/1",
    )  # fmt: skip


def test_an_output_without_a_plan_is_told() -> None:
    with pytest.raises(InvalidFieldError, match="changed must be true or false, got nothing in plan in the output"):
        Training.from_output({"dataset": DATASET})


@pytest.mark.parametrize(
    ("score", "said"), [("much", "a text with a number of 0..1, got 'much'"), ("nan", "of 0..1"), (1, "a text")]
)
def test_a_score_that_is_none_is_told(score: object, said: str) -> None:
    judged = {"accepted": True, "reasons": [], "map50": score, "map50_95": "0.5"}
    with pytest.raises(InvalidFieldError, match=said):
        Training.from_output({"dataset": DATASET, "plan": {"changed": True}, "judgement": judged})
