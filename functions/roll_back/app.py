"""Give the thing groups back the components that they ran before a roll-out; before the first one that is nothing.

The model is taken back then: scoring in the cloud, proposals and the gate go back to the model before it, too.

Input:   {"execution"}
Output:  {"rolled_back": true, "deployment_ids": {stage: id}, "components": {stage: {name: version}}}, or
         {"rolled_back": false, …null} when the execution never took the fleet, or another one has it now
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.models.registry import Registry
from sightline.models.states import ModelState
from sightline.rollout.components import restored_components
from sightline.rollout.deployments import Deployments
from sightline.rollout.stages import Groups, Stage
from sightline.rollout.thing_groups import client_token, thing_groups
from sightline.runtime import Context, logger, step

WHY = "taken back from the devices; the execution of deploy_model says why"
OWN = names.OwnComponents(os.environ["STACK_NAME"])

aws = Aws()
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])
fleets = thing_groups(aws, Groups(fleet=os.environ["THING_GROUP_ARN"], canary=os.environ["CANARY_GROUP_ARN"]))
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


class Request(TypedDict):
    execution: str


class RolledBack(TypedDict):
    rolled_back: bool
    deployment_ids: dict[Stage, str] | None
    components: dict[Stage, dict[str, str]] | None  # component: version


@step
def handler(event: Request, context: Context) -> RolledBack:
    rollout = deployments.begin_roll_back(event["execution"], OWN)
    if rollout is None:
        return {"rolled_back": False, "deployment_ids": None, "components": None}
    ids, versions = dict[Stage, str](), dict[Stage, dict[str, str]]()
    for stage in reversed(rollout.stages_begun()):  # first where most devices are
        previous = restored_components(OWN, rollout.previous[stage])
        token = client_token(f"roll-back-{stage}", event["execution"])
        ids[stage] = fleets[stage].deploy(f"{OWN.stack}-roll-back-{rollout.model_version}", previous, token)
        versions[stage] = {component: entry["componentVersion"] for component, entry in previous.items()}
    if rollout.models.get(rollout.model_version) == ModelState.TAKEN_BACK:
        model = registry.model(names.package_version(rollout.model_version))
        if model:
            registry.judge(model, approved=False, by="deploy_model", reason=WHY)
    deployments.end_roll_back(event["execution"], ids)
    logger.warning("rolled back", model_version=rollout.model_version, deployment_ids=ids, components=versions)
    return {"rolled_back": True, "deployment_ids": ids, "components": versions}
