"""Pack the release of an approved model package as the artifact of its component version.

Input:   {"model_package_arn", "correlation_id"}
Output:  {"model_package_arn", "correlation_id": the model's, "training_job", "component_version", "artifact_uri",
         "sha256", "health_timeout_seconds", "stage_timeout_seconds"}
Errors:  ModelNotApprovedError, InvalidReleaseError, ArtifactConflictError
"""

import hashlib
import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.models import registry
from sightline.models.standing import Standing, state_of
from sightline.rollout.packing import ArtifactConflictError, InvalidReleaseError, check_deployable, pack, release_files
from sightline.runtime import Context, correlate, logger, step

HEALTH_TIMEOUT_SECONDS = int(os.environ["HEALTH_TIMEOUT_SECONDS"])
STAGE_TIMEOUT_SECONDS = int(os.environ["STAGE_TIMEOUT_SECONDS"])

OWN = names.OwnComponents(os.environ["STACK_NAME"])

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
standing = Standing(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


class Request(TypedDict):
    model_package_arn: str
    correlation_id: str  # of this execution


class Plan(TypedDict):
    model_package_arn: str
    correlation_id: str  # of the model, from its training
    training_job: str
    component_version: str
    artifact_uri: str
    sha256: str  # of the artifact
    health_timeout_seconds: int
    stage_timeout_seconds: int


def read_release(prefix: str) -> dict[str, bytes]:
    described = artifacts.read(prefix + "model.json")
    files = release_files(described)
    return {name: described if name == "model.json" else artifacts.read(prefix + name) for name in files}


def publish(key: str, body: bytes) -> str:
    """Write the artifact, once: devices check its digest, so what is there already must be the same."""
    known = artifacts.find(key)
    if known is None:
        return artifacts.write(key, body, "application/zip")
    if known != body:
        raise ArtifactConflictError(
            f"{artifacts.uri(key)} holds another release; register the model again, which gives it a new version"
        )
    return artifacts.uri(key)


@step
def handler(event: Request, context: Context) -> Plan:
    model = registry.describe(aws, event["model_package_arn"])
    check_deployable(model.version, state_of(model, standing.states()))
    correlation_id = model.correlation_id or event["correlation_id"]
    correlate(correlation_id)
    training_job, release_uri = model.training_job, model.release_uri
    if training_job is None or release_uri is None:
        raise InvalidReleaseError(f"{model.arn} was registered without a release; register it by train_model")
    version = model.component_version
    body = pack(read_release(artifacts.key(release_uri.rstrip("/") + "/")))
    uri = publish(names.component_prefix(OWN.model, version) + "model.zip", body)
    logger.info("component version planned", version=version, training_job=training_job, bytes=len(body))
    return {
        "model_package_arn": event["model_package_arn"],
        "correlation_id": correlation_id,
        "training_job": training_job,
        "component_version": version,
        "artifact_uri": uri,
        "sha256": hashlib.sha256(body).hexdigest(),
        "health_timeout_seconds": HEALTH_TIMEOUT_SECONDS,
        # Step Functions wants a heartbeat to be shorter than the whole.
        "stage_timeout_seconds": max(STAGE_TIMEOUT_SECONDS, HEALTH_TIMEOUT_SECONDS + 1),
    }
