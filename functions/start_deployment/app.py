"""Deploy a model to the thing group, and let the workflow wait for the health of its devices.

Input:   {"execution", "approved_at", "component_version", "health_timeout_seconds", "task_token"}
Output:  none; the token is answered with {"model_version", "things", "deployment_id"} when every device is healthy
Errors:  RolloutInProgressError, retried by that name in deploy_model.asl.json; RolloutSupersededError, which ends it;
         NoDevicesError, NoInspectorError; by the token: DeviceUnhealthyError
"""

import os
import time

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline import deployment as rules
from sightline import names
from sightline.aws.deployments import Deployments, answer_done
from sightline.aws.greengrass import Fleet

logger = Logger()
tracer = Tracer()
fleet = Fleet(os.environ["THING_GROUP_ARN"])
deployments = Deployments(os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


def take(rollout: rules.Rollout, task_token: str, deadline: int) -> dict:
    """The group's record: of `rollout`, waiting, or of one that is healthy with exactly this already."""
    before = deployments.current()
    step = rules.may_start(rollout, before, now=time.time())
    if step == rules.RESUME:
        return deployments.resume(rollout.execution, task_token=task_token, deadline=deadline)
    if step == rules.START or before is None:
        return begin(rollout, before, task_token, deadline)
    return before


def begin(rollout: rules.Rollout, before: dict | None, task_token: str, deadline: int) -> dict:
    """Take the group for `rollout`, unless the group runs exactly this already and is healthy with it."""
    things = fleet.things()
    if not things:
        raise rules.NoDevicesError(
            f"{fleet.arn} has no things; add a device to the group, then approve the model again"
        )
    running = fleet.current_components()
    # What an abandoned roll-out left there is not proven: a roll-back goes to what ran before it.
    previous = before["previous"] if before and rules.is_abandoned(before, time.time()) else running
    inspector = rules.latest_version(fleet.component_versions(names.INSPECTOR_COMPONENT))
    components = rules.deployed_components(previous, model_version=rollout.model_version, inspector_version=inspector)
    if before and before["status"] == rules.HEALTHY and components == running:
        return before
    return deployments.begin(
        rollout,
        before,
        task_token=task_token,
        deadline=deadline,
        things=things,
        components=components,
        previous=previous,
    )


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> None:
    token, deadline = event["task_token"], int(time.time()) + event["health_timeout_seconds"] + rules.GRACE_SECONDS
    rollout = rules.Rollout(event["execution"], event["component_version"], event["approved_at"])
    item = take(rollout, token, deadline)
    if item["status"] == rules.HEALTHY:
        logger.info("model is deployed and healthy already", model_version=rollout.model_version)
        answer_done(item, token)
        return
    # The record comes first: a device that is quick to report must find it.
    deployment_name = f"sightline-model-{rollout.model_version}"
    deployment_id = fleet.deploy(deployment_name, item["components"], rules.client_token("deploy", rollout.execution))
    deployments.note_deployment(rollout.execution, deployment_id)
    logger.info("deployment started", deployment_id=deployment_id, things=len(item["things"]))
