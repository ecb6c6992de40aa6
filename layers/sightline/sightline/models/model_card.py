"""The model card that goes with a registered model: what it is for, where it comes from, how it was measured and
judged.

The fields and their limits are those of SageMaker's "Model package model card schema" (SageMaker AI Developer Guide,
"View the details of a model version"); a text that is too long is cut, a list that is too long too, so that a card is
never refused.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import ModelPackageModelCardTypeDef

MAX_CARD = 100_000  # characters of ModelCardContent
MAX_TEXT, MAX_OBSERVATION, MAX_VALUE, MAX_NAME = 2048, 1024, 255, 63
MAX_HYPERPARAMETERS, MAX_METRICS = 100, 50

PURPOSE = (
    "Finds defects on photos of parts, frames each and says what it is, so that a device on the line can pass a part, "
    "fail it, or "
    "ask a person."
)
INTENDED = (
    "Photos taken as those that it was trained and tested on: the same kind of parts, camera and light. Not intended "
    "for other parts, "
    "for people, or where a part that is wrongly passed endangers somebody and nothing else checks it."
)
FACTORS = (
    "Another light, focus or camera, new kinds of defects or parts, and wear of the fixture make it worse; drift is "
    "watched."
)


def card(**given: Any) -> "ModelPackageModelCardTypeDef":
    """ModelPackageModelCard of CreateModelPackage; the arguments are those of `content`."""
    value = content(**given)
    text = json.dumps(value, ensure_ascii=False)
    if (
        len(text) > MAX_CARD
    ):  # only very many classes come here: the numbers of single classes are in evaluation.json too
        value["evaluation_details"][0]["metric_groups"] = value["evaluation_details"][0]["metric_groups"][:1]
        text = json.dumps(value, ensure_ascii=False)
    # A person approves the model; the card is reviewed with it.
    return {"ModelCardContent": text, "ModelCardStatus": "PendingReview"}


def content(
    *,
    training_job: str,
    evaluation: Mapping[str, Any],
    decision: Mapping[str, Any],
    model: Mapping[str, Any],
    image_uri: str,
    archive_uri: str,
    uris: Mapping[str, str],
) -> dict[str, Any]:
    """The card as an object. `evaluation`, `decision` and `model` are evaluation.json, decision.json and model.json;
    `uris` names documents that say more, by a title.
    """
    hyperparameters = sorted(model.get("hyperparameters", {}).items())[:MAX_HYPERPARAMETERS]
    version = str(evaluation["dataset_version"])
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


def _evaluation(version: str, evaluation: Mapping[str, Any], decision: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers on the frozen test images, the gate's rules, and what was decided."""
    candidate = evaluation["candidate"]
    whole = {name: candidate[name] for name in ("map50", "map50_95", "threshold")}
    whole |= {name.replace("_", " ") + " images": number for name, number in candidate["confusion"].items()}
    whole |= {f"latency {name}, ms": value for name, value in candidate["latency_ms"].items()}
    whole |= {
        "size, bytes": candidate["size_bytes"],
        "test images": evaluation["test_images"],
        "test groups": evaluation["test_groups"],
    }
    classes = {
        f"{name}: {measure}": value
        for name, entry in sorted(candidate["per_class"].items())
        for measure, value in entry.items()
    }
    rules = [
        {
            "name": rule["rule"][:MAX_VALUE],
            "type": "string",
            "value": "held" if rule["held"] else "broken",
            "notes": rule["detail"][:MAX_VALUE],
        }
        for rule in decision["rules"][:MAX_METRICS]
    ]
    groups = [("test set", _numbers(whole)), ("the gate's rules", rules), ("classes", _numbers(classes))]
    word = "accepted" if decision["accepted"] else "rejected"
    return {
        "name": f"frozen test set of {version}"[:MAX_NAME],
        "evaluation_observation": f"The gate {word} it: {'; '.join(decision['reasons'])}"[:MAX_TEXT],
        "datasets": [f"dataset version {version}, test split"],
        "metric_groups": [{"name": name, "metric_data": data} for name, data in groups if data],
    }


def _numbers(values: Mapping[str, float | None]) -> list[dict[str, Any]]:
    defined = [(name, value) for name, value in values.items() if value is not None][:MAX_METRICS]
    return [{"name": name[:MAX_VALUE], "type": "number", "value": value} for name, value in defined]


def _caveats(evaluation: Mapping[str, Any]) -> str:
    said = [
        (
            f"Measured on {evaluation['test_images']} photos of {evaluation['test_groups']} groups: with so many, "
            "numbers "
            "move by chance."
        )
    ]
    if evaluation.get("champion_error"):
        said.append(f"The model in service could not be compared: {evaluation['champion_error']}.")
    if evaluation.get("undecodable"):
        said.append(f"{len(evaluation['undecodable'])} images could not be decoded and were not measured.")
    if evaluation.get("suspicious_labels"):
        said.append(f"{len(evaluation['suspicious_labels'])} labels look wrong and deserve a second look.")
    return " ".join(said)
