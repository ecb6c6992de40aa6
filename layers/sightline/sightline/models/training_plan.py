"""What a training run is made of, and what it is called."""

import hashlib
import json
import re
from typing import TYPE_CHECKING

from sightline import names
from sightline.errors import SightlineError
from sightline.labelling import manifest
from sightline.models.hyperparameters import MOST_SECONDS, Hyperparameters, InvalidHyperparametersError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ProcessingS3DataTypeType, S3DataTypeType
    from mypy_boto3_sagemaker.type_defs import (
        ChannelTypeDef,
        ProcessingInputTypeDef,
        ProcessingS3InputTypeDef,
        S3DataSourceTypeDef,
        StoppingConditionTypeDef,
    )


class InvalidImportError(SightlineError):
    """A request for a model that is not where imported models lie."""


def check_import(artifacts: str, model_uri: object) -> str:
    """The URI of an imported model. Raises InvalidImportError for what lies elsewhere: the jobs read what they are told
    to.
    """
    place = f"s3://{artifacts}/{names.IMPORTS}"
    if not isinstance(model_uri, str) or not re.fullmatch(re.escape(place) + r"[0-9a-f]{16}/model\.tar\.gz", model_uri):
        raise InvalidImportError(
            f"model_uri must be {place}<digest>/model.tar.gz, where `sightline models import` puts it; got "
            f"{model_uri!r:.200}"
        )
    return model_uri


def check_test_set(model_uri: str, test_set: object) -> str:
    """The URI of the dataset version `test_set` that came along with a promoted model. Raises InvalidImportError."""
    if not isinstance(test_set, str) or not re.fullmatch(r"[0-9a-f]{16}", test_set):
        raise InvalidImportError(
            f"test_set must be a dataset version, 16 hexadecimal characters, as `sightline models promote` gives it; "
            f"got {test_set!r:.200}"
        )
    return f"{model_uri.removesuffix('model.tar.gz')}{test_set}/"


def check_hyperparameters(value: object) -> dict[str, str]:
    """SageMaker takes texts only: numbers are written as text. Raises InvalidHyperparametersError for anything else."""
    if not isinstance(value, dict):
        raise InvalidHyperparametersError(f"hyperparameters must be an object of names and values, got {value!r:.100}")
    for name, entry in value.items():
        if isinstance(entry, bool | dict | list) or entry is None:
            raise InvalidHyperparametersError(f"hyperparameter {name!r} must be a text or a number, got {entry!r:.100}")
    return {str(name): str(entry) for name, entry in sorted(value.items())}


def choose_hyperparameters(defaults: object, asked: object, *, own_image: bool = False) -> dict[str, str]:
    """The stack's hyperparameters, single ones replaced by those that were `asked` for (None: none were).

    Raises InvalidHyperparametersError for a name or a value that the stack's training does not take. What an
    `own_image` takes, that image says itself.
    """
    chosen = {**check_hyperparameters(defaults), **check_hyperparameters({} if asked is None else asked)}
    if not own_image:
        Hyperparameters.from_texts(chosen)
    return chosen


def fingerprint(dataset_version: str, image_uri: str, hyperparameters: dict[str, str]) -> str:
    """16 hexadecimal characters that are the same only for the same data, code and hyperparameters.

    Not the champion, which a warm start begins with: each approval would make the next training something new, without
    end.
    """
    content = json.dumps([dataset_version, image_uri, hyperparameters], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def job_name(stack: str, dataset_version: str, execution: str) -> str:
    """The training job of one execution, at most 63 characters of letters, digits and hyphens."""
    return names.job_of_stack(stack, f"{dataset_version[:8]}-{execution}")


def evaluation_name(stack: str, dataset_version: str, execution: str) -> str:
    """Return the name of the processing job that evaluates what `job_name` has trained."""
    return names.job_of_stack(stack, f"{dataset_version[:8]}-{execution}-evaluation")


def starts_warm(hyperparameters: dict[str, str]) -> bool:
    """Whether a training with these hyperparameters starts from the champion's weights; by default it does not."""
    return hyperparameters.get("warm_start", "0").strip() not in ("", "0")


def training_files(artifacts: str, dataset_version: str) -> list[object]:
    """Return the ManifestFile of the dataset's files that a training gets: none tells anything of the test set."""
    own = ["dataset.json", "train.manifest", "validation.manifest"]
    return manifest.file_list(f"s3://{artifacts}/{names.dataset_prefix(dataset_version)}", own)


def training_inputs(
    *, artifacts: str, dataset_version: str, files_uri: str, champion_weights: str | None
) -> "list[ChannelTypeDef]":
    """The training job's channels: the dataset, training and validation images, the champion to start from if any.

    `files_uri` is the URI of what `training_files` returns, `champion_weights` that of the archive that the champion's
    training wrote.
    """
    dataset = f"s3://{artifacts}/{names.dataset_prefix(dataset_version)}"
    channels = [
        _channel("dataset", files_uri, "ManifestFile"),
        _channel("train", f"{dataset}train.images.json", "ManifestFile"),
        _channel("validation", f"{dataset}validation.images.json", "ManifestFile"),
    ]
    return [*channels, _channel("champion", champion_weights)] if champion_weights else channels


def _channel(name: str, uri: str, data_type: "S3DataTypeType" = "S3Prefix") -> "ChannelTypeDef":
    source: S3DataSourceTypeDef = {
        "S3DataType": data_type,
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}


def stopping_condition(*, spot: bool) -> "StoppingConditionTypeDef":
    """How long a training may run; on spot capacity also how long it may wait for it, which SageMaker takes only
    then.
    """
    if spot:
        return {"MaxRuntimeInSeconds": MOST_SECONDS, "MaxWaitTimeInSeconds": 2 * MOST_SECONDS}
    return {"MaxRuntimeInSeconds": MOST_SECONDS}


def evaluation_inputs(
    *, model_uri: str, dataset_uri: str, champion_release: str | None
) -> "list[ProcessingInputTypeDef]":
    """The processing job's inputs: the model, the dataset, test and validation images, the champion if any.

    `dataset_uri` is the folder of a dataset version, `s3://…/`; `model_uri` and `champion_release` are S3 URIs of a
    model.tar.gz.
    """
    inputs = [
        _input("model", model_uri),
        _input("dataset", dataset_uri),
        _input("test", f"{dataset_uri}test.images.json", "ManifestFile"),
        _input("validation", f"{dataset_uri}validation.images.json", "ManifestFile"),
    ]
    return [*inputs, _input("champion", champion_release)] if champion_release else inputs


def _input(name: str, uri: str, data_type: "ProcessingS3DataTypeType" = "S3Prefix") -> "ProcessingInputTypeDef":
    place: ProcessingS3InputTypeDef = {
        "S3Uri": uri,
        "LocalPath": f"/opt/ml/processing/input/{name}",
        "S3DataType": data_type,
        "S3InputMode": "File",
    }
    return {"InputName": name, "S3Input": place}
