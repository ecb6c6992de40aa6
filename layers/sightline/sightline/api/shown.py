"""Records as people see them: the page and the command show the same fields."""

from sightline.api.shapes import ModelShown
from sightline.models.registry import RegisteredModel
from sightline.models.standing import state_of
from sightline.models.states import States


def model_shown(model: RegisteredModel, states: States) -> ModelShown:
    return {
        "version": model.version,
        "state": state_of(model, states),
        "said": model.said,
        "map50": model.map50,
        "map50_95": model.map50_95,
        "created": model.created.isoformat(timespec="seconds"),
        "dataset_version": model.dataset_version or "",
        "training_job": model.training_job or "",
    }
