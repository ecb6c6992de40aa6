"""Decide from the devices' reports what happens with a stage: let the model bake, promote it, or have it taken back.

Input:   {"execution"}
Output:  {"step": "BAKE", "PROMOTE" or "DONE", "reason", "bake_seconds"}
Errors:  ModelRefusedError with the reason, caught by that name in deploy_model.asl.json; RolloutSupersededError
"""

import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.aws.clients import Aws
from sightline.rollout import deployment as rules
from sightline.rollout.deployments import Deployments
from sightline.rollout.greengrass import thing_groups
from sightline.rollout.stages import Groups

HEALTH_TIMEOUT_SECONDS = int(os.environ["HEALTH_TIMEOUT_SECONDS"])
BAKE_SECONDS = int(os.environ["BAKE_SECONDS"])
ASKED_AT_ONCE = 8  # of Greengrass about silent devices; a client keeps ten connections
LIMITS = rules.Limits(**json.loads(os.environ["ROLLOUT_LIMITS"]))

logger = Logger()
aws = Aws()
fleets = thing_groups(aws, Groups(fleet=os.environ["THING_GROUP_ARN"], canary=os.environ["CANARY_GROUP_ARN"]))
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])


def hear_the_silent(item: dict) -> dict:
    """Count things that took the deployment and said nothing; those that have not taken it yet are left alone."""
    fleet, deployment = fleets[item["stage"]], item["deployments"].get(item["stage"], "")
    silent = sorted(set(item["things"]) - set(item.get("healthy", ())) - set(rules.failures(item)))

    def judge(thing: str) -> str:
        return rules.judge_silence(*fleet.status_on(thing, deployment), HEALTH_TIMEOUT_SECONDS)

    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:  # a thousand silent devices are a thousand requests
        told = dict(zip(silent, pool.map(judge, silent), strict=True))
    return deployments.fail_silent(item, {thing: reason for thing, reason in told.items() if reason})


def settle(item: dict, decision: rules.Decision) -> None:
    """End the stage: its devices stop comparing with the old model."""
    stage = item["stage"]
    components = item["components"][stage]
    if rules.on_trial(components, item["previous"][stage]) != components:
        token = rules.client_token(f"settle-{stage}", item["execution"])
        fleets[stage].deploy(f"sightline-model-{item['model_version']}-settled", components, token)
    status = rules.HEALTHY if decision.step == rules.DONE else rules.PROMOTED
    deployments.promote(item, status, decision.reason)


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    item = deployments.owned(event["execution"])
    if item["status"] in (rules.ROLLING_BACK, rules.ROLLED_BACK):
        raise rules.RolloutSupersededError("this roll-out was rolled back already")
    if item["status"] == rules.WAITING:
        item = hear_the_silent(item)
    decision = rules.decide(item, LIMITS, now=time.time())
    logger.info("decided", stage=item["stage"], step=decision.step, reason=decision.reason)
    if decision.step == rules.ROLL_BACK:
        raise rules.ModelRefusedError(decision.reason)
    if decision.step in (rules.PROMOTE, rules.DONE) and item["status"] in rules.COUNTING:
        settle(item, decision)
    left = item["bake_until"] - time.time() if item["status"] == rules.BAKING else BAKE_SECONDS
    return {"step": decision.step, "reason": decision.reason, "bake_seconds": max(1, math.ceil(left))}
