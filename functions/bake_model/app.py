"""Let the devices of a stage run the model for a while; the workflow waits, and is woken when they speak against it.

Input:   {"execution", "bake_seconds", "task_token"}
Output:  none; the token is answered only when the model must be taken back early, else the task runs out of time
Errors:  RolloutSupersededError
"""

import os
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.rollout.decisions import Limits
from sightline.rollout.deployments import Deployments
from sightline.runtime import Context, logger, step

LIMITS = Limits.from_json(os.environ["ROLLOUT_LIMITS"])

aws = Aws()
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


class Request(TypedDict):
    execution: str
    bake_seconds: int
    task_token: str


@step
def handler(event: Request, context: Context) -> None:
    rollout = deployments.bake(event["execution"], task_token=event["task_token"], bake_seconds=event["bake_seconds"])
    logger.info("baking", stage=rollout.stage, model_version=rollout.model_version, until=rollout.bake_until)
    deployments.wake(rollout, LIMITS)  # a device may have failed before the token was known
