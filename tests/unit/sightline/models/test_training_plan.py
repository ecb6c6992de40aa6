"""What a training run is made of."""

import re
from typing import Any

import pytest

from sightline.models import training_plan
from sightline.models.hyperparameters import InvalidHyperparametersError

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/sightline-training:1"


def test_hyperparameters_become_texts_and_single_ones_are_replaced() -> None:
    given, asked = {"epochs": 75, "image_size": "480"}, {"epochs": 3, "learning_rate": 5.3e-05}
    chosen = training_plan.choose_hyperparameters(given, asked)
    assert chosen == {"epochs": "3", "learning_rate": "5.3e-05", "image_size": "480"}


def test_a_name_that_no_training_knows_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InvalidHyperparametersError, match=r"hyperparameter 'epoch'; did you mean epochs\? There"):
        training_plan.choose_hyperparameters({}, {"epoch": "8"})
    with pytest.raises(InvalidHyperparametersError, match="unknown hyperparameter 'zzz'; there are: alarm_cost, "):
        training_plan.choose_hyperparameters({"zzz": 1}, None)
    with pytest.raises(InvalidHyperparametersError, match=r"epochs must be a whole number of 1\.\.10000, got '0'"):
        training_plan.choose_hyperparameters({}, {"epochs": "0"})


def test_an_own_image_has_hyperparameters_of_its_own() -> None:
    assert training_plan.choose_hyperparameters({}, {"depth": 3}, own_image=True) == {"depth": "3"}


def test_asking_for_none_takes_the_stack_s() -> None:
    assert training_plan.choose_hyperparameters({"epochs": 75}, None) == {"epochs": "75"}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([1], r"hyperparameters must be an object of names and values, got \[1\]"),
        ("epochs=3", "hyperparameters must be an object of names and values, got 'epochs=3'"),
        ({"epochs": None}, "hyperparameter 'epochs' must be a text or a number, got None"),
        ({"fast": True}, "hyperparameter 'fast' must be a text or a number, got True"),
        ({"sizes": [1, 2]}, r"hyperparameter 'sizes' must be a text or a number, got \[1, 2\]"),
    ],
)
def test_what_sagemaker_does_not_take_is_refused(asked: Any, message: str) -> None:
    with pytest.raises(InvalidHyperparametersError, match=message):
        training_plan.choose_hyperparameters({}, asked)


def test_a_fingerprint_changes_with_data_code_and_hyperparameters_only() -> None:
    first = training_plan.fingerprint("v1", IMAGE, {"a": "1", "b": "2"})
    assert re.fullmatch("[0-9a-f]{16}", first)
    assert training_plan.fingerprint("v1", IMAGE, {"b": "2", "a": "1"}) == first
    others = {
        training_plan.fingerprint("v2", IMAGE, {"a": "1", "b": "2"}),
        training_plan.fingerprint("v1", IMAGE + "0", {"a": "1", "b": "2"}),
        training_plan.fingerprint("v1", IMAGE, {"a": "1", "b": "3"}),
    }
    assert len(others | {first}) == 4


def test_long_executions_with_one_beginning_get_different_names_that_sagemaker_takes() -> None:
    names = [training_plan.job_name("sightline", "7c3b93b0b0abd98f", "x" * 79 + end) for end in "ab"]
    assert all(re.fullmatch("[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name) for name in names)
    assert len(set(names)) == 2


@pytest.mark.parametrize(("given", "warm"), [({}, False), ({"warm_start": "0"}, False), ({"warm_start": "1"}, True)])
def test_a_training_starts_warm_only_where_that_is_asked_for(given: dict[str, str], warm: bool) -> None:
    assert training_plan.starts_warm(given) is warm


@pytest.mark.parametrize(
    ("spot", "limits"), [(False, {"MaxRuntimeInSeconds"}), (True, {"MaxRuntimeInSeconds", "MaxWaitTimeInSeconds"})]
)
def test_a_longest_wait_goes_with_spot_capacity_only(spot: bool, limits: set[str]) -> None:
    assert set(training_plan.stopping_condition(spot=spot)) == limits


def test_test_and_champion_go_to_evaluation() -> None:
    given = {
        "model_uri": "s3://artifacts/training/job-1/output/model.tar.gz",
        "dataset_uri": "s3://artifacts/datasets/v1/",
    }
    inputs = training_plan.evaluation_inputs(**given, champion_release="s3://artifacts/models/old/model.tar.gz")
    assert [(entry["InputName"], entry["S3Input"]["S3Uri"], entry["S3Input"]["S3DataType"]) for entry in inputs] == [
        ("model", "s3://artifacts/training/job-1/output/model.tar.gz", "S3Prefix"),
        ("dataset", "s3://artifacts/datasets/v1/", "S3Prefix"),
        ("test", "s3://artifacts/datasets/v1/test.images.json", "ManifestFile"),
        ("validation", "s3://artifacts/datasets/v1/validation.images.json", "ManifestFile"),
        ("champion", "s3://artifacts/models/old/model.tar.gz", "S3Prefix"),
    ]
    assert training_plan.evaluation_inputs(**given, champion_release=None) == inputs[:-1]
