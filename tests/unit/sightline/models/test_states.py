"""What a model may become: every transition, and every refusal."""

import itertools

import pytest

from sightline.models import states
from sightline.models.states import TRANSITIONS, Cause, ModelState, ModelStateError, after
from tests.project import ROOT

S = ModelState
ALLOWED = {
    (Cause.REGISTRATION, None): S.CANDIDATE,
    (Cause.APPROVAL, S.CANDIDATE): S.APPROVED,
    (Cause.APPROVAL, S.APPROVED): S.APPROVED,
    (Cause.APPROVAL, S.REPLACED): S.APPROVED,
    (Cause.APPROVAL, S.TAKEN_BACK): S.APPROVED,
    (Cause.APPROVAL, S.REJECTED): S.APPROVED,
    (Cause.REJECTION, S.CANDIDATE): S.REJECTED,
    (Cause.REJECTION, S.APPROVED): S.REJECTED,
    (Cause.REJECTION, S.REPLACED): S.REJECTED,
    (Cause.REJECTION, S.REJECTED): S.REJECTED,
    (Cause.BEGIN, S.APPROVED): S.ROLLING_OUT,
    (Cause.SUCCESS, S.ROLLING_OUT): S.IN_SERVICE,
    (Cause.FAILURE, S.ROLLING_OUT): S.TAKEN_BACK,
    (Cause.ABORT, S.ROLLING_OUT): S.TAKEN_BACK,
    (Cause.STOP, S.ROLLING_OUT): S.APPROVED,
    (Cause.ROLL_BACK, S.IN_SERVICE): S.TAKEN_BACK,
    (Cause.ROLL_BACK, S.APPROVED): S.TAKEN_BACK,
    (Cause.REPLACEMENT, S.IN_SERVICE): S.REPLACED,
    (Cause.RETURN, S.REPLACED): S.IN_SERVICE,
    (Cause.RETURN, S.APPROVED): S.IN_SERVICE,
}
EVERY = list(itertools.product(Cause, [None, *ModelState]))


@pytest.mark.parametrize(("cause", "state"), EVERY)
def test_every_cause_in_every_state_leads_on_or_is_refused(cause: Cause, state: ModelState | None) -> None:
    if (cause, state) in ALLOWED:
        assert after("1.0.3", state, cause) == ALLOWED[cause, state]
    else:
        with pytest.raises(ModelStateError, match=f"model 3 is {state or 'unknown'}: "):
            after("1.0.3", state, cause)


def test_the_page_of_the_states_has_every_state_and_transition() -> None:
    page = (ROOT / "docs" / "reference" / "model-states.md").read_text()
    for state in ModelState:
        assert f"| `{state}` | " in page
    for cause, transitions in TRANSITIONS.items():
        before = ", ".join(f"`{state}`" for state in transitions if state)
        (after,) = set(transitions.values())
        row = f"| {cause} | {before} | `{after}` |".replace("|  |", "| |")
        assert row in page


def test_a_model_in_service_or_on_its_way_is_never_rejected_and_says_what_to_do() -> None:
    with pytest.raises(ModelStateError, match="roll it back, or approve the model that shall run instead"):
        after("1.0.3", S.IN_SERVICE, Cause.REJECTION)
    with pytest.raises(ModelStateError, match="stop its roll-out with a roll-back"):
        after("1.0.3", S.ROLLING_OUT, Cause.REJECTION)


def test_every_state_is_reached_and_left() -> None:
    reached = {after for transitions in TRANSITIONS.values() for after in transitions.values()}
    left = {before for transitions in TRANSITIONS.values() for before in transitions}
    assert (reached, left - {None}) == (set(ModelState), set(ModelState))


def test_what_goes_into_service_replaces_the_model_that_was() -> None:
    assert states.succeeded({"1.0.2": S.IN_SERVICE, "1.0.3": S.ROLLING_OUT}, "1.0.3") == {
        "1.0.2": S.REPLACED,
        "1.0.3": S.IN_SERVICE,
    }
    assert states.succeeded({"1.0.3": S.ROLLING_OUT}, "1.0.3") == {"1.0.3": S.IN_SERVICE}


def test_a_roll_out_ends_one_that_nobody_ended() -> None:
    known = {"1.0.2": S.ROLLING_OUT, "1.0.3": S.APPROVED}
    assert states.begun(known, "1.0.3") == {"1.0.2": S.APPROVED, "1.0.3": S.ROLLING_OUT}


def test_a_roll_back_returns_what_was_replaced() -> None:
    known = {"1.0.2": S.REPLACED, "1.0.3": S.IN_SERVICE}
    assert states.taken_back(known, "1.0.3", "1.0.2") == {"1.0.3": S.TAKEN_BACK, "1.0.2": S.IN_SERVICE}


def test_a_roll_out_that_fails_leaves_the_model_before_it_in_service() -> None:
    known = {"1.0.2": S.IN_SERVICE, "1.0.3": S.ROLLING_OUT}
    assert states.taken_back(known, "1.0.3", "1.0.2") == {"1.0.3": S.TAKEN_BACK}


def test_a_rejected_model_does_not_return() -> None:
    known = {"1.0.2": S.REJECTED, "1.0.3": S.IN_SERVICE}
    assert states.taken_back(known, "1.0.3", "1.0.2") == {"1.0.3": S.TAKEN_BACK}


def test_without_another_model_before_it_nothing_is_in_service_then() -> None:
    assert states.taken_back({"1.0.3": S.IN_SERVICE}, "1.0.3", "") == {"1.0.3": S.TAKEN_BACK}


def test_a_model_stays_in_service_while_devices_get_another_inspector_with_it() -> None:
    known = {"1.0.3": S.IN_SERVICE}
    assert states.begun(known, "1.0.3") == states.taken_back(known, "1.0.3", "1.0.3") == {}


def test_what_happens_twice_changes_nothing_the_second_time() -> None:
    assert states.succeeded({"1.0.3": S.IN_SERVICE}, "1.0.3") == {}
    assert states.taken_back({"1.0.3": S.TAKEN_BACK}, "1.0.3", "") == {}
    assert states.stopped({"1.0.3": S.APPROVED}, "1.0.3") == {}
