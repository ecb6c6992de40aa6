"""Take a person's wish to roll back: tell the running roll-out to do it, or take the fleet to do it here.

Input:   {"execution", "request": {"reason", "model_version": the one to take back, else whichever is the newest}}
Output:  {"running": true when a roll-out runs, which takes its model back itself, "model_version"}
Errors:  NothingToRollBackError; RolloutInProgressError, retried by that name in deploy_model.asl.json
"""

import os
import time
from typing import NotRequired, TypedDict

from sightline.aws.clients import Aws
from sightline.line.messages import MAX_REASON
from sightline.names import OwnComponents
from sightline.rollout.decisions import Limits
from sightline.rollout.deployments import Deployments
from sightline.rollout.turns import GRACE_SECONDS, RolloutInProgressError, WayBack, may_roll_back
from sightline.runtime import Context, logger, step

OWN = OwnComponents(os.environ["STACK_NAME"])
LIMITS = Limits.from_json(os.environ["ROLLOUT_LIMITS"])

aws = Aws()
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


class Wish(TypedDict):
    reason: str
    model_version: NotRequired[str]


class Request(TypedDict):
    execution: str
    request: Wish


class Asked(TypedDict):
    running: bool
    model_version: str


@step
def handler(event: Request, context: Context) -> Asked:
    current, execution, wish = deployments.current(), event["execution"], event["request"]
    if current and current.execution == execution:
        return {"running": False, "model_version": current.model_version}  # a repeated call: it took the fleet before
    before = current.model_before(OWN) if current else ""
    way = may_roll_back(current, before, time.time(), wish.get("model_version"))
    assert current is not None  # may_roll_back refuses a fleet that never had a roll-out
    if way == WayBack.ROLL_BACK:
        deployments.take_over(current, execution, before, hold_seconds=GRACE_SECONDS)
    else:
        stopped = deployments.stop(current, str(wish["reason"])[:MAX_REASON])
        if stopped is None:
            raise RolloutInProgressError("the roll-out went on in the same moment")
        deployments.wake(stopped, LIMITS)
    logger.warning("roll back asked for", model_version=current.model_version, way=way, reason=wish["reason"])
    return {"running": way == WayBack.STOP, "model_version": current.model_version}
