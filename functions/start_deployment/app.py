"""Deploy a model to the next stage of the fleet (canary group, fleet group), and let the workflow wait for its devices.

Input:   {"execution", "approved_at", "component_version", "task_token"}
Output:  none; the token is answered when there is something to decide: every device has answered, or enough have failed
Errors:  RolloutInProgressError, retried by that name in deploy_model.asl.json; RolloutSupersededError, which ends it;
         NoDevicesError, NoInspectorError, OverlappingGroupsError
"""

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.workflows import Callbacks
from sightline.fields import Fields
from sightline.rollout.components import Components, deployed_components, on_trial
from sightline.rollout.decisions import Limits
from sightline.rollout.deployments import Deployments
from sightline.rollout.findings import Proven
from sightline.rollout.published import PublishedComponents
from sightline.rollout.record import Attempt, Rollout, RolloutState
from sightline.rollout.reports import Reports
from sightline.rollout.stages import Groups, Stage
from sightline.rollout.thing_groups import client_token, job_configuration, thing_groups
from sightline.rollout.turns import GRACE_SECONDS, NoDevicesError, Turn, check_apart, may_start
from sightline.rollout.versions import latest_version
from sightline.runtime import Context, logger, step

HEALTH_TIMEOUT_SECONDS = int(os.environ["HEALTH_TIMEOUT_SECONDS"])
BAKE_SECONDS = int(os.environ["BAKE_SECONDS"])
PER_MINUTE = int(os.environ["ROLLOUT_PER_MINUTE"])
ASKED_AT_ONCE = 8  # things whose last word is looked up
HOLD_SECONDS = max(HEALTH_TIMEOUT_SECONDS, BAKE_SECONDS) + GRACE_SECONDS
OWN = names.OwnComponents(os.environ["STACK_NAME"])
LIMITS = Limits.from_json(os.environ["ROLLOUT_LIMITS"])

aws = Aws()
callbacks = Callbacks(aws)
fleets = thing_groups(aws, Groups(fleet=os.environ["THING_GROUP_ARN"], canary=os.environ["CANARY_GROUP_ARN"]))
published = PublishedComponents(aws, os.environ["THING_GROUP_ARN"])
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
said = Reports(aws, os.environ["DEPLOYMENTS_TABLE"])


class Request(TypedDict):
    execution: str
    approved_at: str  # ISO 8601
    component_version: str
    task_token: str


def take(attempt: Attempt, task_token: str) -> Rollout:
    """Return the fleet's roll-out: that of `attempt`, waiting, or one that is healthy with exactly this already."""
    before = deployments.current()
    turn = may_start(attempt, before, now=time.time())
    if before is None or turn == Turn.START:
        return begin(attempt, before, task_token)
    if turn == Turn.RESUME:
        return deployments.resume(before, task_token=task_token)
    if turn == Turn.NEXT_STAGE:
        stage = before.next_stage()
        return deployments.begin_stage(before, stage, fleets[stage].things(), task_token=task_token)
    return before


def begin(attempt: Attempt, before: Rollout | None, task_token: str) -> Rollout:
    """Take the fleet for `attempt`, unless it runs exactly this already and is healthy with it."""
    stages = members()
    running = {stage: fleets[stage].current_components() for stage in stages}
    previous = known_good(running, before)
    inspector = latest_version(published.versions(OWN.inspector))
    components = {
        stage: deployed_components(
            OWN, previous[stage], model_version=attempt.model_version, inspector_version=inspector
        )
        for stage in stages
    }
    if before and before.status == RolloutState.HEALTHY and components == running:
        return before
    return deployments.begin(
        attempt,
        before,
        task_token=task_token,
        hold_seconds=HOLD_SECONDS,
        stages=stages,
        components=components,
        previous=previous,
    )


def members() -> dict[Stage, list[str]]:
    """Return the things of each stage that has any, in order."""
    things = {stage: fleet.things() for stage, fleet in fleets.items()}
    check_apart(things.get(Stage.CANARY, []), things[Stage.FLEET])
    stages = {stage: found for stage, found in things.items() if found}
    if not stages:
        raise NoDevicesError(
            f"{fleets[Stage.FLEET].arn} has no things; add a device to the group, then approve the model again"
        )
    return stages


def known_good(running: Mapping[Stage, Components], before: Rollout | None) -> dict[Stage, Components]:
    """Return what each stage goes back to.

    What an abandoned roll-out left is not proven; a new canary group follows the fleet.
    """
    previous = dict(running)
    if before and before.is_abandoned(time.time()):
        previous |= {stage: found for stage, found in before.previous.items() if stage in running}
    if Stage.FLEET in previous and Stage.CANARY in previous and not previous[Stage.CANARY]:
        previous[Stage.CANARY] = previous[Stage.FLEET]
    return previous


def deploy(rollout: Rollout) -> Rollout:
    """Deploy the stage that the roll-out is in. Return the roll-out with the deployment noted."""
    stage = rollout.stage
    components = on_trial(OWN, rollout.components[stage], rollout.previous[stage])
    changes_nothing = fleets[stage].current_components() == components
    job = job_configuration(stage, per_minute=PER_MINUTE, abort_percentage=LIMITS.abort_percentage)
    token = client_token(f"deploy-{stage}", rollout.execution)
    deployment_id = fleets[stage].deploy(f"{OWN.stack}-model-{rollout.model_version}", components, token, job)
    logger.info("deployment started", stage=stage, deployment_id=deployment_id, things=len(rollout.things))
    noted = deployments.note_deployment(rollout, deployment_id) or rollout
    return count_proven(noted) if changes_nothing else noted


def count_proven(rollout: Rollout) -> Rollout:
    """Count things that run the model since a roll-out that was stopped: where nothing changes, they say nothing again.

    Only those whose last word was that this model is well.
    """
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        last = dict(zip(rollout.things, pool.map(said.last, rollout.things), strict=True))
    for thing, word in last.items():
        if word and word.healthy and word.model_version == rollout.model_version:
            rollout = deployments.record(Proven(thing), rollout) or rollout
    return rollout


@step
def handler(event: Request, context: Context) -> None:
    approved_at = Fields(event, "in the event").moment("approved_at")
    attempt = Attempt(event["execution"], event["component_version"], approved_at)
    rollout = take(attempt, event["task_token"])
    if rollout.status == RolloutState.HEALTHY:
        logger.info("model is deployed and healthy already", model_version=attempt.model_version)
        callbacks.succeed(event["task_token"])
        return
    # The record comes first: a device that is quick to report must find it.
    deployments.wake(deploy(rollout), LIMITS)
