"""The model card that goes with a registered model: what it is for, where it comes from, how it was measured and
judged.

The fields and their limits are those of SageMaker's "Model package model card schema" (SageMaker AI Developer Guide,
"View the details of a model version"); a text that is too long is cut, a list that is too long too, so that a card is
never refused.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NotRequired, TypedDict

from sightline.models.evaluation import Evaluation
from sightline.models.gate import DecisionWritten
from sightline.vision.description import ModelDescription

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import ModelPackageModelCardTypeDef

MAX_CARD = 100_000  # characters of ModelCardContent
MAX_TEXT, MAX_OBSERVATION, MAX_VALUE, MAX_NAME = 2048, 1024, 255, 63
MAX_HYPERPARAMETERS, MAX_METRICS = 100, 50

PURPOSE = (
    "Finds defects on photos of parts, frames each and says what it is, so that a device on the line can pass a part, "
    "fail it, or ask a person."
)
INTENDED = (
    "Photos taken as those that it was trained and tested on: the same kind of parts, camera and light. Not intended "
    "for other parts, for people, or where a part that is wrongly passed endangers somebody and nothing else checks it."
)
FACTORS = (
    "Another light, focus or camera, new kinds of defects or parts, and wear of the fixture make it worse; drift is "
    "watched."
)


class Metric(TypedDict):
    """A number or a text of the card."""

    name: str
    type: str  # `number` or `string`
    value: float | str
    notes: NotRequired[str]


class MetricGroup(TypedDict):
    """Metrics under one heading, at most MAX_METRICS."""

    name: str
    metric_data: list[Metric]


class EvaluationDetail(TypedDict):
    """One evaluation of the model."""

    name: str
    evaluation_observation: str
    datasets: list[str]
    metric_groups: list[MetricGroup]


class Card(TypedDict):
    """The content of a model card."""

    model_overview: dict[str, object]
    intended_uses: dict[str, str]
    training_details: dict[str, object]
    evaluation_details: list[EvaluationDetail]
    additional_information: dict[str, object]


def card(content: Card) -> "ModelPackageModelCardTypeDef":
    """Return ModelPackageModelCard of CreateModelPackage."""
    text = json.dumps(content, ensure_ascii=False)
    if len(text) > MAX_CARD:  # only with very many classes: their numbers are in evaluation.json too
        details = [{**entry, "metric_groups": entry["metric_groups"][:1]} for entry in content["evaluation_details"]]
        text = json.dumps({**content, "evaluation_details": details}, ensure_ascii=False)
    # A person approves the model; the card is reviewed with it.
    return {"ModelCardContent": text, "ModelCardStatus": "PendingReview"}


def content(
    *,
    training_job: str,
    evaluation: Evaluation,
    decision: DecisionWritten,
    model: ModelDescription,
    image_uri: str,
    archive_uri: str,
    uris: Mapping[str, str],
) -> Card:
    """Return what the card says. `evaluation`, `decision` and `model` are evaluation.json, decision.json and
    model.json; `uris` names documents that say more, by a title.
    """
    hyperparameters = sorted(model.get("hyperparameters", {}).items())[:MAX_HYPERPARAMETERS]
    version = evaluation["dataset_version"]
    return {
        "model_overview": {"model_creator": "Sightline", "model_artifact": [archive_uri]},
        "intended_uses": {
            "purpose_of_model": PURPOSE,
            "intended_uses": INTENDED,
            "factors_affecting_model_efficiency": FACTORS,
            "risk_rating": "Unknown",  # what an escaped defect does is known where the parts are used, not here
            "explanations_for_risk_rating": "Rate it by what an escaped defect does to whoever uses the part.",
        },
        "training_details": {
            "training_observations": f"Job {training_job} on dataset version {version}."[:MAX_OBSERVATION],
            "training_job_details": {
                "training_datasets": [f"dataset version {version}"],
                "training_environment": {"container_image": [image_uri]},
                "user_provided_hyper_parameters": [
                    {"name": str(name)[:MAX_VALUE], "value": str(value)[:MAX_VALUE]} for name, value in hyperparameters
                ],
            },
        },
        "evaluation_details": [_evaluation(version, evaluation, decision)],
        "additional_information": {
            "caveats_and_recommendations": _caveats(evaluation)[:MAX_TEXT],
            "custom_details": {title[:MAX_VALUE]: uri[:MAX_VALUE] for title, uri in uris.items()},
        },
    }


def _evaluation(version: str, evaluation: Evaluation, decision: DecisionWritten) -> EvaluationDetail:
    """Numbers on the frozen test images, the gate's rules, and what was decided."""
    rules: list[Metric] = [
        {
            "name": rule["rule"][:MAX_VALUE],
            "type": "string",
            "value": "held" if rule["held"] else "broken",
            "notes": rule["detail"][:MAX_VALUE],
        }
        for rule in decision["rules"][:MAX_METRICS]
    ]
    whole, classes = _measured(evaluation)
    groups = [("test set", whole), ("the gate's rules", rules), ("classes", classes)]
    word = "accepted" if decision["accepted"] else "rejected"
    return {
        "name": f"frozen test set of {version}"[:MAX_NAME],
        "evaluation_observation": f"The gate {word} it: {'; '.join(decision['reasons'])}"[:MAX_TEXT],
        "datasets": [f"dataset version {version}, test split"],
        "metric_groups": [{"name": name, "metric_data": data} for name, data in groups if data],
    }


def _measured(evaluation: Evaluation) -> tuple[list[Metric], list[Metric]]:
    """Return the numbers of the whole test set, and those of each class. Only a measured model is registered."""
    candidate = evaluation["candidate"]
    if candidate is None:
        return [], []
    whole: dict[str, object] = {
        "map50": candidate["map50"],
        "map50_95": candidate["map50_95"],
        "threshold": candidate["threshold"],
        **{f"{name.replace('_', ' ')} images": number for name, number in candidate["confusion"].items()},
        **{f"latency {name}, ms": value for name, value in candidate["latency_ms"].items()},
        "size, bytes": candidate["size_bytes"],
        "test images": evaluation["test_images"],
        "test groups": evaluation["test_groups"],
    }
    classes = {
        f"{name}: {measure}": value
        for name, entry in sorted(candidate["per_class"].items())
        for measure, value in entry.items()
    }
    return _numbers(whole), _numbers(classes)


def _numbers(values: Mapping[str, object]) -> list[Metric]:
    """What is not defined, such as the recall of a class that the test set lacks, is left out."""
    defined = [(name, value) for name, value in values.items() if isinstance(value, int | float)][:MAX_METRICS]
    return [{"name": name[:MAX_VALUE], "type": "number", "value": value} for name, value in defined]


def _caveats(evaluation: Evaluation) -> str:
    images, groups = evaluation["test_images"], evaluation["test_groups"]
    said = [f"Measured on {images} photos of {groups} groups: with so many, numbers move by chance."]
    if evaluation.get("champion_error"):
        said.append(f"The model in service could not be compared: {evaluation['champion_error']}.")
    if evaluation.get("undecodable"):
        said.append(f"{len(evaluation['undecodable'])} images could not be decoded and were not measured.")
    if evaluation.get("suspicious_labels"):
        said.append(f"{len(evaluation['suspicious_labels'])} labels look wrong and deserve a second look.")
    return " ".join(said)
