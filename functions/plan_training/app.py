"""Decide what to train: names, hyperparameters, the model to beat; or that nothing has changed.

Input:   {"execution": its name, "request": the execution's input ({"force": true} trains what was trained before,
         {"hyperparameters": {…}} replaces single ones, {"model_uri": …} judges an imported model instead, {"test_set":
         …} does so on the dataset version that came with it), "dataset": what SnapshotDataset answered, "image": what
         PrepareTrainingImage answered}
Output:  {"changed", "reason", "fingerprint", "dataset_version": the one that is trained or judged on,
         "training_job", "evaluation_job", "imported", "hyperparameters", "training_inputs", "evaluation_inputs",
         "spot", "stopping_condition", "checkpoints_uri", "evaluation_uri", "champion_arn", "started_by"}
Errors:  InvalidHyperparametersError, InvalidImportError
"""

import json
import os
from typing import TYPE_CHECKING, TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.fields import Fields
from sightline.models import training_plan
from sightline.models.registry import RegisteredModel, Registry
from sightline.models.standing import Standing
from sightline.runtime import Context, logger, step

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import ChannelTypeDef, ProcessingInputTypeDef, StoppingConditionTypeDef

STACK = os.environ["STACK_NAME"]
HYPERPARAMETERS: dict[str, object] = json.loads(os.environ["HYPERPARAMETERS"])
OWN_IMAGE = os.environ["TRAINING_IMAGE_URI"]  # empty where the stack builds the image
SPOT = os.environ["USE_SPOT_TRAINING"] == "true"

aws = Aws()
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])
standing = Standing(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class TrainingRequest(TypedDict, total=False):
    """The execution's input as somebody sent it: no value is checked yet."""

    force: object
    hyperparameters: object
    model_uri: object
    test_set: object
    started_by: object


class FrozenDataset(TypedDict):
    """What this step needs of SnapshotDataset's answer."""

    version: str
    shortage: str


class TrainingImage(TypedDict):
    """PrepareTrainingImage's answer."""

    uri: str
    ready: bool
    reason: str


class Request(TypedDict):
    execution: str
    request: TrainingRequest
    dataset: FrozenDataset
    image: TrainingImage


class PlannedTraining(TypedDict):
    changed: bool
    reason: str
    fingerprint: str
    dataset_version: str
    training_job: str
    evaluation_job: str
    imported: bool  # a model that is judged and not trained
    hyperparameters: dict[str, str]
    training_inputs: "list[ChannelTypeDef]"  # InputDataConfig of CreateTrainingJob
    evaluation_inputs: "list[ProcessingInputTypeDef]"  # ProcessingInputs of CreateProcessingJob
    spot: bool
    stopping_condition: "StoppingConditionTypeDef"
    checkpoints_uri: str
    evaluation_uri: str
    champion_arn: str  # empty without one
    started_by: str  # the person; empty where nobody knows


def what_changed(
    fingerprint: str, dataset: FrozenDataset, request: TrainingRequest, image: TrainingImage
) -> tuple[bool, str]:
    """Return whether there is something to train now, and why or why not."""
    if dataset["shortage"]:
        return False, dataset["shortage"]
    forced = request.get("force") is True  # a text, "false" too, would be true
    key = names.successful_run(fingerprint)
    known = None if forced else artifacts.find_json(key)
    if known:
        run = Fields(known, f"in {key}")
        job = run.text("training_job")
        if request.get("model_uri"):
            verdict = "accepted" if run.flag("accepted") else "rejected"
            return False, f"{job} has judged this model with this dataset and {verdict} it"
        return False, f"{job} has trained this dataset with this code and these hyperparameters"
    if not image["ready"]:
        return False, image["reason"]
    return True, "it was asked for, whatever has changed" if forced else "dataset, code or hyperparameters are new"


def dataset_of(event: Request, source: str) -> tuple[FrozenDataset, str]:
    """The dataset version to work on, and its folder: this stack's newest, or the one that came with the model
    `source`.
    """
    if event["request"].get("test_set") is None:
        own = event["dataset"]
        return own, artifacts.uri(names.dataset_prefix(own["version"]))
    if event["request"].get("model_uri") is None:
        raise training_plan.InvalidImportError(
            "test_set goes with a model_uri: what is trained is judged on own images"
        )
    uri = training_plan.check_test_set(source, event["request"]["test_set"])
    return {"version": uri.rsplit("/", 2)[-2], "shortage": ""}, uri


def weights_of(champion: RegisteredModel | None) -> str | None:
    """The URI of the archive with the champion's weights; None where there is none: it may have been brought from
    elsewhere.
    """
    job = champion.training_job if champion else None
    key = names.model_archive(job) if job else ""
    return artifacts.uri(key) if key and key in artifacts.keys(key) else None


@step
def handler(event: Request, context: Context) -> PlannedTraining:
    request, image = event["request"], event["image"]
    chosen = training_plan.choose_hyperparameters(
        HYPERPARAMETERS, request.get("hyperparameters"), own_image=bool(OWN_IMAGE)
    )
    imported = request.get("model_uri") is not None
    source = training_plan.check_import(artifacts.bucket, request["model_uri"]) if imported else image["uri"]
    dataset, dataset_uri = dataset_of(event, source)
    fingerprint = training_plan.fingerprint(dataset["version"], source, {} if imported else chosen)
    changed, reason = what_changed(fingerprint, dataset, request, image)
    job = training_plan.job_name(STACK, dataset["version"], event["execution"])
    champion = registry.champion(standing.states())
    release = champion.archive_uri if champion else None
    weights = weights_of(champion) if training_plan.starts_warm(chosen) else None
    if changed and not imported:
        files = training_plan.training_files(artifacts.bucket, dataset["version"])
        artifacts.write_json(names.training_files(job), files)
    logger.info("training planned", changed=changed, reason=reason, fingerprint=fingerprint, training_job=job)
    return {
        "changed": changed,
        "reason": reason,
        "fingerprint": fingerprint,
        "dataset_version": dataset["version"],
        "training_job": job,
        "evaluation_job": training_plan.evaluation_name(STACK, dataset["version"], event["execution"]),
        "imported": imported,
        "hyperparameters": chosen,
        "training_inputs": training_plan.training_inputs(
            artifacts=artifacts.bucket,
            dataset_version=dataset["version"],
            files_uri=artifacts.uri(names.training_files(job)),
            champion_weights=weights,
        ),
        "evaluation_inputs": training_plan.evaluation_inputs(
            model_uri=source if imported else artifacts.uri(names.model_archive(job)),
            dataset_uri=dataset_uri,
            champion_release=release,
        ),
        "spot": SPOT,
        "stopping_condition": training_plan.stopping_condition(spot=SPOT),
        "checkpoints_uri": artifacts.uri(names.checkpoints_prefix(job)),
        "evaluation_uri": artifacts.uri(names.evaluation_prefix(job)),
        "champion_arn": champion.arn if champion else "",
        "started_by": str(request.get("started_by") or ""),
    }
