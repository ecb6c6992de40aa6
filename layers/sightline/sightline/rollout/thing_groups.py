"""Thing groups: what is deployed to them, with Greengrass, and how fast it is handed out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from sightline.aws.clients import Aws
from sightline.rollout.components import Components
from sightline.rollout.decisions import ABORT_AFTER
from sightline.rollout.fleet import deployments_on, things_in
from sightline.rollout.stages import Groups, Stage

if TYPE_CHECKING:
    from mypy_boto3_greengrassv2.type_defs import CreateDeploymentRequestTypeDef, DeploymentIoTJobConfigurationTypeDef


class ThingGroup:
    """One thing group, by its ARN."""

    def __init__(self, aws: Aws, group_arn: str) -> None:
        self.aws = aws
        self.arn = group_arn

    def things(self) -> list[str]:
        """Return the names of the things in the group, sorted."""
        return things_in(self.aws, self.arn)

    def current_components(self) -> Components:
        """Return the components of the newest deployment to the group; empty when there was none."""
        found = self.aws.greengrass.list_deployments(targetArn=self.arn, historyFilter="LATEST_ONLY")["deployments"]
        if not found:
            return {}
        newest = self.aws.greengrass.get_deployment(deploymentId=found[0]["deploymentId"])
        return cast(Components, newest.get("components", {}))

    def deploy(
        self,
        name: str,
        components: Components,
        token: str,
        job: DeploymentIoTJobConfigurationTypeDef | None = None,
    ) -> str:
        """Deploy exactly these components to the group. Return the deployment's id.

        The same token again creates nothing. Devices that can't start the components go back by themselves to what
        they ran. `job` says how fast the deployment is handed out, and when that stops.
        """
        request: CreateDeploymentRequestTypeDef = {
            "targetArn": self.arn,
            "deploymentName": name,
            "components": components,
            "deploymentPolicies": {"failureHandlingPolicy": "ROLLBACK"},
            "clientToken": token,
        }
        if job:
            request["iotJobConfiguration"] = job
        return self.aws.greengrass.create_deployment(**request)["deploymentId"]

    def status_on(self, thing: str, deployment_id: str) -> tuple[str, str]:
        """Return status and reason of a deployment on one thing; two empty texts when it has not heard of it."""
        found = (entry for entry in deployments_on(self.aws, thing) if entry.id == deployment_id)
        return next(((entry.status, entry.reason) for entry in found), ("", ""))


def thing_groups(aws: Aws, groups: Groups) -> dict[Stage, ThingGroup]:
    """Return the thing groups of a roll-out by stage, in order."""
    return {stage: ThingGroup(aws, arn) for stage, arn in groups.by_stage().items()}


def job_configuration(
    stage: Stage, *, per_minute: int, abort_percentage: float
) -> DeploymentIoTJobConfigurationTypeDef:
    """Return how fast Greengrass hands a deployment to the devices of a stage, and when it stops doing so by itself.

    `per_minute` is in devices. The canary group stops at its first failure.
    """
    percentage, after = (1.0, 1) if stage == Stage.CANARY else (float(abort_percentage), ABORT_AFTER)
    return {
        "jobExecutionsRolloutConfig": {"maximumPerMinute": per_minute},
        "abortConfig": {
            "criteriaList": [
                {
                    "failureType": "ALL",
                    "action": "CANCEL",
                    "thresholdPercentage": percentage,
                    "minNumberOfExecutedThings": after,
                }
            ]
        },
    }


def client_token(purpose: str, execution: str) -> str:
    """Return a token that makes a repeated call create once: letters, digits and hyphens, at most 64."""
    return f"{purpose}-{hashlib.sha256(execution.encode()).hexdigest()[:32]}"
