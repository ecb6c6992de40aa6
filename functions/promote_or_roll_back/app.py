"""Decide from the devices' reports what happens with a stage: let the model bake, promote it, or have it taken back.

Input:   {"execution"}
Output:  {"step": "BAKE", "PROMOTE" or "DONE", "reason", "bake_seconds"}
Errors:  ModelRefusedError with the reason, caught by that name in deploy_model.asl.json; RolloutSupersededError
"""

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.names import OwnComponents
from sightline.rollout.components import on_trial
from sightline.rollout.decisions import Decision, Limits, ModelRefusedError, Step, decide, judge_silence
from sightline.rollout.deployments import Deployments
from sightline.rollout.record import Rollout, RolloutState
from sightline.rollout.stages import Groups
from sightline.rollout.thing_groups import client_token, thing_groups
from sightline.rollout.turns import RolloutSupersededError
from sightline.runtime import Context, logger, step

HEALTH_TIMEOUT_SECONDS = int(os.environ["HEALTH_TIMEOUT_SECONDS"])
BAKE_SECONDS = int(os.environ["BAKE_SECONDS"])
ASKED_AT_ONCE = 8  # of Greengrass about silent devices; a client keeps ten connections
OWN = OwnComponents(os.environ["STACK_NAME"])
LIMITS = Limits.from_json(os.environ["ROLLOUT_LIMITS"])

aws = Aws()
fleets = thing_groups(aws, Groups(fleet=os.environ["THING_GROUP_ARN"], canary=os.environ["CANARY_GROUP_ARN"]))
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


class Request(TypedDict):
    execution: str


class Decided(TypedDict):
    step: Step
    reason: str
    bake_seconds: int


def hear_the_silent(rollout: Rollout) -> Rollout:
    """Count things that took the deployment and said nothing; those that have not taken it yet are left alone."""
    fleet, deployment, silent = fleets[rollout.stage], rollout.deployments.get(rollout.stage, ""), rollout.silent

    def judge(thing: str) -> str:
        return judge_silence(*fleet.status_on(thing, deployment), HEALTH_TIMEOUT_SECONDS)

    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:  # a thousand silent devices are a thousand requests
        told = dict(zip(silent, pool.map(judge, silent), strict=True))
    return deployments.fail_silent(rollout, {thing: reason for thing, reason in told.items() if reason})


def settle(rollout: Rollout, decision: Decision) -> None:
    """End the stage: its devices stop comparing with the old model."""
    stage = rollout.stage
    components = rollout.components[stage]
    if on_trial(OWN, components, rollout.previous[stage]) != components:
        token = client_token(f"settle-{stage}", rollout.execution)
        fleets[stage].deploy(f"{OWN.stack}-model-{rollout.model_version}-settled", components, token)
    status = RolloutState.HEALTHY if decision.step == Step.DONE else RolloutState.PROMOTED
    deployments.promote(rollout, status, decision.reason)


@step
def handler(event: Request, context: Context) -> Decided:
    rollout = deployments.owned(event["execution"])
    if rollout.status in (RolloutState.ROLLING_BACK, RolloutState.ROLLED_BACK):
        raise RolloutSupersededError("this roll-out was rolled back already")
    if rollout.status == RolloutState.ABANDONED:
        raise RolloutSupersededError("this roll-out was stopped and let the devices go; approve the model again")
    if rollout.status == RolloutState.WAITING:
        rollout = hear_the_silent(rollout)
    decision = decide(rollout, LIMITS, now=time.time())
    logger.info("decided", stage=rollout.stage, step=decision.step, reason=decision.reason)
    if decision.step == Step.ROLL_BACK:
        raise ModelRefusedError(decision.reason)
    if decision.step in (Step.PROMOTE, Step.DONE) and rollout.counts:
        settle(rollout, decision)
    left = rollout.bake_until - time.time() if rollout.status == RolloutState.BAKING else BAKE_SECONDS
    wait = max(1, min(BAKE_SECONDS, math.ceil(left)))  # a clock that was set back makes more of it
    return {"step": decision.step, "reason": decision.reason, "bake_seconds": wait}
