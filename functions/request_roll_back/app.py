"""Take a person's wish to roll back: tell the running roll-out to do it, or take the fleet to do it here.

Input:   {"execution", "reason"}
Output:  {"running": true when a roll-out runs, which takes its model back itself, "model_version"}
Errors:  NothingToRollBackError; RolloutInProgressError, retried by that name in deploy_model.asl.json
"""

import json
import os
import time

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.aws.clients import Aws
from sightline.rollout import deployment as rules
from sightline.rollout.deployments import Deployments

LIMITS = rules.Limits(**json.loads(os.environ["ROLLOUT_LIMITS"]))

logger = Logger()
aws = Aws()
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    item, execution = deployments.current(), event["execution"]
    if item and item["execution"] == execution:
        return {"running": False, "model_version": item["model_version"]}  # a repeated call: it took the fleet before
    step = rules.may_roll_back(item, time.time())
    assert item is not None  # may_roll_back refuses a fleet that never had a roll-out
    if step == rules.ROLL_BACK:
        deployments.take_over(item, execution, hold_seconds=rules.GRACE_SECONDS)
    else:
        stopped = deployments.stop(item, str(event["reason"])[: rules.MAX_REASON])
        if stopped is None:
            raise rules.RolloutInProgressError("the roll-out went on in the same moment")
        deployments.wake(stopped, LIMITS)
    logger.warning("roll back asked for", model_version=item["model_version"], step=step, reason=event["reason"])
    return {"running": step == rules.RESUME, "model_version": item["model_version"]}
