"""Create the Greengrass version of the model component.

Input:   {"component_version", "artifact_uri", "sha256"}
Output:  {"component_arn"}, when it can be deployed
Errors:  ComponentNotReadyError, retried by that name in deploy_model.asl.json; ComponentFailedError;
         ComponentConflictError
"""

import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.aws.clients import Aws
from sightline.rollout import recipes
from sightline.rollout.greengrass import ThingGroup

logger = Logger()
fleet = ThingGroup(Aws(), os.environ["THING_GROUP_ARN"])


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    recipe = recipes.model_recipe(event["component_version"], event["artifact_uri"], sha256=event["sha256"])
    arn = fleet.create_component_version(recipe)
    fleet.check_deployable(arn)
    logger.info("component version created", arn=arn)
    return {"component_arn": arn}
