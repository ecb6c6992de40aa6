"""Records as people see them."""

import pytest

from sightline.api.shown import model_shown
from sightline.models.registry import ModelStatus
from sightline.models.states import ModelState
from tests.registered import registered

STATES = {"1.0.3": ModelState.IN_SERVICE}
SHOWN = {
    "version": 3,
    "state": "in service",
    "said": "by eve",
    "map50": 0.8,
    "map50_95": 0.5,
    "created": "2026-11-20T00:00:00+00:00",
    "dataset_version": "7c3b93b0b0abd98f",
    "training_job": "train-3",
}


def test_a_model_is_shown_with_what_people_decide_by() -> None:
    assert model_shown(registered(), STATES) == SHOWN


@pytest.mark.parametrize(
    ("unknown", "shown"), [("dataset_version", ""), ("training_job", ""), ("map50", None), ("map50_95", None)]
)
def test_what_a_model_was_registered_without_is_shown_as_nothing(unknown: str, shown: str | None) -> None:
    assert model_shown(registered(**{unknown: None}), STATES) == {**SHOWN, unknown: shown}


@pytest.mark.parametrize(
    ("status", "state"),
    [(ModelStatus.PENDING, "candidate"), (ModelStatus.APPROVED, "approved"), (ModelStatus.REJECTED, "rejected")],
)
def test_a_model_about_which_nobody_has_decided_here_is_what_the_registry_says(status: ModelStatus, state: str) -> None:
    assert model_shown(registered(status=status), {})["state"] == state
