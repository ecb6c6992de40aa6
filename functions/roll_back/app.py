"""Give the thing group back the components that it ran before a roll-out; before the first one that is nothing.

Input:   {"execution"}
Output:  {"rolled_back": true, "deployment_id", "components": {name: version}}, or {"rolled_back": false, …null} when the
         execution never took the group, or another one has it now
"""

import os

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline import deployment as rules
from sightline.aws.deployments import Deployments
from sightline.aws.greengrass import Fleet

logger = Logger()
tracer = Tracer()
fleet = Fleet(os.environ["THING_GROUP_ARN"])
deployments = Deployments(os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    item = deployments.begin_roll_back(event["execution"])
    if item is None:
        return {"rolled_back": False, "deployment_id": None, "components": None}
    previous = item["previous"]
    name = f"sightline-roll-back-{item['model_version']}"
    deployment_id = fleet.deploy(name, previous, rules.client_token("roll-back", event["execution"]))
    deployments.end_roll_back(event["execution"], deployment_id)
    versions = {component: entry["componentVersion"] for component, entry in previous.items()}
    logger.warning("rolled back", model_version=item["model_version"], deployment_id=deployment_id, components=versions)
    return {"rolled_back": True, "deployment_id": deployment_id, "components": versions}
