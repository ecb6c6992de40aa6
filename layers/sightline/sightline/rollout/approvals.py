"""What people decide about models. Page and command come here, so both refuse the same."""

import time

from sightline.aws.clients import Aws
from sightline.aws.people import FourEyes
from sightline.errors import SightlineError
from sightline.models.registry import RegisteredModel, Registry
from sightline.models.standing import Standing, state_of
from sightline.models.states import Cause, ModelState, ModelStateError, States, after
from sightline.rollout.deployments import Deployments


class UnknownModelError(SightlineError):
    """There is no such version."""


class DecidedMeanwhileError(SightlineError):
    """Somebody else has decided about the model in the same moment: look at it again."""


class OwnTrainingError(SightlineError):
    """Somebody else approves the model than who started its training."""


class Approvals:
    """Decisions about the models of a stack. `table` is the one of the roll-outs, `group_arn` the fleet group's."""

    def __init__(self, aws: Aws, registry: Registry, table: str, group_arn: str, four_eyes: FourEyes) -> None:
        self.four_eyes = four_eyes
        self.registry = registry
        self.standing = Standing(aws, table, group_arn)
        self.deployments = Deployments(aws, table, group_arn)

    def decide(self, version: int, *, approved: bool, by: str, reason: str = "") -> ModelState:
        """Approve or reject a model; an approval starts its roll-out. Return what the model is then.

        Raise UnknownModelError, ModelStateError with what to do instead, OwnTrainingError and DecidedMeanwhileError.
        """
        states = self.standing.states()
        model, state = self._next(version, states, approved=approved, by=by)
        # First the record, which two can't change at once. Where the registry is not told, the same can be asked again.
        if not self.standing.change(model.component_version, state, states):
            raise DecidedMeanwhileError(f"somebody else decided about model {version} in the same moment; look again")
        self.registry.judge(model, approved=approved, by=by, reason=reason)
        return state

    def check(self, version: int, *, approved: bool, by: str) -> None:
        """Raise what `decide` would raise."""
        self._next(version, self.standing.states(), approved=approved, by=by)

    def find(self, version: int) -> RegisteredModel:
        """Return a model. Raise UnknownModelError, which names those that there are."""
        model = self.registry.model(version)
        if model is None:
            have = ", ".join(str(model.version) for model in self.registry.newest()) or "none"
            raise UnknownModelError(f"no model version {version}; there are: {have}")
        return model

    def state(self, model: RegisteredModel, states: States | None = None) -> ModelState:
        """Return what a model is."""
        return state_of(model, self.standing.states() if states is None else states)

    def _next(self, version: int, states: States, *, approved: bool, by: str) -> tuple[RegisteredModel, ModelState]:
        """Return a model, and what it will be."""
        model = self.find(version)
        cause = Cause.APPROVAL if approved else Cause.REJECTION
        state = after(model.component_version, state_of(model, states), cause)
        if not approved:
            self._check_not_left_on_devices(model)
        # A command knows its person by an ARN, such as user/eve, and the page by the name alone.
        elif model.started_by and _name(model.started_by) == _name(by) and self.four_eyes.is_on:
            raise OwnTrainingError(
                f"{_name(by)} started the training of model {version}, so somebody else approves it (FourEyes)"
            )
        return model, state

    def _check_not_left_on_devices(self, model: RegisteredModel) -> None:
        """Raise ModelStateError for a model whose roll-out was stopped: devices may run it."""
        current = self.deployments.current()
        if current and current.model_version == model.component_version and current.is_abandoned(time.time()):
            raise ModelStateError(
                f"the roll-out of model {model.version} was stopped, and devices may run it: roll it back instead"
            )


def _name(person: str) -> str:
    return person.rsplit("/", 1)[-1]
