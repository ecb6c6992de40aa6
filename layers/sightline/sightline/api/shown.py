"""Records as people see them: the page and the command show the same fields."""

from sightline.api.shapes import ModelShown
from sightline.models.registry import RegisteredModel


def model_shown(model: RegisteredModel) -> ModelShown:
    return {
        "version": model.version,
        "status": model.status,
        "said": model.said,
        "map50": model.map50,
        "map50_95": model.map50_95,
        "created": model.created.isoformat(timespec="seconds"),
        "dataset_version": model.dataset_version or "",
        "training_job": model.training_job or "",
    }
