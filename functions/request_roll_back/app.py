"""Take a person's wish to roll back: tell the running roll-out to do it, or take the fleet to do it here.

Input:   {"execution", "reason"}
Output:  {"running": true when a roll-out runs, which takes its model back itself, "model_version"}
Errors:  NothingToRollBackError; RolloutInProgressError, retried by that name in deploy_model.asl.json
"""

import os
import time
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.line.messages import MAX_REASON
from sightline.rollout.decisions import Limits
from sightline.rollout.deployments import Deployments
from sightline.rollout.turns import GRACE_SECONDS, RolloutInProgressError, WayBack, may_roll_back
from sightline.runtime import Context, logger, step

LIMITS = Limits.from_json(os.environ["ROLLOUT_LIMITS"])

aws = Aws()
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


class Request(TypedDict):
    execution: str
    reason: str


class Asked(TypedDict):
    running: bool
    model_version: str


@step
def handler(event: Request, context: Context) -> Asked:
    current, execution = deployments.current(), event["execution"]
    if current and current.execution == execution:
        return {"running": False, "model_version": current.model_version}  # a repeated call: it took the fleet before
    way = may_roll_back(current, time.time())
    assert current is not None  # may_roll_back refuses a fleet that never had a roll-out
    if way == WayBack.ROLL_BACK:
        deployments.take_over(current, execution, hold_seconds=GRACE_SECONDS)
    else:
        stopped = deployments.stop(current, str(event["reason"])[:MAX_REASON])
        if stopped is None:
            raise RolloutInProgressError("the roll-out went on in the same moment")
        deployments.wake(stopped, LIMITS)
    logger.warning("roll back asked for", model_version=current.model_version, way=way, reason=event["reason"])
    return {"running": way == WayBack.STOP, "model_version": current.model_version}
