"""Create the Greengrass version of the model component.

Input:   {"component_version", "artifact_uri", "sha256"}
Output:  {"component_arn"}, when it can be deployed
Errors:  ComponentNotReadyError, retried by that name in deploy_model.asl.json; ComponentFailedError;
         ComponentConflictError
"""

import os
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.names import OwnComponents
from sightline.rollout import recipes
from sightline.rollout.published import PublishedComponents
from sightline.runtime import Context, logger, step

OWN = OwnComponents(os.environ["STACK_NAME"])

components = PublishedComponents(Aws(), os.environ["THING_GROUP_ARN"])


class Request(TypedDict):
    component_version: str
    artifact_uri: str
    sha256: str  # of the artifact


class Created(TypedDict):
    component_arn: str


@step
def handler(event: Request, context: Context) -> Created:
    recipe = recipes.model_recipe(OWN, event["component_version"], event["artifact_uri"], sha256=event["sha256"])
    arn = components.publish(recipe)
    components.check_deployable(arn)
    logger.info("component version created", arn=arn)
    return {"component_arn": arn}
