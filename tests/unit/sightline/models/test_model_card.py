"""The model card: every field within SageMaker's schema, whatever the evaluation says."""

import json
from typing import Any

from jsonschema import Draft7Validator

from local.emulator.aws_shapes import check_request
from sightline.models.model_card import MAX_CARD, card, content


def text(limit: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": limit}


def items(schema: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": schema, "maxItems": most}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


# The part of SageMaker's "Model package model card schema" that a card of ours uses.
METRIC = closed(
    ("name", "type", "value"),
    name=text(255),
    type={"enum": ["number", "string", "boolean"]},
    value={},
    notes=text(1024),
)
PAIR = closed(("name", "value"), name=text(255), value=text(255))
SCHEMA = closed(
    model_overview=closed(model_creator=text(1024), model_artifact=items(text(1024), 15)),
    intended_uses=closed(
        purpose_of_model=text(2048),
        intended_uses=text(2048),
        factors_affecting_model_efficiency=text(2048),
        risk_rating={"enum": ["High", "Medium", "Low", "Unknown"]},
        explanations_for_risk_rating=text(2048),
    ),
    training_details=closed(
        training_observations=text(1024),
        training_job_details=closed(
            training_datasets=items(text(1024), 15),
            training_environment=closed(container_image=items(text(1024), 15)),
            user_provided_hyper_parameters=items(PAIR, 100),
        ),
    ),
    evaluation_details=items(
        closed(
            ("name",),
            name=text(63),
            evaluation_observation=text(2096),
            datasets=items(text(1024), 10),
            metric_groups=items(closed(("name", "metric_data"), name=text(63), metric_data=items(METRIC, 50)), 100),
        ),
        100,
    ),
    additional_information=closed(
        caveats_and_recommendations=text(2048),
        custom_details={"type": "object", "additionalProperties": text(1024)},
    ),
)

EVALUATION: dict[str, Any] = {
    "dataset_version": "7c3b93b0b0abd98f",
    "test_images": 39,
    "test_groups": 6,
    "candidate": {
        "map50": 0.76,
        "map50_95": 0.37,
        "per_class": {"scratch": {"ap50": 0.76, "ap50_95": 0.37, "recall": None}},
        "confusion": {"true_fail": 20, "false_pass": 1, "false_fail": 2, "true_pass": 16},
        "threshold": 0.31,
        "latency_ms": {"median": 9.0, "p95": 12.0},
        "size_bytes": 3_900_000,
    },
    "champion": None,
    "champion_error": None,
}
DECISION: dict[str, Any] = {
    "accepted": True,
    "reasons": ["all 5 rules held"],
    "rules": [
        {
            "rule": "mAP@.50",
            "held": True,
            "value": 0.76,
            "limit": 0.5,
            "detail": "mAP@.50 0.760 reaches the floor 0.500",
        }
    ],
}
GIVEN: dict[str, Any] = {
    "training_job": "sightline-7c3b93b0-window-1",
    "evaluation": EVALUATION,
    "decision": DECISION,
    "model": {"hyperparameters": {"epochs": 120, "learning_rate": 0.002}},
    "image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sightline-training:1",
    "archive_uri": "s3://artifacts/models/job/model.tar.gz",
    "uris": {"report": "s3://artifacts/training/job/evaluation/report.html"},
}


def check(made: dict[str, str]) -> dict[str, Any]:
    """What SageMaker checks: the request's shape, then the content's schema."""
    assert "\n" not in made["ModelCardContent"]
    assert len(made["ModelCardContent"]) <= MAX_CARD
    check_request("sagemaker", "CreateModelPackage", {"ModelPackageGroupName": "models", "ModelCard": made})
    value: dict[str, Any] = json.loads(made["ModelCardContent"])
    Draft7Validator(SCHEMA).validate(value)
    return value


def test_a_card_says_what_was_trained_measured_and_decided() -> None:
    value = check(card(content(**GIVEN)))
    details = value["evaluation_details"][0]
    groups = {
        group["name"]: {entry["name"]: entry["value"] for entry in group["metric_data"]}
        for group in details["metric_groups"]
    }
    assert details["evaluation_observation"] == "The gate accepted it: all 5 rules held"
    assert groups["test set"]["map50"] == 0.76
    assert (groups["test set"]["false pass images"], groups["test set"]["threshold"]) == (1, 0.31)
    assert groups["the gate's rules"] == {"mAP@.50": "held"}
    assert groups["classes"] == {"scratch: ap50": 0.76, "scratch: ap50_95": 0.37}  # what is not defined is left out
    job = value["training_details"]["training_job_details"]
    assert job["user_provided_hyper_parameters"] == [
        {"name": "epochs", "value": "120"},
        {"name": "learning_rate", "value": "0.002"},
    ]
    assert value["additional_information"]["custom_details"] == GIVEN["uris"]


def test_a_card_stays_within_the_limits_whatever_the_evaluation_says() -> None:
    names = [f"{number}-{'ö' * 300}" for number in range(400)]
    classes = {name: {"ap50": 0.5, "ap50_95": 0.2, "recall": 0.5} for name in names}
    rules = [{"rule": f"recall of {name}", "held": False, "detail": name * 9} for name in names]
    evaluation = {
        **EVALUATION,
        "candidate": {**EVALUATION["candidate"], "per_class": classes},
        "champion_error": "é" * 5000,
    }
    decision = {"accepted": False, "reasons": [name * 9 for name in names], "rules": rules}
    model = {"hyperparameters": dict.fromkeys(names, "x" * 999)}
    check(card(content(**{**GIVEN, "evaluation": evaluation, "decision": decision, "model": model})))


def test_a_model_of_another_make_has_a_card_too_and_doubts_are_told() -> None:
    evaluation = {**EVALUATION, "undecodable": [{}], "suspicious_labels": [{}, {}]}
    value = content(**{**GIVEN, "model": {}, "evaluation": evaluation})
    said = value["additional_information"]["caveats_and_recommendations"]
    assert said.endswith(
        "1 images could not be decoded and were not measured. 2 labels look wrong and deserve a second look."
    )
