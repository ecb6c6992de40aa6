"""Deploy a model to the next stage of the fleet (canary group, fleet group), and let the workflow wait for its devices.

Input:   {"execution", "approved_at", "component_version", "task_token"}
Output:  none; the token is answered when there is something to decide: every device has answered, or enough have failed
Errors:  RolloutInProgressError, retried by that name in deploy_model.asl.json; RolloutSupersededError, which ends it;
         NoDevicesError, NoInspectorError, OverlappingGroupsError
"""

import json
import os
import time

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.workflows import Callbacks
from sightline.rollout import deployment as rules
from sightline.rollout.deployments import Deployments
from sightline.rollout.greengrass import thing_groups
from sightline.rollout.stages import Groups

HEALTH_TIMEOUT_SECONDS = int(os.environ["HEALTH_TIMEOUT_SECONDS"])
BAKE_SECONDS = int(os.environ["BAKE_SECONDS"])
PER_MINUTE = int(os.environ["ROLLOUT_PER_MINUTE"])
HOLD_SECONDS = max(HEALTH_TIMEOUT_SECONDS, BAKE_SECONDS) + rules.GRACE_SECONDS
LIMITS = rules.Limits(**json.loads(os.environ["ROLLOUT_LIMITS"]))

logger = Logger()
aws = Aws()
callbacks = Callbacks(aws)
fleets = thing_groups(aws, Groups(fleet=os.environ["THING_GROUP_ARN"], canary=os.environ["CANARY_GROUP_ARN"]))
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


def take(rollout: rules.Rollout, task_token: str) -> dict:
    """The fleet's record: of `rollout`, waiting, or of one that is healthy with exactly this already."""
    before = deployments.current()
    step = rules.may_start(rollout, before, now=time.time())
    if before is None or step == rules.START:
        return begin(rollout, before, task_token)
    if step == rules.RESUME:
        return deployments.resume(before, task_token=task_token)
    if step == rules.NEXT_STAGE:
        stage = before["stages"][before["stages"].index(before["stage"]) + 1]
        return deployments.begin_stage(before, stage, fleets[stage].things(), task_token=task_token)
    return before


def begin(rollout: rules.Rollout, before: dict | None, task_token: str) -> dict:
    """Take the fleet for `rollout`, unless it runs exactly this already and is healthy with it."""
    stages = members()
    running = {stage: fleets[stage].current_components() for stage in stages}
    previous = known_good(running, before)
    inspector = rules.latest_version(fleets[rules.FLEET].component_versions(names.INSPECTOR_COMPONENT))
    components = {
        stage: rules.deployed_components(
            previous[stage], model_version=rollout.model_version, inspector_version=inspector
        )
        for stage in stages
    }
    if before and before["status"] == rules.HEALTHY and components == running:
        return before
    return deployments.begin(
        rollout,
        before,
        task_token=task_token,
        hold_seconds=HOLD_SECONDS,
        stages=stages,
        components=components,
        previous=previous,
    )


def members() -> dict[str, list[str]]:
    """The things of each stage that has any, in order."""
    things = {stage: fleet.things() for stage, fleet in fleets.items()}
    rules.check_apart(things.get(rules.CANARY, []), things[rules.FLEET])
    stages = {stage: found for stage, found in things.items() if found}
    if not stages:
        raise rules.NoDevicesError(
            f"{fleets[rules.FLEET].arn} has no things; add a device to the group, then approve the model again"
        )
    return stages


def known_good(running: dict[str, rules.Components], before: dict | None) -> dict[str, rules.Components]:
    """What each stage goes back to. What an abandoned roll-out left is not proven; a new canary group follows the
    fleet.
    """
    previous = dict(running)
    if before and rules.is_abandoned(before, time.time()):
        previous |= {stage: found for stage, found in before["previous"].items() if stage in running}
    if rules.FLEET in previous and not previous.get(rules.CANARY, True):
        previous[rules.CANARY] = previous[rules.FLEET]
    return previous


def deploy(item: dict) -> dict:
    """Deploy the stage that the record says; answers the record with the deployment in it."""
    stage = item["stage"]
    components = rules.on_trial(item["components"][stage], item["previous"][stage])
    job = rules.job_configuration(stage, per_minute=PER_MINUTE, abort_percentage=LIMITS.abort_percentage)
    token = rules.client_token(f"deploy-{stage}", item["execution"])
    deployment_id = fleets[stage].deploy(f"sightline-model-{item['model_version']}", components, token, job)
    logger.info("deployment started", stage=stage, deployment_id=deployment_id, things=len(item["things"]))
    return deployments.note_deployment(item, deployment_id) or item


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> None:
    rollout = rules.Rollout(event["execution"], event["component_version"], event["approved_at"])
    item = take(rollout, event["task_token"])
    if item["status"] == rules.HEALTHY:
        logger.info("model is deployed and healthy already", model_version=rollout.model_version)
        callbacks.succeed(event["task_token"])
        return
    # The record comes first: a device that is quick to report must find it.
    deployments.wake(deploy(item), LIMITS)
