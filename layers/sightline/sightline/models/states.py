"""What a model may be, and by which cause it becomes something else. Whoever changes what a model is asks here.

A model is one thing at a time, and at most one model is in service. The state is kept by
`sightline.models.standing`, for all models of a stack in one item, so two changes at once can't contradict each other.
"""

from collections.abc import Mapping
from enum import StrEnum

from sightline import names
from sightline.errors import SightlineError


class ModelState(StrEnum):
    """What a model is. Page, command, API and documentation use these words."""

    CANDIDATE = "candidate"  # registered: the gate has accepted it, and a person decides
    APPROVED = "approved"  # a person has decided; its roll-out has not begun, or was stopped
    ROLLING_OUT = "rolling out"  # devices get it, stage by stage
    IN_SERVICE = "in service"  # the devices have proven it; it decides, on the line and in the cloud
    REPLACED = "replaced"  # it was in service, and another one is now
    TAKEN_BACK = "taken back"  # the devices spoke against it, or a person rolled it back
    REJECTED = "rejected"  # a person has decided against it


class Cause(StrEnum):
    """Why a model becomes something else."""

    REGISTRATION = "registration"
    APPROVAL = "approval"
    REJECTION = "rejection"
    BEGIN = "the roll-out begins"
    SUCCESS = "the roll-out succeeds"
    FAILURE = "the roll-out fails"
    ABORT = "a person stops the roll-out"
    STOP = "the execution of the roll-out ends early"  # the devices are left alone, so nothing is taken back
    ROLL_BACK = "a person rolls it back"
    REPLACEMENT = "another model goes into service"
    RETURN = "the model after it is taken back"


_S = ModelState
TRANSITIONS: Mapping[Cause, Mapping[ModelState | None, ModelState]] = {
    Cause.REGISTRATION: {None: _S.CANDIDATE},
    # An approved model may be approved again: its roll-out did not begin, or was stopped.
    Cause.APPROVAL: dict.fromkeys((_S.CANDIDATE, _S.APPROVED, _S.REPLACED, _S.TAKEN_BACK, _S.REJECTED), _S.APPROVED),
    Cause.REJECTION: dict.fromkeys((_S.CANDIDATE, _S.APPROVED, _S.REPLACED, _S.REJECTED), _S.REJECTED),
    Cause.BEGIN: {_S.APPROVED: _S.ROLLING_OUT},
    Cause.SUCCESS: {_S.ROLLING_OUT: _S.IN_SERVICE},
    Cause.FAILURE: {_S.ROLLING_OUT: _S.TAKEN_BACK},
    Cause.ABORT: {_S.ROLLING_OUT: _S.TAKEN_BACK},
    Cause.STOP: {_S.ROLLING_OUT: _S.APPROVED},
    # Approved: what a stopped roll-out has left on devices.
    Cause.ROLL_BACK: dict.fromkeys((_S.IN_SERVICE, _S.APPROVED), _S.TAKEN_BACK),
    Cause.REPLACEMENT: {_S.IN_SERVICE: _S.REPLACED},
    Cause.RETURN: dict.fromkeys((_S.REPLACED, _S.APPROVED), _S.IN_SERVICE),
}
"""Cause → what a model may be before → what it is then. Whatever is not here is refused."""

DEPLOYABLE = (_S.APPROVED, _S.ROLLING_OUT, _S.IN_SERVICE)
"""What a model must be for its roll-out to go on."""

# What to do instead, by what was asked for and what the model is.
_INSTEAD = {
    (Cause.APPROVAL, _S.ROLLING_OUT): "wait until its roll-out ends, or stop it with a roll-back",
    (Cause.APPROVAL, _S.IN_SERVICE): "there is nothing to do",
    (Cause.REJECTION, _S.ROLLING_OUT): "stop its roll-out with a roll-back",
    (Cause.REJECTION, _S.IN_SERVICE): "roll it back, or approve the model that shall run instead",
    (Cause.REJECTION, _S.TAKEN_BACK): "there is nothing to do: nobody rolls it out unless it is approved again",
    (Cause.BEGIN, _S.REJECTED): "approve it again to roll it out",
    (Cause.BEGIN, _S.TAKEN_BACK): "approve it again to roll it out",
    (Cause.RETURN, _S.REJECTED): "approve the model that the devices shall run instead",
    (Cause.RETURN, _S.TAKEN_BACK): "approve the model that the devices shall run instead",
}

States = Mapping[str, ModelState]
"""Component version → what the model is. A model that nobody has decided about is not among them."""


class ModelStateError(SightlineError):
    """A model can't become what was asked for, from what it is. The text says what to do instead."""


def after(version: str, state: ModelState | None, cause: Cause) -> ModelState:
    """Return what a model is after `cause`; `state` is None for one that is not registered. Raise ModelStateError."""
    found = TRANSITIONS[cause].get(state)
    if found is None:
        number = names.package_version(version)
        instead = _INSTEAD.get((cause, state)) if state else None
        raise ModelStateError(f"model {number} is {state or 'unknown'}: {instead or f'{cause} does not apply'}")
    return found


def in_service(states: States) -> str | None:
    """Return the version of the model in service, None where there is none."""
    return next((version for version, state in states.items() if state == ModelState.IN_SERVICE), None)


# Each of the following returns what changes, and nothing where it has happened already: every step may run twice.


def begun(states: States, version: str) -> States:
    """Return what changes when the roll-out of `version` begins. Raise ModelStateError.

    A roll-out before it that nobody ended is over by that. The model in service stays it while devices get it again,
    with a newer inspector.
    """
    old = [other for other, state in states.items() if state == ModelState.ROLLING_OUT and other != version]
    changes = {other: after(other, ModelState.ROLLING_OUT, Cause.STOP) for other in old}
    # Whoever begins has looked into the registry: what is not known here is approved there.
    state = states.get(version, ModelState.APPROVED)
    if state not in (ModelState.ROLLING_OUT, ModelState.IN_SERVICE):
        changes[version] = after(version, state, Cause.BEGIN)
    return changes


def succeeded(states: States, version: str) -> States:
    """Return what changes when the devices have proven `version`: it goes into service. Raise ModelStateError."""
    if states.get(version) == ModelState.IN_SERVICE:
        return {}
    old = in_service(states)
    replaced = {old: after(old, ModelState.IN_SERVICE, Cause.REPLACEMENT)} if old else {}
    return replaced | {version: after(version, states.get(version), Cause.SUCCESS)}


def stopped(states: States, version: str) -> States:
    """Return what changes when the execution of the roll-out of `version` has ended early."""
    if states.get(version) != ModelState.ROLLING_OUT:
        return {}
    return {version: after(version, ModelState.ROLLING_OUT, Cause.STOP)}


def taken_back(states: States, version: str, before: str, *, by_person: bool = False) -> States:
    """Return what changes when the devices get back `before`, the model that they ran before `version`; empty for none.

    Raise ModelStateError. What fails is taken back in any case: a model before it that must not run stays what it is,
    and whoever asks for devices is told that they run it.
    """
    state = states.get(version, ModelState.IN_SERVICE)
    if state == ModelState.TAKEN_BACK or (state == ModelState.IN_SERVICE and before == version):
        return {}  # the second: only another inspector goes back
    running = Cause.ABORT if by_person else Cause.FAILURE
    changes = {version: after(version, state, running if state == ModelState.ROLLING_OUT else Cause.ROLL_BACK)}
    rest = {other: found for other, found in states.items() if other != version}
    returns = states.get(before, ModelState.REPLACED)
    if before not in ("", version) and in_service(rest) is None and returns in TRANSITIONS[Cause.RETURN]:
        changes[before] = after(before, returns, Cause.RETURN)
    return changes
